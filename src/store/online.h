// Online store: the newest value of each key, always rebuildable from the logbook. LMDB here,
// Redis or Valkey behind the same interface later.
//
// Calls are batched and complete by callback: inline for LMDB, on another thread for a remote
// engine. Keys longer than the engine allows are hashed, and verified when read. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sw::store {

struct OnlineWrite {
  std::string key;
  std::optional<std::string> value;  // nullopt: delete
};

class OnlineStore {
 public:
  using Values = std::vector<std::optional<std::string>>;  // in the order of the keys
  using GetCallback = std::move_only_function<void(Result<Values>)>;
  using PutCallback = std::move_only_function<void(Status)>;
  virtual ~OnlineStore() = default;

  virtual void MultiGet(std::span<const std::string> keys, GetCallback done) = 0;
  // All or nothing for LMDB; visible to every MultiGet that starts after the callback.
  virtual void MultiPut(std::vector<OnlineWrite> writes, PutCallback done) = 0;
  // What MultiGet gives, without a copy and at once: `visit` sees views that are gone when it returns.
  using Views = std::span<const std::optional<std::string_view>>;
  virtual Status Visit(std::span<const std::string_view> keys, const std::function<Status(Views)>& visit) const = 0;
  // All or nothing, and nobody writes in between. A key that holds something keeps it unless `wins` says that the
  // fresh value takes its place; a delete always does.
  using Wins = std::function<bool(std::string_view stored, std::string_view fresh)>;
  virtual Status Merge(std::span<const OnlineWrite> writes, const Wins& wins) = 0;
  virtual Status ForEach(std::string_view prefix,
                         const std::function<Status(std::string_view key, std::string_view value)>& visit) const = 0;
  virtual Status DeletePrefix(std::string_view prefix) = 0;
  virtual Status Sync() = 0;

  // Blocking forms, for commands and tests.
  Result<Values> GetNow(std::span<const std::string> keys);
  Status PutNow(std::vector<OnlineWrite> writes);
};

struct LmdbOptions {
  std::string folder;
  std::uint64_t map_bytes = 16ull << 30;  // address space; the file grows as needed
  bool durable = false;                   // what a write reported is on disk; else it is only by Sync
};
Result<std::unique_ptr<OnlineStore>> OpenLmdbOnline(const LmdbOptions& options);

}  // namespace sw::store
