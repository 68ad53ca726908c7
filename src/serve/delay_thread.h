// DelayThread: runs tasks after a while, on a thread of its own that begins with the first of them.
//
//   delays.After(2 * base::kMillisecondUs, [] { ... });   // short: it delays the others
//
// Thread-safe. The destructor drops what is not due yet.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/executor.h"

namespace sw::serve {

class DelayThread {
 public:
  void After(DurationUs after, base::Executor::Task task);

 private:
  void Run(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::multimap<std::int64_t, base::Executor::Task> due_;  // by nanoseconds of the monotonic clock
  std::jthread thread_;  // last: joins before the rest goes away
};

}  // namespace sw::serve
