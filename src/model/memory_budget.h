// MemoryBudget: how much memory the process may take before a load is refused, rather than that it dies of it.
//
//   MemoryBudget memory({.bytes_max = 4ull << 30, .used = [] { return base::PrivateBytes(); }, .counters = &counters});
//   const auto room = SW_TRY(memory.Take("package 3f2a", need, drop_what_is_idle));   // held while it is loaded
//
// What is used is measured, because that is what the kernel ends a process for; who has how much is counted by
// the engines, and only said. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/counters.h"
#include "base/result.h"
#include "model/load_need.h"

namespace sw::model {

struct MemoryHolder {
  std::string name;  // "late/3 live"
  std::uint64_t bytes = 0;
  bool operator==(const MemoryHolder&) const = default;
};

struct MemoryUse {
  std::uint64_t bytes_max = 0;  // 0: no limit
  std::uint64_t used = 0;       // by the process and those that it runs
  std::uint64_t promised = 0;   // to loads under way
  std::vector<MemoryHolder> holders = {};  // those that are known; the rest is the process's own
  bool operator==(const MemoryUse&) const = default;
};

// "812.5 MiB".
std::string BytesText(std::uint64_t bytes);

// RESOURCE_EXHAUSTED where `need` does not fit: says what is needed, who has how much, and what to do. Pure.
Status CheckRoom(std::string_view what, const LoadNeed& need, const MemoryUse& use);

// What a setting of 0 stands for, where there are so many bytes: all but an eighth, or but 1 GiB where that is
// less, which is left to what no load is counted for, such as requests.
std::uint64_t MemoryBytesMax(std::uint64_t setting, std::uint64_t bytes_there);

class MemoryBudget {
 public:
  // What is called is thread-safe.
  struct Options {
    std::uint64_t bytes_max = 0;
    std::function<std::uint64_t()> used;
    std::function<std::vector<MemoryHolder>()> holders = {};
    base::Counters* counters = nullptr;
  };
  explicit MemoryBudget(Options options);

  // A promise, until it is destroyed.
  class Room {
   public:
    Room(MemoryBudget& budget, std::uint64_t bytes) : budget_(&budget), bytes_(bytes) {}
    Room(Room&& other) noexcept : budget_(std::exchange(other.budget_, nullptr)), bytes_(other.bytes_) {}
    Room& operator=(Room&&) = delete;
    ~Room();

   private:
    MemoryBudget* budget_;
    std::uint64_t bytes_;
  };
  // Where there is no room, `make_room` is called once before it is refused; it may be empty.
  Result<Room> Take(std::string_view what, const LoadNeed& need, const std::function<void()>& make_room);

  MemoryUse Use() const;
  // Sets the gauges model_memory_..._bytes.
  void Note() const;

 private:
  bool TryTake(std::uint64_t bytes);

  const Options options_;
  base::Counter& refused_;
  base::Counter& used_gauge_;
  mutable std::mutex mutex_;
  std::uint64_t promised_ = 0;  // guarded by mutex_
};

}  // namespace sw::model
