// RecordingObserver: a RequestObserver for tests that keeps what it was told. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

#include "net/observer.h"

namespace sw::net {

class RecordingObserver final : public RequestObserver {
 public:
  // Every request belongs to the trace 0101..., in a span that counts up.
  base::TraceContext Begin(const std::optional<base::TraceContext>& parent) override {
    const std::lock_guard lock(mutex_);
    base::TraceContext context;
    context.trace.fill(1);
    context.span[7] = ++begun_;
    context.flags = parent ? parent->flags : base::TraceContext::kSampled;
    return context;
  }
  void End(FinishedRequest request) override {
    const std::lock_guard lock(mutex_);
    finished_.push_back(std::move(request));
    ended_.notify_all();
  }

  // Waits until so many have ended, for ten seconds at most.
  std::vector<FinishedRequest> WaitFor(std::size_t count) {
    std::unique_lock lock(mutex_);
    ended_.wait_for(lock, std::chrono::seconds(10), [&] { return finished_.size() >= count; });
    return finished_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  std::uint8_t begun_ = 0;
  std::vector<FinishedRequest> finished_;
};

}  // namespace sw::net
