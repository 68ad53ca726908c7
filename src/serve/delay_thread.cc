#include "serve/delay_thread.h"

#include <chrono>
#include <utility>

namespace sw::serve {

void DelayThread::After(DurationUs after, base::Executor::Task task) {
  const std::lock_guard lock(mutex_);
  due_.emplace(base::MonotonicNs() + after * 1'000, std::move(task));
  if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
  wake_.notify_one();
}

void DelayThread::Run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (due_.empty()) {
      wake_.wait(lock, stop, [this] { return !due_.empty(); });
      continue;
    }
    const std::int64_t first = due_.begin()->first, wait_ns = first - base::MonotonicNs();
    if (wait_ns > 0) {
      wake_.wait_for(lock, stop, std::chrono::nanoseconds(wait_ns), [&] { return due_.begin()->first < first; });
      continue;
    }
    auto due = due_.extract(due_.begin());
    lock.unlock();
    due.mapped()();
    lock.lock();
  }
}

}  // namespace sw::serve
