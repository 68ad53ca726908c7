#include "api/native/jobs.h"

#include <algorithm>
#include <utility>

#include "base/errors.h"

namespace sw::native {

void JobProgress::Set(double done, std::string_view message) {
  const std::lock_guard lock(jobs_.mutex_);
  const auto found = jobs_.jobs_.find(id_);
  if (found == jobs_.jobs_.end()) return;
  found->second.progress = std::clamp(done, 0.0, 1.0);
  found->second.message = message;
}

Jobs::Jobs(const base::Clock& clock, base::IdGenerator& ids, base::Executor& executor,
           base::Counters& counters)
    : clock_(clock),
      ids_(ids),
      executor_(executor),
      started_(counters.Get("native_jobs_started_total", "Jobs started.")),
      failed_(counters.Get("native_jobs_failed_total", "Jobs that ended with an error.")) {}

Result<std::string> Jobs::Start(const Caller& caller, std::string kind, Work work) {
  std::string id = ids_.NewUuid();
  {
    const std::lock_guard lock(mutex_);
    Job job;
    job.id = id;
    job.workspace = caller.workspace;
    job.principal = caller.principal;
    job.kind = std::move(kind);
    job.started = clock_.Now();
    jobs_.emplace(id, std::move(job));
  }
  const Status submitted =
      executor_.Submit([this, id, work = std::move(work)]() mutable { Run(id, std::move(work)); });
  if (!submitted) {
    const std::lock_guard lock(mutex_);
    jobs_.erase(id);
    return std::unexpected(submitted.error());
  }
  started_.Add();
  return id;
}

void Jobs::Run(const std::string& id, Work work) {
  JobProgress progress(*this, id);
  Finish(id, work(progress));
}

void Jobs::Finish(const std::string& id, Result<Json> result) {
  std::vector<Waiter> waiters;
  Json answer;
  {
    const std::lock_guard lock(mutex_);
    Job& job = jobs_.at(id);
    job.ended = clock_.Now();
    job.state = result ? "done" : "failed";
    if (result) {
      job.progress = 1;
      job.result = *std::move(result);
    } else {
      job.error = std::move(result).error();
      failed_.Add();
    }
    waiters.swap(job.waiters);
    answer = ToJson(job);
    finished_.push_back(id);
    if (finished_.size() > kFinishedMax) {
      jobs_.erase(finished_.front());
      finished_.pop_front();
    }
  }
  for (Waiter& waiter : waiters) waiter(answer);
}

Json Jobs::ToJson(const Job& job) {
  Json out = Json::MakeObject({{"id", job.id},
                               {"kind", job.kind},
                               {"state", job.state},
                               {"progress", job.progress},
                               {"message", job.message},
                               {"principal", job.principal},
                               {"started", base::FormatTime(job.started)}});
  if (job.state == "running") return out;
  out.Set("ended", base::FormatTime(job.ended));
  if (job.state == "done") {
    out.Set("result", job.result);
  } else {
    out.Set("error", Json::MakeObject({{"code", base::ErrorCodeName(job.error.code)},
                                       {"message", job.error.message}}));
  }
  return out;
}

const Jobs::Job* Jobs::Find(const Caller& caller, std::string_view id) const {
  const auto found = jobs_.find(id);
  return found == jobs_.end() || found->second.workspace != caller.workspace ? nullptr
                                                                             : &found->second;
}

Result<Json> Jobs::Get(const Caller& caller, std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const Job* job = Find(caller, id);
  if (job == nullptr) return NotFound("no job {}; jobs are forgotten when the server restarts", id);
  return ToJson(*job);
}

std::vector<Json> Jobs::List(const Caller& caller) const {
  const std::lock_guard lock(mutex_);
  std::vector<Json> out;
  for (auto job = jobs_.rbegin(); job != jobs_.rend(); ++job) {  // ids sort by time
    if (job->second.workspace == caller.workspace) out.push_back(ToJson(job->second));
  }
  return out;
}

void Jobs::Wait(const Caller& caller, std::string_view id, Waiter waiter) {
  Result<Json> now = NotFound("no job {}; jobs are forgotten when the server restarts", id);
  {
    const std::lock_guard lock(mutex_);
    if (const Job* job = Find(caller, id); job != nullptr) {
      std::vector<Waiter>& waiters = jobs_.find(id)->second.waiters;
      if (job->state == "running" && waiters.size() < kWaitersMax)
        return waiters.push_back(std::move(waiter));
      now = ToJson(*job);
      if (job->state == "running") {
        now = ResourceExhausted(
            "more than {} wait for job {} (limit job_waiters_max); ask without wait", kWaitersMax,
            id);
      }
    }
  }
  waiter(std::move(now));
}

}  // namespace sw::native
