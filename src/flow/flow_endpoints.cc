// What an endpoint serves: going live, rollouts, and what each look at the logbook leads to.
#include <algorithm>
#include <iterator>

#include "base/errors.h"
#include "flow/flow_impl.h"
#include "stats/metrics.h"

namespace sw::flow {
namespace {

constexpr const char* kChampion = "champion";

double LossOf(const model::Package& package) {
  const Json* brier = package.content().report.Find("brier");
  return brier == nullptr ? 0.25 : brier->DoubleOr("value", 0.25);  // a coin's loss, where no report says better
}

stats::IsotonicCalibrator CalibratorOf(const model::Package& package) {
  std::vector<stats::CalibrationBin> bins;
  const Json* table = package.content().report.Find("calibration");
  for (std::size_t i = 0; table != nullptr && table->IsArray() && i < table->size(); ++i) {
    const Json& bin = table->AsArray()[i];
    bins.push_back({.count = static_cast<std::uint64_t>(std::max<std::int64_t>(0, bin.IntOr("count", 0))),
                    .mean_score = bin.DoubleOr("mean_score", 0), .positive_share = bin.DoubleOr("positive_share", 0)});
  }
  return stats::CalibratorFromTable(bins);
}

double ThresholdOf(const model::Package& package) {
  const Json& report = package.content().report;
  return report.IsObject() ? report.DoubleOr("threshold", 0.5) : 0.5;
}

// The training set's slices, as far as a request tells them.
std::vector<std::string> SlicesInRequests(const Config& config, const EndpointDef& endpoint) {
  std::vector<std::string> slices;
  const auto set = config.features.training_sets.find(endpoint.training_set);
  if (set == config.features.training_sets.end()) return slices;
  const std::vector<std::string> inputs = RequestInputs(config.features, set->second.service);
  std::copy_if(set->second.slices.begin(), set->second.slices.end(), std::back_inserter(slices),
               [&](const std::string& slice) { return std::find(inputs.begin(), inputs.end(), slice) != inputs.end(); });
  return slices;
}

Result<rollout::Plan> PlanFor(const Config& config, const RolloutRequest& request) {
  rollout::Plan plan;
  for (const auto& [name, known] : config.rollouts) {
    const bool is_wanted = request.plan.empty() ? known.endpoint == request.endpoint : name == request.plan;
    if (is_wanted) plan = known;
  }
  if (plan.name.empty()) return NotFound("no rollout plan for endpoint {}; define [rollout.{}]", request.endpoint, request.endpoint);
  Json json = rollout::PlanToJson(plan);
  if (!request.steps.empty()) json.Set("steps", Json::FromRange(request.steps));
  if (request.canary_share > 0) json.Set("canary_share", request.canary_share);
  if (plan.slices.empty()) json.Set("slices", Json::FromRange(SlicesInRequests(config, config.endpoints.at(request.endpoint))));
  return rollout::ParsePlan(plan.name, json);
}

}  // namespace

Result<FlowImpl::Running*> FlowImpl::Find(std::string_view endpoint) {
  const auto found = endpoints_.find(endpoint);
  if (found == endpoints_.end()) return NotFound("there is no endpoint {}; define [endpoint.{}] and apply it", endpoint, endpoint);
  return &found->second;
}

Result<const FlowImpl::Running*> FlowImpl::Find(std::string_view endpoint) const {
  const auto found = endpoints_.find(endpoint);
  if (found == endpoints_.end()) return NotFound("there is no endpoint {}; define [endpoint.{}] and apply it", endpoint, endpoint);
  return &found->second;
}

DurationUs FlowImpl::CensorAfter(const EndpointDef& endpoint) const {
  const auto set = config_->features.training_sets.find(endpoint.training_set);
  const bool is_declared = set != config_->features.training_sets.end() && set->second.censor_after > 0;
  return is_declared ? set->second.censor_after : monitor::MonitorPolicy{}.censor_after;
}

// A label that comes later than twice what anybody waits for is nobody's.
DurationUs FlowImpl::IdsKeptFor(const EndpointDef& endpoint) const {
  DurationUs longest = CensorAfter(endpoint);
  for (const auto& [name, policy] : config_->monitors) {
    if (policy.endpoint == endpoint.name) longest = std::max(longest, policy.censor_after);
  }
  return 2 * longest;
}

Result<std::shared_ptr<const model::Package>> FlowImpl::PackageOf(const Caller& caller, const EndpointDef& endpoint, std::int64_t version) {
  return packages_.Get(SW_TRY(options_.registry->Get(caller, endpoint.model, version)).package_id);
}

Result<monitor::Reference> FlowImpl::ReferenceOf(const Caller& caller, const EndpointDef& endpoint, std::int64_t version) {
  const auto package = SW_TRY(PackageOf(caller, endpoint, version));
  return monitor::Reference{.version = version, .loss = LossOf(*package), .calibrator = CalibratorOf(*package), .contract = package->content().contract,
                            .profile = package->content().profile};
}

Result<FlowImpl::Running> FlowImpl::Start(const Caller& caller, const EndpointDef& definition, EndpointState state) {
  Running running{.state = std::move(state), .fold = nullptr, .ids = nullptr};
  running.ids = std::make_unique<ServedIds>(options_.data->logbook(), definition.name, IdsKeptFor(definition));
  running.fold = std::make_unique<EndpointFold>(options_.data->logbook(), definition, CensorAfter(definition));
  if (running.state.live == 0) return running;
  const monitor::Reference reference = SW_TRY(ReferenceOf(caller, definition, running.state.live));
  for (const auto& [name, policy] : config_->monitors) {
    if (policy.endpoint == definition.name) SW_TRY(running.fold->AddMonitor(policy, reference));
  }
  if (running.state.RolloutIsRunning()) SW_TRY(running.fold->BeginStep(*running.state.rollout));
  return running;
}

// Another rollout draws another split, and the same one played again draws the same.
std::string SaltOf(const EndpointState& state) {
  if (!state.rollout) return "";
  return fmt::format("{} since {}", state.rollout->candidate, base::FormatTime(state.rollout->started));
}

Status FlowImpl::Publish(const Caller& caller, const Running& running) {
  const EndpointDef& definition = config_->endpoints.at(running.state.endpoint);
  EndpointPlan plan{.definition = definition, .salt = SaltOf(running.state), .arms = {}};
  for (const ArmVersion& arm : ArmsFor(running.state)) {
    const registry::Version version = SW_TRY(options_.registry->Get(caller, definition.model, arm.version));
    const auto package = SW_TRY(packages_.Get(version.package_id));
    plan.arms.push_back({.version = arm.version, .package_id = version.package_id, .mode = arm.mode, .share = arm.share,
                         .threshold = ThresholdOf(*package)});
  }
  return options_.serving->Publish(plan);
}

Status FlowImpl::SetLive(const Caller& caller, Running& running, std::int64_t version, TimeUs now) {
  const EndpointDef& definition = config_->endpoints.at(running.state.endpoint);
  const bool is_first = running.state.live == 0;
  if (running.state.live != version) running.state.warm = running.state.live;
  running.state.live = version;
  running.state.live_since = now;
  if (running.state.retrained == 0) running.state.retrained = now;
  const monitor::Reference reference = SW_TRY(ReferenceOf(caller, definition, version));
  if (is_first) {
    for (const auto& [name, policy] : config_->monitors) {
      if (policy.endpoint == definition.name) SW_TRY(running.fold->AddMonitor(policy, reference));
    }
  } else {
    SW_TRY(running.fold->ReplaceReference(reference));
  }
  SW_TRY(options_.registry->SetAlias(caller, definition.model, kChampion, version));
  return events_.Record(caller, now, "live", fmt::format("{}/{}", definition.model, version),
                        fmt::format("version {} answers endpoint {}", version, definition.name), Json::MakeObject());
}

Result<Json> FlowImpl::GoLive(const Caller& caller, std::string_view endpoint, std::int64_t version) {
  const std::lock_guard lock(mutex_);
  Running& running = *SW_TRY(Find(endpoint));
  const EndpointDef& definition = config_->endpoints.at(running.state.endpoint);
  if (running.state.RolloutIsRunning()) {
    return FailedPrecondition("endpoint {} has a rollout of version {} running; roll it back first", endpoint, running.state.rollout->candidate);
  }
  const registry::Version found = SW_TRY(options_.registry->Get(caller, definition.model, version));
  SW_TRY(registry::CheckMayServe(found));
  const TimeUs now = options_.clock->Now();
  SW_TRY(SetLive(caller, running, version, now));
  SW_TRY(Publish(caller, running));
  SW_TRY(PutEndpointState(options_.data->catalog(), caller, running.state));
  return EndpointStateToJson(running.state);
}

Status FlowImpl::BeginStep(Running& running) {
  const auto end_of = [&](const std::string& stream) -> Result<store::Cut> {
    auto end = options_.data->logbook().End(stream);
    if (!end && end.error().code == ErrorCode::kNotFound) return store::Cut{};
    return end;
  };
  running.state.rollout->predictions_from = SW_TRY(end_of("predictions/" + running.state.endpoint));
  running.state.rollout->shadow_from = SW_TRY(end_of("shadow/" + running.state.endpoint));
  return running.fold->BeginStep(*running.state.rollout);
}

Result<Json> FlowImpl::StartRollout(const Caller& caller, const RolloutRequest& request) {
  SW_TRY(options_.serving->FlushLogs());
  const std::lock_guard lock(mutex_);
  Running& running = *SW_TRY(Find(request.endpoint));
  const EndpointDef& definition = config_->endpoints.at(running.state.endpoint);
  if (running.state.live == 0) return FailedPrecondition("endpoint {} has no live version to compare with; make one live first", request.endpoint);
  if (running.state.RolloutIsRunning()) {
    return FailedPrecondition("endpoint {} has a rollout of version {} running; wait, or roll it back", request.endpoint, running.state.rollout->candidate);
  }
  if (request.version == running.state.live) return FailedPrecondition("version {} is live already", request.version);
  const registry::Version version = SW_TRY(options_.registry->Get(caller, definition.model, request.version));
  SW_TRY(registry::CheckMayServe(version));
  const rollout::Plan plan = SW_TRY(PlanFor(*config_, request));
  const TimeUs now = options_.clock->Now();
  SW_TRY(running.fold->CatchUp(now));
  running.state.rollout = RolloutState{.id = options_.ids->NewUuid(), .plan = plan, .state = rollout::Begin(plan, now),
                                       .candidate = request.version, .before = running.state.live, .predictions_from = {},
                                       .shadow_from = {}, .started = now, .judgement = {}};
  SW_TRY(BeginStep(running));
  SW_TRY(Publish(caller, running));
  SW_TRY(PutEndpointState(options_.data->catalog(), caller, running.state));
  SW_TRY(events_.Record(caller, now, "rollout", fmt::format("{}/{}", definition.model, request.version),
                        fmt::format("begins with {}", rollout::StepName(plan.steps[0])), rollout::PlanToJson(plan)));
  return EndpointStateToJson(running.state);
}

Status FlowImpl::Act(const Caller& caller, Running& running, const rollout::Action& action, TimeUs now) {
  RolloutState& rollout = *running.state.rollout;
  const EndpointDef& definition = config_->endpoints.at(running.state.endpoint);
  const std::string name = fmt::format("{}/{}", definition.model, rollout.candidate);
  rollout.judgement = JudgementToJson(action.judgement);
  SW_TRY(options_.registry->Record(
      caller, definition.model, rollout.candidate,
      {.id = options_.ids->NewUuid(), .kind = std::string(rollout::StepName(action.step)),
       .result = std::string(stats::VerdictName(action.judgement.verdict)), .alpha = action.judgement.alpha,
       .summary = action.judgement.summary, .evidence = action.judgement.evidence, .time = 0, .principal = {}}));
  rollout.state = rollout::After(rollout.plan, rollout.state, action, now);
  if (rollout.state.phase == rollout::Phase::kDone) {
    running.fold->EndRollout();
    SW_TRY(SetLive(caller, running, rollout.candidate, now));
  } else if (rollout.state.phase == rollout::Phase::kRolledBack) {
    running.fold->EndRollout();
  } else if (action.kind == rollout::ActionKind::kAdvance) {
    SW_TRY(BeginStep(running));
  }
  SW_TRY(Publish(caller, running));
  SW_TRY(PutEndpointState(options_.data->catalog(), caller, running.state));
  return events_.Record(caller, now, "rollout", name,
                        fmt::format("{} {}: {}", rollout::StepName(action.step), rollout::ActionName(action.kind), action.judgement.summary),
                        JudgementToJson(action.judgement));
}

Result<Json> FlowImpl::Steer(const Caller& caller, std::string_view endpoint, std::string_view action, std::string_view reason) {
  const std::lock_guard lock(mutex_);
  Running& running = *SW_TRY(Find(endpoint));
  if (!running.state.rollout) return FailedPrecondition("endpoint {} has no rollout", endpoint);
  if (action != "advance" && action != "roll_back") return InvalidArgument("expected advance or roll_back, found {}", action);
  const auto kind = action == "advance" ? rollout::ActionKind::kAdvance : rollout::ActionKind::kRollBack;
  const TimeUs now = options_.clock->Now();
  const rollout::Action wanted = SW_TRY(rollout::OperatorAction(running.state.rollout->plan, running.state.rollout->state, kind, caller, reason, now));
  SW_TRY(Act(caller, running, wanted, now));
  return EndpointStateToJson(running.state);
}

Status FlowImpl::TickMonitors(const Caller& caller, Running& running, TimeUs now) {
  const EndpointDef& definition = config_->endpoints.at(running.state.endpoint);
  const monitor::Rescore rescore = [&](std::int64_t version, const data::Batch& features) -> Result<std::vector<double>> {
    return ScoreAll(*SW_TRY(PackageOf(caller, definition, version)), features);
  };
  for (monitor::EndpointMonitor& monitor : running.fold->monitors()) {
    for (const monitor::Incident& incident : SW_TRY(monitor.Evaluate(now, rescore))) {
      const auto known = incidents_.Get(caller, incident.id);
      const bool is_news = !known || known->state != incident.state || known->severity != incident.severity;
      SW_TRY(incidents_.Put(caller, incident, now));
      if (is_news) {
        SW_TRY(events_.Record(caller, now, "incident", incident.id, fmt::format("{} {}: {}", incident.severity, incident.state, incident.summary), incident.ToJson()));
      }
    }
  }
  return Ok();
}

Status FlowImpl::TickRollout(const Caller& caller, Running& running, TimeUs now) {
  const rollout::PairedEvidence* evidence = running.fold->evidence();
  if (!running.state.RolloutIsRunning() || evidence == nullptr) return Ok();
  const RolloutState& rollout = *running.state.rollout;
  // The verdict alone is cheap; the whole judgement is made when there is something to do.
  stats::Judgement quick{.verdict = evidence->Decide(), .alpha = rollout.plan.alpha, .summary = {}, .evidence = {}};
  const rollout::ActionKind kind = rollout::NextAction(rollout.plan, rollout.state, quick, now).kind;
  if (kind == rollout::ActionKind::kWait) return Ok();
  // Nobody is promoted while an input is broken: what is measured then is not the models.
  if (kind != rollout::ActionKind::kRollBack && running.fold->HasOpenFault()) return Ok();
  return Act(caller, running, rollout::NextAction(rollout.plan, rollout.state, evidence->Judge(), now), now);
}

Status FlowImpl::Tick(const Caller& caller, Running& running, TimeUs now) {
  if (running.state.live == 0) return Ok();
  SW_TRY(running.fold->CatchUp(now));
  SW_TRY(TickMonitors(caller, running, now));
  return TickRollout(caller, running, now);
}

}  // namespace sw::flow
