#include "model/engines/run_watch.h"

#include <utility>

namespace sw::model {
namespace {

constexpr int kLooksALimit = 8;
constexpr int kIdleLooksMax = 64;  // then the thread sleeps until there is a call

}  // namespace

RunWatch::~RunWatch() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void RunWatch::Watch() {
  std::unique_lock lock(mutex_);
  int idle_looks = 0;
  while (!is_ending_) {
    idle_looks = entries_.empty() ? idle_looks + 1 : 0;
    is_asleep_ = idle_looks > kIdleLooksMax;
    if (is_asleep_) {
      wake_.wait(lock, [&] { return is_ending_ || !entries_.empty(); });
      is_asleep_ = false;
    }
    wake_.wait_for(lock, limit_ / kLooksALimit, [&] { return is_ending_; });
    const auto now = Clock::now();
    for (Entry& entry : entries_) {
      if (entry.is_stopped || now < entry.end) continue;
      entry.is_stopped = true;
      entry.stop();
    }
  }
}

RunWatch::Call::Call(RunWatch& watch, std::function<void()> stop) : watch_(watch) {
  const std::lock_guard lock(watch_.mutex_);
  watch_.entries_.push_front({.end = Clock::now() + watch_.limit_, .stop = std::move(stop)});
  entry_ = watch_.entries_.begin();
  if (!watch_.thread_.joinable()) watch_.thread_ = std::thread([&watch] { watch.Watch(); });
  if (watch_.is_asleep_) watch_.wake_.notify_one();
}

RunWatch::Call::~Call() {
  const std::lock_guard lock(watch_.mutex_);
  watch_.entries_.erase(entry_);
}

bool RunWatch::Call::is_stopped() const {
  const std::lock_guard lock(watch_.mutex_);
  return entry_->is_stopped;
}

}  // namespace sw::model
