// PythonWorker: a Python process that is started when needed, watched, and started again after a
// failure, each time later (base/backoff.h).
//
// It answers one request at a time; a few others wait. Whatever it does wrong (it hangs, crashes,
// answers nonsense) is an error of the request that it was to answer and ends the process; until the
// next start requests get UNAVAILABLE at once. Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/worker_process.h"

namespace sw::model {

struct PythonWorkerOptions {
  std::string name;                 // begins every message
  base::WorkerSpec process;
  std::string order;                // the first message's content: what to load
  std::function<Status()> check;    // before each start; an error of it is the start's
  DurationUs start_time_max = base::kMinuteUs;
  DurationUs call_time_max = 5 * base::kSecondUs;
  std::size_t waiting_max = 16;
  base::Backoff::Options backoff = {};
};

class PythonWorker {
 public:
  PythonWorker(PythonWorkerOptions options, const base::Clock& clock);

  // Starts it, if it does not run. What it said when it was ready.
  Result<std::string> Start();
  // The content of its answer. FAILED_PRECONDITION: the model raised an error (and still runs).
  // RESOURCE_EXHAUSTED: too many wait, or the answer is too long. DEADLINE_EXCEEDED, UNAVAILABLE,
  // also once the process's stop token says so.
  Result<std::string> Call(const std::string& content);
  // What the process holds in memory that no other shares; 0 while there is none.
  std::size_t memory_bytes() const;

 private:
  class Turn;
  Result<std::string> StartLocked();
  Result<std::string> Ask(std::uint32_t kind, const std::string& content, DurationUs time_max);
  std::unexpected<Error> Fail(Error error);

  const PythonWorkerOptions options_;
  const base::Clock& clock_;
  std::atomic<std::size_t> waiting_ = 0;
  std::atomic<int> process_id_ = 0;  // of process_; 0: none
  std::timed_mutex mutex_;  // of all below
  std::unique_ptr<base::WorkerProcess> process_;
  base::Backoff backoff_;
  std::uint32_t number_ = 0;  // of the newest request
  std::string ready_, last_error_;
};

}  // namespace sw::model
