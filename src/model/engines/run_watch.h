// RunWatch: stops calls of a library that take too long.
//
//   RunWatch watch(std::chrono::seconds(30));
//   const RunWatch::Call call(watch, [&] { api.RunOptionsSetTerminate(options); });
//   ... the library's call ...
//   if (call.is_stopped()) return DeadlineExceeded(...);
//
// One thread for all calls, started by the first, looks at them a few times within the limit: a call
// costs two locks and no system call. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

namespace sw::model {

class RunWatch {
 public:
  using Clock = std::chrono::steady_clock;

  explicit RunWatch(std::chrono::milliseconds limit) : limit_(limit) {}
  ~RunWatch();

  std::chrono::milliseconds limit() const { return limit_; }

 private:
  struct Entry {
    Clock::time_point end;
    std::function<void()> stop;
    bool is_stopped = false;
  };

 public:
  // While it lives, `stop` is called once when the limit has passed, by another thread; it must be
  // quick. One owner.
  class Call {
   public:
    Call(RunWatch& watch, std::function<void()> stop);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    bool is_stopped() const;

   private:
    RunWatch& watch_;
    std::list<Entry>::iterator entry_;
  };

 private:
  void Watch();

  const std::chrono::milliseconds limit_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::list<Entry> entries_;  // of the calls under way
  bool is_asleep_ = false;    // the thread waits for a call, not for time
  bool is_ending_ = false;
  std::thread thread_;
};

}  // namespace sw::model
