// Registry: what a Feast deployment has applied, kept in the file that Feast's own SDK reads and writes
// (`registry.db`, one protobuf message).
//
//   auto registry = SW_TRY(Registry::Open("repo/data/registry.db"));
//   std::shared_ptr<const Project> project = SW_TRY(registry->Find("credit"));
//   SW_TRY(registry->Change([&](::feast::core::Registry& objects) { ... return Ok(); }));
//
// The file is outside input, and others may replace it: it is read again when it has changed, and a file that
// is no registry leaves the last good one in place and is an error to who asks. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "feast/project.h"

namespace sw::feast {

class Registry {
 public:
  virtual ~Registry() = default;
  // A file that is missing is an empty registry, and is made by the first change.
  static Result<std::unique_ptr<Registry>> Open(const std::string& path);

  virtual Result<RegistrySnapshot> Snapshot() const = 0;
  // One at a time, all or nothing, on disk before it returns. An error of `change` leaves all as it was.
  virtual Status Change(const std::function<Status(::feast::core::Registry&)>& change) = 0;
  // NOT_FOUND: ProjectNotFoundException. Made once a snapshot.
  virtual Result<std::shared_ptr<const Project>> Find(std::string_view project) const = 0;
};

}  // namespace sw::feast
