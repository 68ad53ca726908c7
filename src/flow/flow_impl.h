// FlowImpl: Flow over the catalog, the logbook and the rooms below. Internal to this room.
#pragma once

#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/backoff.h"
#include "flow/audits.h"
#include "flow/endpoint_fold.h"
#include "flow/endpoint_state.h"
#include "flow/event_feed.h"
#include "flow/events.h"
#include "flow/flow.h"
#include "flow/gatekeeper.h"
#include "flow/packages.h"
#include "flow/served_ids.h"
#include "flow/trainer.h"
#include "flow/training_tables.h"
#include "monitor/incident_store.h"

namespace sw::flow {

class FlowImpl final : public Flow {
 public:
  FlowImpl(const Options& options, monitor::IncidentStore incidents);

  Status Configure(std::shared_ptr<const Config> config) override;
  Result<Json> BuildTrainingSet(const Caller& caller, const TrainRequest& request, const std::string& out) override;
  Result<Json> Train(const Caller& caller, const TrainRequest& request) override;
  Result<Json> Gate(const Caller& caller, const GateRequest& request) override;
  Result<Json> Register(const Caller& caller, const RegisterRequest& request) override;
  Result<Json> DescribeEngine(const std::string& package_id) override;
  Result<Json> Override(const Caller& caller, std::string_view model, std::int64_t version, std::string_view reason) override;
  Result<Json> GoLive(const Caller& caller, std::string_view endpoint, std::int64_t version) override;
  Result<Json> StartRollout(const Caller& caller, const RolloutRequest& request) override;
  Result<Json> Steer(const Caller& caller, std::string_view endpoint, std::string_view action, std::string_view reason) override;
  Result<Json> Rollouts(const Caller& caller, std::string_view endpoint) override;
  Result<Json> Endpoints(const Caller& caller) const override;
  Result<Json> AddLabels(const Caller& caller, std::string_view endpoint, const LabelBatch& labels) override;
  Result<Json> Audit(const Caller& caller, std::string_view endpoint, TimeUs from, TimeUs until) override;
  Result<Json> Audits(const Caller& caller, std::string_view endpoint) const override;
  Result<Json> Replay(const Caller& caller, std::string_view endpoint, std::int64_t version, TimeUs from, TimeUs until) override;
  Result<Json> Incidents(const Caller& caller, std::string_view endpoint, std::string_view state) const override;
  Result<Json> MonitorState(const Caller& caller, std::string_view endpoint) override;
  Result<Json> Timeline(const Caller& caller, std::string_view endpoint, TimeUs from, TimeUs until) const override;
  Result<std::unique_ptr<Following>> Follow(const Caller& caller, const FollowRequest& request, const OpenListener& open) override;
  Status RunDue(TimeUs now) override;
  void PublishRest(TimeUs monotonic) override;
  void DropIdlePackages() override { packages_.DropRecent(); }

 private:
  struct Running {
    EndpointState state;
    std::unique_ptr<EndpointFold> fold;
    std::unique_ptr<ServedIds> ids;
    std::int64_t looks = 0;  // recorded so far
    bool is_behind = false;  // the fold lacks recorded looks, or an error left it between two
    bool is_published = false;
    bool lacks_warm = false;   // published without its warm version, which comes after what answers
    std::size_t outputs = 0;   // a row's, of what was published last; 0: nothing was
    std::string problem = {};  // why it is not, when it should be
    base::Backoff retry{{.first = 5 * base::kSecondUs, .max = 5 * base::kMinuteUs, .well = std::numeric_limits<DurationUs>::max()}};
  };

  // Those below are called with mutex_ held.
  Result<Running*> Find(std::string_view endpoint);
  Result<const Running*> Find(std::string_view endpoint) const;
  Result<std::shared_ptr<const model::Package>> PackageOf(const Caller& caller, const EndpointDef& endpoint, std::int64_t version);
  Result<monitor::Reference> ReferenceOf(const Caller& caller, const EndpointDef& endpoint, std::int64_t version);
  Running Start(const Config& config, EndpointState state) const;
  // Replays the recorded looks when the fold is behind.
  Status BringUp(const Caller& caller, Running& running);
  Status ReplayLooks(const Caller& caller, const Config& config, Running& running);
  Status AddMonitors(const Config& config, Running& running, const monitor::Reference& reference);
  monitor::Rescore RescoreWith(const Caller& caller, const EndpointDef& definition);
  // Reads what is new, lets the monitors say what they think of it, and records both.
  Status LookAt(const Caller& caller, Running& running, TimeUs now);
  Status RecordIncident(store::CatalogTransaction& tx, const Caller& caller, const monitor::Incident& incident, TimeUs now);
  Status RecordAudit(store::CatalogTransaction& tx, const Caller& caller, const std::string& endpoint, const NightlyAudit& audit);
  Status CloseUnwatched(const Caller& caller);
  // A warm version that there is no room for is left out, unless `warm` says that none is wanted.
  enum class Warm : std::uint8_t { kIfThereIsRoom, kNone };
  Status Publish(const Caller& caller, const EndpointState& state, Warm warm = Warm::kIfThereIsRoom);
  void PublishWarm(const Caller& caller);
  // What is served already must stay so; what is not may wait.
  Status PublishConfigured(const Caller& caller, Running& running);
  void NotPublished(Running& running, const Error& error);
  void LeaveOut(const EndpointState& state, const Error& error);
  Result<bool> RunsInAProcess(const Caller& caller, const EndpointState& state) const;
  struct ArmPackage {
    std::string id;
    bool is_warm = false;
  };
  Result<std::vector<ArmPackage>> ArmPackages(const Caller& caller, const EndpointState& state) const;
  // Serves what `next` asks for and records it, with what `record` writes, in one transaction. On an error
  // the endpoint is as it was.
  using RecordMore = std::function<Status(store::CatalogTransaction& tx)>;
  Status Commit(const Caller& caller, Running& running, EndpointState next, const RecordMore& record);
  Status RecordLive(store::CatalogTransaction& tx, const Caller& caller, const EndpointState& state);
  // The fold follows a state that was committed over `before`.
  Status Follow(const Caller& caller, Running& running, const EndpointState& before);
  Status Tick(const Caller& caller, Running& running, TimeUs now);
  Status TickRollout(const Caller& caller, Running& running, TimeUs now);
  Status Act(const Caller& caller, Running& running, const rollout::Action& action, TimeUs now);
  // The registry's rules, and golden rows or an operator's word.
  Status CheckMayServe(const Caller& caller, const registry::Version& version);
  // Notes in the rollout of `next` where its step's evidence begins: after the last look.
  Status MarkStep(const Running& running, EndpointState& next) const;
  // Looks before a person's word is done. It is done all the same when that fails.
  void LookFirst(const Caller& caller, Running& running, TimeUs now);
  void CountFailure(std::string_view work, const std::string& name, const Error& error);

  // Those below take mutex_ themselves.
  std::vector<std::string> Unpublished(TimeUs monotonic) const;
  // Loads packages for flow and for serving, so that neither does while mutex_ is held: a process may take
  // a minute to start.
  using Loaded = std::vector<std::shared_ptr<const model::Package>>;
  Result<Loaded> Preload(const std::vector<ArmPackage>& packages);
  Result<Loaded> PreloadArms(const Caller& caller, const std::string& endpoint);
  // Where there is no room for it, the endpoint's warm version goes: the next one to be live takes its place.
  Result<Loaded> PreloadVersion(const Caller& caller, std::string_view endpoint, std::int64_t version);
  // False where there is none but `version`.
  Result<bool> LetGoOfWarm(const Caller& caller, std::string_view endpoint, std::int64_t version);
  void AuditDue(const Caller& caller, TimeUs now);
  Status AuditIfDue(const Caller& caller, const EndpointDef& endpoint, TimeUs now);
  void RetrainDue(const Caller& caller, TimeUs now);
  Status RetrainIfDue(const Caller& caller, const Config& config, const RetrainDef& retrain, TimeUs now);
  Status Retrain(const Caller& caller, const Config& config, const RetrainDef& retrain, TimeUs due);
  std::shared_ptr<const Config> config() const;
  Result<Json> Judge(const Caller& caller, const Config& config, const GateRequest& request);
  Result<EndpointDef> DefinitionOf(std::string_view endpoint) const;
  Status CheckTakesLabels(std::string_view endpoint) const;
  // Which of `ids` the endpoint served lately, as far as the log was read; with `read_log`, all of it.
  struct KnownIds {
    std::vector<bool> is_known;
    TimeUs since = 0;
    DurationUs kept_for = 0;
    bool All() const;
  };
  Result<KnownIds> FindIds(std::string_view endpoint, const std::vector<std::string>& ids, bool read_log);
  Result<store::LogRows> Served(std::string_view endpoint, TimeUs from, TimeUs until);

  Options options_;
  Packages packages_;
  TrainingTables tables_;
  Trainer trainer_;
  Gatekeeper gatekeeper_;
  monitor::IncidentStore incidents_;
  Events events_;
  EventFeed feed_;

  std::mutex due_mutex_;          // one RunDue at a time
  mutable std::mutex mutex_;      // guards those below
  std::shared_ptr<const Config> config_;
  std::map<std::string, Running, std::less<>> endpoints_;
  TimeUs next_tick_ = 0;
  bool has_unwatched_ = false;  // incidents are open of which nobody knows yet whether they are watched
};

// Both configurations fold the endpoint's log in the same way.
bool FoldsAlike(const Config& a, const Config& b, const std::string& endpoint);
// FAILED_PRECONDITION where nothing of the endpoint is logged, and `reader` would need it.
Status CheckLogs(const EndpointDef& endpoint, std::string_view reader);
// What a verdict looks like to a caller.
Json JudgementToJson(const stats::Judgement& judgement);

}  // namespace sw::flow
