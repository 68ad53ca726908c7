// Jobs: slow work that a request starts and asks after later.
//
//   std::string id = SW_TRY(jobs.Start(caller, "train", [](JobProgress& progress) -> Result<Json> {
//     progress.Set(0.5, "half of the trees");
//     return Json::MakeObject({{"rows", 3}});
//   }));
//   Json job = SW_TRY(jobs.Get(caller, id));   // {"id","kind","state","progress","message",...}
//
// A job lives in memory: what it does is durable by itself, and a job that a crash cut short is
// simply gone. Of finished jobs the last kFinishedMax are kept. Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/caller.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/executor.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"

namespace sw::native {

class Jobs;

// Where a job tells how far it is. Thread-safe.
class JobProgress {
 public:
  JobProgress(Jobs& jobs, std::string id) : jobs_(jobs), id_(std::move(id)) {}
  void Set(double done, std::string_view message);

 private:
  Jobs& jobs_;
  const std::string id_;
};

class Jobs {
 public:
  static constexpr std::size_t kFinishedMax = 1'000;  // limit jobs_finished_max
  static constexpr std::size_t kWaitersMax = 100;     // limit job_waiters_max, of one job
  using Work = std::move_only_function<Result<Json>(JobProgress&)>;
  using Waiter = std::move_only_function<void(Result<Json>)>;

  // The executor is bounded; it must be drained before the Jobs goes away.
  Jobs(const base::Clock& clock, base::IdGenerator& ids, base::Executor& executor,
       base::Counters& counters);

  // The job's id. RESOURCE_EXHAUSTED when too many wait.
  Result<std::string> Start(const Caller& caller, std::string kind, Work work);
  // {"id", "kind", "state": "running" | "done" | "failed", "progress": 0 to 1, "message", "started",
  // "ended", "result", "error": {"code", "message"}}. NOT_FOUND in another workspace, too.
  Result<Json> Get(const Caller& caller, std::string_view id) const;
  // Newest first.
  std::vector<Json> List(const Caller& caller) const;
  // Calls `waiter` once, when the job is over; at once when it is. RESOURCE_EXHAUSTED: too many wait.
  void Wait(const Caller& caller, std::string_view id, Waiter waiter);

 private:
  friend class JobProgress;
  struct Job {
    std::string id, workspace, principal, kind;
    std::string state = "running";
    double progress = 0;
    std::string message;
    TimeUs started = 0, ended = 0;
    Json result;
    Error error;
    std::vector<Waiter> waiters = {};
  };
  static Json ToJson(const Job& job);
  const Job* Find(const Caller& caller, std::string_view id) const;
  void Run(const std::string& id, Work work);
  void Finish(const std::string& id, Result<Json> result);

  const base::Clock& clock_;
  base::IdGenerator& ids_;
  base::Executor& executor_;
  base::Counter& started_;
  base::Counter& failed_;
  mutable std::mutex mutex_;
  std::map<std::string, Job, std::less<>> jobs_;  // guarded by mutex_, as the next
  std::deque<std::string> finished_;              // oldest first
};

}  // namespace sw::native
