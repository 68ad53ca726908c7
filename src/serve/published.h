// Published: the newest of an immutable value, handed out by pointer and swapped whole.
//
//   Published<Table> table;
//   std::shared_ptr<const Table> now = table.Get();   // keeps it alive
//   table.Set(std::make_shared<const Table>(...));    // those who hold the old one keep it
//
// A mutex around the pointer alone, never held for longer than a reference count moves: g++ 12's
// std::atomic<std::shared_ptr> spins on a bit just the same, and its load is a data race by the
// letter (its unlock is relaxed), which the thread sanitizer reports. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace sw::serve {

template <typename T>
class Published {
 public:
  explicit Published(std::shared_ptr<const T> first) : value_(std::move(first)) {}

  std::shared_ptr<const T> Get() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }
  void Set(std::shared_ptr<const T> value) {
    {
      const std::lock_guard lock(mutex_);
      value_.swap(value);
    }  // the old one, if this was its last holder, goes away outside of the lock
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
};

}  // namespace sw::serve
