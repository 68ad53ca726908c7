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
  if (!request.plan.empty() && plan.name.empty()) return NotFound("there is no rollout plan {}; define [rollout.{}]", request.plan, request.plan);
  if (!plan.name.empty() && plan.endpoint != request.endpoint) {
    return InvalidArgument("plan: {} is a plan for endpoint {}, not for {}", plan.name, plan.endpoint, request.endpoint);
  }
  if (plan.name.empty()) return NotFound("no rollout plan for endpoint {}; define [rollout.{}]", request.endpoint, request.endpoint);
  Json json = rollout::PlanToJson(plan);
  if (!request.steps.empty()) json.Set("steps", Json::FromRange(request.steps));
  if (request.canary_share > 0) json.Set("canary_share", request.canary_share);
  if (plan.slices.empty()) json.Set("slices", Json::FromRange(SlicesInRequests(config, config.endpoints.at(request.endpoint))));
  return rollout::ParsePlan(plan.name, json);
}

// Another rollout draws another split, and the same one played again draws the same.
std::string SaltOf(const EndpointState& state) {
  if (!state.rollout) return "";
  return fmt::format("{} since {}", state.rollout->candidate, base::FormatTime(state.rollout->started));
}

void MakeLive(EndpointState& state, std::int64_t version, TimeUs now) {
  if (state.live != version) state.warm = state.live;
  state.live = version;
  state.live_since = now;
  if (state.retrained == 0) state.retrained = now;
}

// Its loss is that of one score beside a label of 0 or 1.
Status CheckMonitors(const Config& config, const EndpointDef& endpoint, const ArmPlan& arm, const model::Package& package) {
  const auto watches = [&](const auto& monitor) { return monitor.second.endpoint == endpoint.name; };
  const auto monitor = std::find_if(config.monitors.begin(), config.monitors.end(), watches);
  if (monitor == config.monitors.end()) return Ok();
  Status judged = model::CheckOneOutput(package);
  if (judged) return Ok();
  return std::unexpected(std::move(judged).error().Within(
      fmt::format("monitor.{} cannot judge version {} of endpoint {}", monitor->first, arm.version, endpoint.name)));
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

Result<std::shared_ptr<const model::Package>> FlowImpl::PackageOf(const Caller& caller, const EndpointDef& endpoint, std::int64_t version) {
  return packages_.Get(SW_TRY(options_.registry->Get(caller, endpoint.model, version)).package_id);
}

Result<monitor::Reference> FlowImpl::ReferenceOf(const Caller& caller, const EndpointDef& endpoint, std::int64_t version) {
  const auto package = SW_TRY(PackageOf(caller, endpoint, version));
  return monitor::Reference{.version = version, .loss = LossOf(*package), .calibrator = CalibratorOf(*package), .contract = package->content().contract,
                            .profile = package->content().profile};
}

Status FlowImpl::Publish(const Caller& caller, const EndpointState& state, Warm warm) {
  const EndpointDef& definition = config_->endpoints.at(state.endpoint);
  EndpointPlan plan{.definition = definition, .salt = SaltOf(state), .arms = {}};
  Loaded held;  // until serving holds them
  for (const ArmVersion& arm : ArmsFor(state)) {
    const bool is_warm = arm.mode == "warm";
    if (is_warm && warm == Warm::kNone) continue;
    const registry::Version version = SW_TRY(options_.registry->Get(caller, definition.model, arm.version));
    const auto package = packages_.Get(version.package_id);
    if (!package && is_warm && package.error().code == ErrorCode::kResourceExhausted) {
      LeaveOut(state, package.error());
      continue;
    }
    held.push_back(SW_TRY(package));
    plan.arms.push_back({.version = arm.version, .package_id = version.package_id, .mode = arm.mode, .share = arm.share,
                         .threshold = ThresholdOf(**package)});
    SW_TRY(CheckMonitors(*config_, definition, plan.arms.back(), **package));
  }
  SW_TRY(options_.serving->Publish(plan));
  const auto running = endpoints_.find(state.endpoint);
  if (running != endpoints_.end() && !held.empty()) running->second.outputs = held.back()->outputs();  // all arms' alike
  return Ok();
}

Status FlowImpl::Commit(const Caller& caller, Running& running, EndpointState next, const RecordMore& record) {
  SW_TRY(Publish(caller, next));
  const Status committed = options_.data->catalog().Write([&](store::CatalogTransaction& tx) -> Status {
    SW_TRY(PutEndpointState(tx, caller, next));
    return record(tx);
  });
  if (committed) {
    running.state = std::move(next);
    running.is_published = true;
    return Ok();
  }
  const Status restored = running.state.live == 0 ? options_.serving->Remove(next.endpoint) : Publish(caller, running.state);
  if (!restored) options_.log->Error("an endpoint serves what could not be recorded", {{"endpoint", next.endpoint}, {"error", restored.error().message}});
  return committed;
}

Status FlowImpl::RecordLive(store::CatalogTransaction& tx, const Caller& caller, const EndpointState& state) {
  const EndpointDef& definition = config_->endpoints.at(state.endpoint);
  SW_TRY(options_.registry->SetAlias(tx, caller, definition.model, kChampion, state.live));
  return events_.Record(tx, caller, {.time = state.live_since, .kind = "live", .endpoint = definition.name,
                                     .subject = fmt::format("{}/{}", definition.model, state.live),
                                     .summary = fmt::format("version {} answers endpoint {}", state.live, definition.name)});
}

// What fails here is made good by the next look: it starts the fold again, from what is recorded.
Status FlowImpl::Follow(const Caller& caller, Running& running, const EndpointState& before) {
  const bool was_behind = std::exchange(running.is_behind, true);
  if (!running.state.RolloutIsRunning()) {
    running.fold->EndRollout();
  } else if (!before.RolloutIsRunning() || before.rollout->state.step != running.state.rollout->state.step) {
    SW_TRY(running.fold->BeginStep(*running.state.rollout));
  }
  if (running.state.live != before.live) {
    const monitor::Reference reference = SW_TRY(ReferenceOf(caller, config_->endpoints.at(running.state.endpoint), running.state.live));
    SW_TRY(before.live == 0 ? AddMonitors(*config_, running, reference) : running.fold->ReplaceReference(reference));
  }
  running.is_behind = was_behind;
  return Ok();
}

void FlowImpl::LookFirst(const Caller& caller, Running& running, TimeUs now) {
  if (running.state.live == 0) return;
  if (const Status looked = LookAt(caller, running, now); !looked) CountFailure("look", running.state.endpoint, looked.error());
}

// A gate judges how good a model is, not whether this build scores as its library does: where no golden
// rows have shown that, only an operator's word lets it serve.
Status FlowImpl::CheckMayServe(const Caller& caller, const registry::Version& version) {
  SW_TRY(registry::CheckMayServe(version));
  const auto package = SW_TRY(packages_.Get(version.package_id));
  if (package->is_verified()) return Ok();
  for (const registry::VerdictRecord& verdict : SW_TRY(options_.registry->Verdicts(caller, version.model, version.number))) {
    if (verdict.kind == "override" && verdict.result == "pass") return Ok();
  }
  return FailedPrecondition(
      "version {} of model {} is unverified: {}; register it with its library (seaworthy register --python), or record an "
      "override (seaworthy models override)",
      version.number, version.model, package->unverified());
}

Result<Json> FlowImpl::GoLive(const Caller& caller, std::string_view endpoint, std::int64_t version) {
  SW_TRY(options_.serving->FlushLogs());
  const Loaded loaded = SW_TRY(PreloadVersion(caller, endpoint, version));
  const std::lock_guard lock(mutex_);
  Running& running = *SW_TRY(Find(endpoint));
  const EndpointDef& definition = config_->endpoints.at(running.state.endpoint);
  if (running.state.RolloutIsRunning()) {
    return FailedPrecondition("endpoint {} has a rollout of version {} running; roll it back first", endpoint, running.state.rollout->candidate);
  }
  const registry::Version found = SW_TRY(options_.registry->Get(caller, definition.model, version));
  SW_TRY(CheckMayServe(caller, found));
  const TimeUs now = options_.clock->Now();
  LookFirst(caller, running, now);
  const EndpointState before = running.state;
  EndpointState next = before;
  MakeLive(next, version, now);
  SW_TRY(Commit(caller, running, next, [&](store::CatalogTransaction& tx) { return RecordLive(tx, caller, next); }));
  SW_TRY(Follow(caller, running, before));
  return EndpointStateToJson(running.state);
}

Status FlowImpl::MarkStep(const Running& running, EndpointState& next) const {
  const FoldCuts ends = SW_TRY(running.fold->Ends());
  next.rollout->predictions_from = ends.predictions;
  next.rollout->shadow_from = ends.shadow;
  next.rollout->begun_at_look = running.looks;
  return Ok();
}

Result<Json> FlowImpl::StartRollout(const Caller& caller, const RolloutRequest& request) {
  SW_TRY(options_.serving->FlushLogs());
  const Loaded loaded = SW_TRY(PreloadVersion(caller, request.endpoint, request.version));
  const std::lock_guard lock(mutex_);
  Running& running = *SW_TRY(Find(request.endpoint));
  const EndpointDef& definition = config_->endpoints.at(running.state.endpoint);
  if (running.state.live == 0) return FailedPrecondition("endpoint {} has no live version to compare with; make one live first", request.endpoint);
  if (running.state.RolloutIsRunning()) {
    return FailedPrecondition("endpoint {} has a rollout of version {} running; wait, or roll it back", request.endpoint, running.state.rollout->candidate);
  }
  if (request.version == running.state.live) return FailedPrecondition("version {} is live already", request.version);
  const registry::Version version = SW_TRY(options_.registry->Get(caller, definition.model, request.version));
  SW_TRY(CheckMayServe(caller, version));
  SW_TRY(model::CheckOneOutput(*SW_TRY(packages_.Get(version.package_id))));
  const rollout::Plan plan = SW_TRY(PlanFor(*config_, request));
  if (rollout::GathersEvidence(plan)) SW_TRY(CheckLogs(definition, "a rollout by shadow or canary"));
  const TimeUs now = options_.clock->Now();
  SW_TRY(LookAt(caller, running, now));
  const EndpointState before = running.state;
  EndpointState next = before;
  next.rollout = RolloutState{.id = options_.ids->NewUuid(), .plan = plan, .state = rollout::Begin(plan, now),
                                       .candidate = request.version, .before = running.state.live, .predictions_from = {},
                                       .shadow_from = {}, .begun_at_look = 0, .started = now, .judgement = {}};
  SW_TRY(MarkStep(running, next));
  SW_TRY(Commit(caller, running, next, [&](store::CatalogTransaction& tx) {
    return events_.Record(tx, caller, {.time = now, .kind = "rollout", .endpoint = definition.name,
                                       .subject = fmt::format("{}/{}", definition.model, request.version),
                                       .summary = fmt::format("begins with {}", rollout::StepName(plan.steps[0])),
                                       .content = rollout::PlanToJson(plan)});
  }));
  SW_TRY(Follow(caller, running, before));
  return EndpointStateToJson(running.state);
}

Status FlowImpl::Act(const Caller& caller, Running& running, const rollout::Action& action, TimeUs now) {
  const EndpointState before = running.state;
  EndpointState next = before;
  RolloutState& rollout = *next.rollout;
  const EndpointDef& definition = config_->endpoints.at(next.endpoint);
  rollout.judgement = JudgementToJson(action.judgement);
  rollout.state = rollout::After(rollout.plan, rollout.state, action, now);
  const bool is_live = rollout.state.phase == rollout::Phase::kDone;
  const bool is_next_step = next.RolloutIsRunning() && action.kind == rollout::ActionKind::kAdvance;
  if (is_live) MakeLive(next, rollout.candidate, now);
  if (is_next_step) SW_TRY(MarkStep(running, next));
  const registry::VerdictRecord verdict{
      .id = options_.ids->NewUuid(), .kind = std::string(rollout::StepName(action.step)),
      .result = std::string(stats::VerdictName(action.judgement.verdict)), .alpha = action.judgement.alpha,
      .summary = action.judgement.summary, .evidence = action.judgement.evidence, .time = 0, .principal = {}};
  SW_TRY(Commit(caller, running, next, [&](store::CatalogTransaction& tx) -> Status {
    SW_TRY(options_.registry->Record(tx, caller, definition.model, rollout.candidate, verdict));
    if (is_live) SW_TRY(RecordLive(tx, caller, next));
    return events_.Record(tx, caller, {.time = now, .kind = "rollout", .endpoint = definition.name,
                                       .subject = fmt::format("{}/{}", definition.model, rollout.candidate),
                                       .summary = fmt::format("{} {}: {}", rollout::StepName(action.step), rollout::ActionName(action.kind),
                                                              action.judgement.summary),
                                       .content = JudgementToJson(action.judgement)});
  }));
  return Follow(caller, running, before);
}

Result<Json> FlowImpl::Steer(const Caller& caller, std::string_view endpoint, std::string_view action, std::string_view reason) {
  SW_TRY(options_.serving->FlushLogs());
  const std::lock_guard lock(mutex_);
  Running& running = *SW_TRY(Find(endpoint));
  if (!running.state.rollout) return FailedPrecondition("endpoint {} has no rollout", endpoint);
  if (action != "advance" && action != "roll_back") return InvalidArgument("expected advance or roll_back, found {}", action);
  const auto kind = action == "advance" ? rollout::ActionKind::kAdvance : rollout::ActionKind::kRollBack;
  const TimeUs now = options_.clock->Now();
  const rollout::Action wanted = SW_TRY(rollout::OperatorAction(running.state.rollout->plan, running.state.rollout->state, kind, caller, reason, now));
  LookFirst(caller, running, now);
  SW_TRY(Act(caller, running, wanted, now));
  return EndpointStateToJson(running.state);
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
  SW_TRY(LookAt(caller, running, now));
  return TickRollout(caller, running, now);
}

}  // namespace sw::flow
