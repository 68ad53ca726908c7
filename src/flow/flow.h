// Flow: the loop. Training sets, training, gates, registration, rollouts, monitors, retraining.
//
//   Json trained = SW_TRY(flow->Train(caller, {.recipe = "late", .until = may_end, .held_out = 31 * kDayUs}));
//   Json version = SW_TRY(flow->Register(caller, {.model = "late", .package_id = trained.StringOr("package_id", "")}));
//   Json verdict = SW_TRY(flow->Gate(caller, {.gate = "late", .candidate = "late/1", .against = baseline}));
//   SW_TRY(flow->GoLive(caller, "late", 1, ""));
//   SW_TRY(flow->RunDue(now));      // hourly folds, rollout steps, month-end retraining
//
// Every operation answers with the Json that its route gives. Decisions are made by pure functions
// elsewhere (eval, rollout, monitor); this acts on them and records each verdict. Thread-safe: one
// mutex for what decides, none is held while a model trains.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/caller.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/executor.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/log.h"
#include "base/result.h"
#include "feature/feature_store.h"
#include "flow/config.h"
#include "flow/engine_tuner.h"
#include "model/model_file.h"
#include "model/package.h"
#include "model/package_loader.h"
#include "registry/registry.h"
#include "store/data_folder.h"
#include "track/tracker.h"

namespace sw::flow {

// What an endpoint must look like; app turns it into serve's snapshot.
struct ArmPlan {
  std::int64_t version = 0;
  std::string package_id;
  std::string mode;    // "live", "canary", "shadow", "warm"
  double share = 0;    // canary only
  double threshold = 0.5;
  bool operator==(const ArmPlan&) const = default;
};
struct EndpointPlan {
  EndpointDef definition;
  std::string salt;
  std::vector<ArmPlan> arms;
};

// The serving side, as flow needs it.
class Serving {
 public:
  virtual ~Serving() = default;
  virtual Status Publish(const EndpointPlan& plan) = 0;
  // Loads a package that a Publish is about to ask for, and keeps it loaded while it is held. Slow.
  virtual Result<std::shared_ptr<const model::Package>> Load(const std::string& package_id) = 0;
  // What requests are told until the next Publish.
  virtual void Explain(const std::string& endpoint, const Error& error) = 0;
  // Stops to answer at this endpoint, if it did.
  virtual Status Remove(const std::string& endpoint) = 0;
  // All that was answered is in the logbook when it returns.
  virtual Status FlushLogs() = 0;
  // The package as some endpoint serves it; nullptr when none does.
  virtual std::shared_ptr<const model::Package> Served(const std::string& package_id) const = 0;
};

using Progress = std::function<void(double done, std::string_view message)>;

struct TrainRequest {
  std::string recipe;
  std::string table;          // a file in the tables folder with features and label; empty: the recipe's training set
  std::string label = "label";  // its label column, with `table`
  TimeUs from = 0, until = 0; // moments in [from, until), labelled by `until`; 0: all, now
  DurationUs held_out = 0;    // the last part of it is not trained on; the report is made there
  bool naive = false;         // join without availability: shows what a leak would be worth
  // Columns computed from the training set's own rows, beside the service's features: name -> expression.
  std::vector<std::pair<std::string, std::string>> extra;
  std::uint64_t seed = 0;
  Progress progress;
};

struct GateRequest {
  std::string gate;
  std::string candidate;      // a package id, or MODEL/VERSION
  std::string against;        // the same, or "champion" of the candidate's model; empty: champion
  // Rows of the training set, which neither may have been trained on; `until` 0: until now. 0, 0: the
  // candidate's held-out rows.
  TimeUs from = 0, until = 0;
  std::string table;          // judge on this file in the tables folder in place of the training set
  std::string label = "label";
};

struct RegisterRequest {
  std::string model;
  std::string package_id;
  std::string run_id;
};

struct RolloutRequest {
  std::string endpoint;
  std::int64_t version = 0;
  std::string plan;                  // empty: the one for this endpoint
  std::vector<std::string> steps;    // in place of the plan's
  double canary_share = 0;           // in place of the plan's; 0: the plan's
};

struct LabelBatch {
  std::vector<std::string> ids;
  std::vector<double> labels;
  // With `sequence`: a repeated call changes nothing. A batch with unknown ids does not use it up.
  std::string producer;
  std::int64_t sequence = 0;
};

// An event of the timeline, as it happens. The content is in the timeline.
struct FeedEvent {
  std::int64_t number = 0;  // grows with each; not one by one
  std::string kind;         // "gap": events that this follower has missed, and is not given
  Json json;                // {"number", "time", "kind", "endpoint", "subject", "summary"}
};
struct FollowRequest {
  std::string endpoint = {};  // empty: all events, also those of no endpoint
  std::string after = {};     // the number of the last event that was seen; empty: none was
};
// Must not wait. False: it takes no more.
using Listener = std::function<bool(const FeedEvent&)>;
// Called once the request is found to be right; the listener's events come after that number.
using OpenListener = std::function<Result<Listener>(std::int64_t after)>;
// As long as it lives the listener is called, perhaps once more after that.
class Following {
 public:
  virtual ~Following() = default;
};

class Flow {
 public:
  struct Options {
    store::DataFolder* data = nullptr;
    feature::FeatureStore* features = nullptr;
    registry::Registry* registry = nullptr;
    track::Tracker* tracker = nullptr;
    Serving* serving = nullptr;
    const base::Clock* clock = nullptr;
    base::IdGenerator* ids = nullptr;
    base::Logger* log = nullptr;
    base::Counters* counters = nullptr;
    std::vector<std::string> train_worker;  // argv of a program that calls train::TrainWorkerMain
    std::string tables_folder;
    model::EngineOptions engines = {};  // that packages are loaded with
    const EngineTuner* tuner = nullptr;
    model::PackageLoader* loader = nullptr;  // null: on the caller's thread, without a limit of memory
  };
  static Result<std::unique_ptr<Flow>> Open(const Options& options);
  virtual ~Flow() = default;

  // Replaces the configuration: publishes the endpoints that have a live version, and removes those that
  // are no longer declared. What an endpoint's monitors know stays, unless they or it changed: then its
  // looks are replayed. On an error, configure with what was there before. An endpoint that was not served
  // before, and cannot be, is no error: its own requests are told why, and PublishRest tries again. Warm versions
  // are loaded after all others; those for which there is no room are left out.
  virtual Status Configure(std::shared_ptr<const Config> config) = 0;

  // Rows, columns and label share of a training set; writes it to `out` (Parquet, in the tables
  // folder) when that is given.
  virtual Result<Json> BuildTrainingSet(const Caller& caller, const TrainRequest& request, const std::string& out) = 0;
  // {"package_id", "run_id", "rows", "held_out_rows", "report", "seconds"}.
  virtual Result<Json> Train(const Caller& caller, const TrainRequest& request) = 0;
  // {"result", "summary", "alpha", "evidence", "verdict_id"}; recorded when the candidate is registered.
  virtual Result<Json> Gate(const Caller& caller, const GateRequest& request) = 0;
  virtual Result<Json> Register(const Caller& caller, const RegisterRequest& request) = 0;
  // What scores a package, and why (EngineTuner::Describe): as served, else loaded for it. Slow.
  virtual Result<Json> DescribeEngine(const std::string& package_id) = 0;
  // An operator's recorded word for a version that no gate passed.
  virtual Result<Json> Override(const Caller& caller, std::string_view model, std::int64_t version,
                                std::string_view reason) = 0;
  // Makes a version live at once. FAILED_PRECONDITION unless it may serve.
  virtual Result<Json> GoLive(const Caller& caller, std::string_view endpoint, std::int64_t version) = 0;

  virtual Result<Json> StartRollout(const Caller& caller, const RolloutRequest& request) = 0;
  // `action`: "advance" or "roll_back".
  virtual Result<Json> Steer(const Caller& caller, std::string_view endpoint, std::string_view action,
                             std::string_view reason) = 0;
  virtual Result<Json> Rollouts(const Caller& caller, std::string_view endpoint) = 0;
  virtual Result<Json> Endpoints(const Caller& caller) const = 0;

  // {"accepted", "repeated", "unknown_count", "unknown": [ids], "known_since", ...}; unknown ones, never
  // served or served before known_since, are not written. INVALID_ARGUMENT for a label that is not 0 or 1.
  virtual Result<Json> AddLabels(const Caller& caller, std::string_view endpoint, const LabelBatch& labels) = 0;
  // Recomputes what was served between two moments, from the rows that each read had, which must give the same bits,
  // and from those that there are now: {"served", "audited", "coverage", "compared", "different", "examples",
  // "changed_by_late_rows": [{"feature", "changed", "compared", "share"}], ...}.
  virtual Result<Json> Audit(const Caller& caller, std::string_view endpoint, TimeUs from, TimeUs until) = 0;
  // The nightly ones, newest first: each as Audit's, with its "time".
  virtual Result<Json> Audits(const Caller& caller, std::string_view endpoint) const = 0;
  // Scores what an endpoint served between two moments with a version, and gives both losses.
  virtual Result<Json> Replay(const Caller& caller, std::string_view endpoint, std::int64_t version, TimeUs from,
                              TimeUs until) = 0;

  virtual Result<Json> Incidents(const Caller& caller, std::string_view endpoint, std::string_view state) const = 0;
  // Realised loss by day, references and pages of an endpoint's monitor.
  virtual Result<Json> MonitorState(const Caller& caller, std::string_view endpoint) = 0;
  // What happened, oldest first: trained, gate, registered, rollout, incident, ...; to one endpoint, or with "" all.
  virtual Result<Json> Timeline(const Caller& caller, std::string_view endpoint, TimeUs from, TimeUs until) const = 0;
  // The same as it happens, from what `request` has seen. RESOURCE_EXHAUSTED: too many follow. Reads the catalog.
  virtual Result<std::unique_ptr<Following>> Follow(const Caller& caller, const FollowRequest& request, const OpenListener& open) = 0;

  // Does all that is due by `now`. Call it whenever time has moved. What fails for one endpoint is logged,
  // counted and done again at the next hour; it holds up no other. An error: nothing was looked at yet.
  virtual Status RunDue(TimeUs now) = 0;
  // Publishes the endpoints that are not served although they should be: those whose models run in processes
  // of their own, which nobody else's start waits for, and those that failed, later each time. Slow.
  virtual void PublishRest(TimeUs monotonic) = 0;
  // Lets go of packages that are kept loaded although nobody serves them: there is no room for another.
  virtual void DropIdlePackages() = 0;
};

}  // namespace sw::flow
