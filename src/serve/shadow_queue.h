// ShadowQueue: work after the response, on a bounded executor of low priority, shed first.
//
//   auto place = shadows.Begin(rows);          // before the response, so that a Flush after it waits
//   ... answer ...
//   shadows.Submit(*std::move(place), [=] { ... });
//
// Thread-safe. A place has one owner.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "base/executor.h"

namespace sw::serve {

class ShadowQueue {
 public:
  // Given back when destroyed, wherever its task ends up.
  class Place {
   public:
    Place(ShadowQueue* queue, std::uint64_t number, std::size_t rows) : queue_(queue), number_(number), rows_(rows) {}
    Place(Place&& other) noexcept : queue_(std::exchange(other.queue_, nullptr)), number_(other.number_), rows_(other.rows_) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (queue_ != nullptr) queue_->Leave(number_, rows_);
    }

   private:
    ShadowQueue* queue_;
    std::uint64_t number_;
    std::size_t rows_;
  };

  ShadowQueue(base::Executor& executor, std::size_t rows_max) : executor_(executor), rows_max_(rows_max) {}

  // Nothing when `rows` more do not fit.
  std::optional<Place> Begin(std::size_t rows);
  // The executor's error when it is full: the task will not run.
  Status Submit(Place place, std::move_only_function<void()> task);
  // Returns when every place begun before the call was given back.
  void WaitForEarlier();

 private:
  void Leave(std::uint64_t number, std::size_t rows);

  base::Executor& executor_;
  const std::size_t rows_max_;
  std::mutex mutex_;
  std::condition_variable left_;
  std::set<std::uint64_t> begun_;
  std::uint64_t next_ = 0;
  std::size_t rows_ = 0;
};

}  // namespace sw::serve
