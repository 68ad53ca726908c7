// Registry: what a Feast deployment has applied, kept in the file that Feast's own SDK reads and writes
// (`registry.db`, one protobuf message).
//
//   auto registry = SW_TRY(Registry::Open("repo/data/registry.db", clock, ids));
//   std::shared_ptr<const Project> project = SW_TRY(registry->Find("credit"));
//   SW_TRY(registry->Change([&](::feast::core::Registry& objects) { ... return Ok(); }));
//
// The file is outside input, and others may replace it: it is read again when it has changed. A file that is no
// registry is DATA_LOSS to who asks, is never written over, and is taken up again once it is one. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "feast/project.h"

namespace sw::feast {

inline constexpr std::uint64_t kRegistryBytesMax = 64u << 20;

// The message of a file's bytes, with an object for each project that only old Feast's metadata names.
Result<RegistrySnapshot> ReadRegistry(std::string_view bytes);

class Registry {
 public:
  virtual ~Registry() = default;
  // A file that is missing is an empty registry, and is made by the first change. `clock` and `ids` outlive it.
  static Result<std::unique_ptr<Registry>> Open(const std::string& path, const base::Clock& clock, base::IdGenerator& ids);

  virtual Result<RegistrySnapshot> Snapshot() const = 0;
  // One at a time, all or nothing, on disk before it returns. An error of `change` leaves all as it was. It runs
  // again when someone else replaced the file meanwhile.
  virtual Status Change(const std::function<Status(::feast::core::Registry&)>& change) = 0;
  // NOT_FOUND: ProjectNotFoundException. Made once a snapshot.
  virtual Result<std::shared_ptr<const Project>> Find(std::string_view project) const = 0;
};

}  // namespace sw::feast
