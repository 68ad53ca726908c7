// Tracker: experiments and their runs, with params, metrics, tags and artifacts, as in MLflow.
//
//   auto tracker = SW_TRY(Tracker::Open(catalog, clock, ids));
//   Run run = SW_TRY(tracker->Start(caller, {.experiment = "late", .name = "june"}));
//   SW_TRY(tracker->LogParams(caller, run.id, {{"rounds", "100"}}));
//   SW_TRY(tracker->LogMetrics(caller, run.id, {{.key = "auc", .value = 0.77}}));
//   SW_TRY(tracker->Finish(caller, run.id, RunStatus::kFinished));
//
// A param is written once; a metric has a history of (step, time), and its newest value is that of
// the largest step, then time. Artifacts are blobs under a path of the run. Everything belongs to
// the caller's workspace. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/caller.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"
#include "store/catalog.h"

namespace sw::track {

inline constexpr std::size_t kKeyBytesMax = 250;
inline constexpr std::size_t kValueBytesMax = 8'000;
inline constexpr std::size_t kBatchRowsMax = 1'000;  // params, metrics or tags in one call

enum class RunStatus : std::uint8_t { kRunning, kFinished, kFailed, kKilled };
std::string_view RunStatusName(RunStatus status);  // "running", "finished", "failed", "killed"
Result<RunStatus> ParseRunStatus(std::string_view name);

struct NewRun {
  std::string experiment = "default";  // created when it does not exist
  std::string name = {};
  std::map<std::string, std::string> tags = {};
};

struct Metric {
  std::string key = {};
  double value = 0;  // NaN and infinities are kept
  std::int64_t step = 0;
  TimeUs time = 0;  // 0: now
};

struct Artifact {
  std::string path = {};  // relative, '/' between names
  std::string blob = {};  // hash
  std::uint64_t bytes = 0;
};

struct Run {
  std::string id = {};
  std::string experiment = {};
  std::string name = {};
  RunStatus status = RunStatus::kRunning;
  TimeUs started = 0;
  TimeUs ended = 0;  // 0: not yet
  std::string principal = {};
  std::map<std::string, std::string> params = {};
  std::map<std::string, std::string> tags = {};
  std::map<std::string, double> metrics = {};  // newest values
  std::vector<Artifact> artifacts = {};
};

struct Experiment {
  std::string name = {};
  TimeUs created = 0;
  std::int64_t runs = 0;
};

struct RunPage {
  std::vector<Run> runs = {};  // newest first
  std::string next = {};       // pass as `after` for the next page; empty: that was all
};

Json RunToJson(const Run& run);

class Tracker {
 public:
  static Result<std::unique_ptr<Tracker>> Open(store::Catalog& catalog, const base::Clock& clock,
                                               base::IdGenerator& ids);

  Result<Run> Start(const Caller& caller, const NewRun& run);
  // INVALID_ARGUMENT names a param that was logged with another value; then nothing is logged.
  Status LogParams(const Caller& caller, std::string_view run,
                   const std::map<std::string, std::string>& params);
  Status LogMetrics(const Caller& caller, std::string_view run, const std::vector<Metric>& metrics);
  Status SetTags(const Caller& caller, std::string_view run,
                 const std::map<std::string, std::string>& tags);
  // The blob must have been written before.
  Status AddArtifact(const Caller& caller, std::string_view run, const Artifact& artifact);
  Result<Run> Finish(const Caller& caller, std::string_view run, RunStatus status);

  Result<Run> Get(const Caller& caller, std::string_view run) const;
  // In order of (step, time).
  Result<std::vector<Metric>> History(const Caller& caller, std::string_view run,
                                      std::string_view key) const;
  // `experiment` empty: all of them.
  Result<RunPage> Runs(const Caller& caller, std::string_view experiment,
                       std::string_view after = {}, std::size_t rows_max = 100) const;
  Result<std::vector<Experiment>> Experiments(const Caller& caller) const;

  // The artifacts of all workspaces, for the blobs' sweep.
  Result<std::set<std::string>> Blobs() const;

 private:
  Tracker(store::Catalog& catalog, const base::Clock& clock, base::IdGenerator& ids)
      : catalog_(catalog), clock_(clock), ids_(ids) {}

  store::Catalog& catalog_;
  const base::Clock& clock_;
  base::IdGenerator& ids_;
};

}  // namespace sw::track
