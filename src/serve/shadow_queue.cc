#include "serve/shadow_queue.h"

namespace sw::serve {

std::optional<ShadowQueue::Place> ShadowQueue::Begin(std::size_t rows) {
  const std::lock_guard lock(mutex_);
  if (rows_ + rows > rows_max_) return std::nullopt;
  rows_ += rows;
  begun_.insert(next_);
  return std::optional<Place>(std::in_place, this, next_++, rows);
}

Status ShadowQueue::Submit(Place place, std::move_only_function<void()> task) {
  return executor_.Submit([place = std::move(place), task = std::move(task)]() mutable { task(); });
}

void ShadowQueue::WaitForEarlier() {
  std::unique_lock lock(mutex_);
  const std::uint64_t end = next_;
  left_.wait(lock, [&] { return begun_.empty() || *begun_.begin() >= end; });
}

void ShadowQueue::Leave(std::uint64_t number, std::size_t rows) {
  const std::lock_guard lock(mutex_);
  begun_.erase(number);
  rows_ -= rows;
  left_.notify_all();  // under the lock: the waiter may destroy this at once
}

}  // namespace sw::serve
