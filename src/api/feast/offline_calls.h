// OfflineCalls: the commands of Feast's offline client, without the wire that carries them.
//
//   OfflineCalls calls({.registry = registry, .project = "credit", .writes = &writes, .clock = &clock});
//   SW_TRY(calls.Put(caller, command, table));           // what writes does so here
//   RawTable answer = SW_TRY(calls.Get(command, table)); // what reads answers here
//
// A command is outside input: a JSON object with "api" and what that wants. Thread-safe.
#pragma once

#include <string>

#include "base/caller.h"
#include "base/clock.h"
#include "base/json.h"
#include "data/raw_table.h"
#include "feast/history.h"
#include "feast/offline_writes.h"
#include "feast/registry.h"

namespace sw::feast {

class OfflineCalls {
 public:
  struct Context {
    const Registry* registry = nullptr;
    std::string project;           // of the repository
    OfflineWrites* writes = nullptr;
    const base::Clock* clock = nullptr;
    std::size_t threads = 2;       // of one command
  };
  explicit OfflineCalls(Context context) : context_(std::move(context)) {}

  // True: the command waits for its Get. PERMISSION_DENIED without the scope features.write.
  Result<bool> Put(const Caller& caller, const Json& command, const data::RawTable& table) const;
  Result<data::RawTable> Get(const Json& command, const data::RawTable& table) const;

 private:
  using Found = std::shared_ptr<const Project>;
  Result<data::RawTable> Historical(const Json& command, const data::RawTable& table) const;
  Result<data::RawTable> Pull(const Json& command, bool only_latest) const;
  Result<data::RawTable> ColumnTypes(const Json& command) const;
  Status Persist(const Json& command, const data::RawTable& table) const;
  Status WriteBatch(const Json& command, const data::RawTable& table) const;
  Status Validate(const Json& command) const;
  HistoryOptions Options() const { return {.threads = context_.threads, .now = context_.clock->Now()}; }

  const Context context_;
};

}  // namespace sw::feast
