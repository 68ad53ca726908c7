#include "flow/flow.h"

#include <numeric>

#include "base/errors.h"
#include "flow/flow_impl.h"
#include "train/train.h"

namespace sw::flow {

Json JudgementToJson(const stats::Judgement& judgement) {
  return Json::MakeObject({{"result", stats::VerdictName(judgement.verdict)}, {"summary", judgement.summary},
                           {"alpha", judgement.alpha}, {"evidence", judgement.evidence}});
}

Result<std::unique_ptr<Flow>> Flow::Open(const Options& options) {
  SW_TRY(MigrateFlow(options.data->catalog()));
  auto incidents = SW_TRY(monitor::IncidentStore::Open(options.data->catalog()));
  return std::make_unique<FlowImpl>(options, std::move(incidents));
}

FlowImpl::FlowImpl(const Options& options, monitor::IncidentStore incidents)
    : options_(options),
      packages_(options.data->blobs(), {.engines = options.engines,
                                        .tuner = options.tuner,
                                        .recent = Packages::kRecent,
                                        .loader = options.loader,
                                        .elsewhere = [serving = options.serving](const std::string& id) { return serving->Load(id); }}),
      tables_(*options.features, options.data->logbook(), options.tables_folder),
      trainer_(tables_, packages_, *options.tracker, options.train_worker),
      gatekeeper_(tables_, packages_, *options.registry),
      incidents_(std::move(incidents)),
      events_(options.data->catalog(), *options.ids, [this] { feed_.Announce(); }),
      feed_(events_, *options.counters),
      config_(std::make_shared<Config>()) {}

std::shared_ptr<const Config> FlowImpl::config() const {
  const std::lock_guard lock(mutex_);
  return config_;
}

Status FlowImpl::Configure(std::shared_ptr<const Config> config) {
  const Caller caller;
  const std::lock_guard lock(mutex_);
  std::map<std::string, EndpointState> states;
  for (EndpointState& state : SW_TRY(ReadEndpointStates(options_.data->catalog(), caller))) states[state.endpoint] = std::move(state);
  std::map<std::string, Running, std::less<>> changed;
  for (const auto& [name, definition] : config->endpoints) {
    if (endpoints_.contains(name) && FoldsAlike(*config_, *config, name)) continue;
    EndpointState& state = states[name];
    state.endpoint = name;
    if (!definition.log && state.RolloutIsRunning() && rollout::GathersEvidence(state.rollout->plan)) {
      return FailedPrecondition("endpoint.{}.log: a rollout of version {} is running, which judges by the endpoint's log; end it first", name,
                                state.rollout->candidate);
    }
    changed.emplace(name, Start(*config, state));
  }
  std::vector<std::string> dropped;
  for (const auto& [name, running] : endpoints_) {
    if (!config->endpoints.contains(name)) dropped.push_back(name);
  }
  config_ = std::move(config);
  for (auto& [name, running] : changed) {
    if (const auto before = endpoints_.find(name); before != endpoints_.end()) {
      running.is_published = before->second.is_published;
      running.outputs = before->second.outputs;
    }
    endpoints_.insert_or_assign(name, std::move(running));
  }
  for (const std::string& name : dropped) {
    endpoints_.erase(name);
    SW_TRY(options_.serving->Remove(name));
  }
  SW_TRY(CloseUnwatched(caller));
  for (auto& [name, running] : endpoints_) {
    if (running.state.live != 0) SW_TRY(PublishConfigured(caller, running));
  }
  PublishWarm(caller);
  return Ok();
}

Result<Json> FlowImpl::BuildTrainingSet(const Caller& caller, const TrainRequest& request, const std::string& out) {
  (void)caller;  // training sets belong to the one configuration
  const auto config = this->config();
  TrainRequest full = request;
  if (full.until == 0) full.until = options_.clock->Now();
  const auto table = SW_TRY(trainer_.TableOf(*config, full));
  if (!out.empty()) SW_TRY(tables_.Write(*table, out));
  double positives = 0;
  for (const double label : table->label.doubles()) positives += label;
  Json columns = Json::MakeArray();
  for (const data::Field& field : table->features.schema().fields) columns.Append(field.name);
  return Json::MakeObject({{"rows", table->num_rows()}, {"positive_share", positives / static_cast<double>(table->num_rows())},
                           {"columns", std::move(columns)}, {"provenance", table->provenance}, {"out", out}});
}

Result<Json> FlowImpl::Train(const Caller& caller, const TrainRequest& request) {
  const auto config = this->config();
  TrainRequest full = request;
  if (full.until == 0) full.until = options_.clock->Now();
  Json answer = SW_TRY(trainer_.Train(caller, *config, full));
  SW_TRY(events_.Record(caller, {.time = options_.clock->Now(), .kind = "trained", .subject = answer.StringOr("package_id", ""),
                                 .summary = fmt::format("recipe {} on {} rows", request.recipe, answer.IntOr("rows", 0)),
                                 .content = Json::MakeObject({{"recipe", request.recipe}, {"seed", request.seed}, {"seconds", answer.DoubleOr("seconds", 0)}})}));
  return answer;
}

Result<Json> FlowImpl::Judge(const Caller& caller, const Config& config, const GateRequest& request) {
  const Gatekeeper::Decision decision = SW_TRY(gatekeeper_.Judge(caller, config, request));
  Json answer = JudgementToJson(decision.judgement);
  answer.Set("candidate", decision.candidate.name);
  answer.Set("against", decision.against.name);
  const std::string verdict_id = options_.ids->NewUuid();
  if (decision.candidate.version != 0) {
    const auto version = SW_TRY(options_.registry->Record(
        caller, decision.candidate.model, decision.candidate.version,
        {.id = verdict_id, .kind = "gate", .result = std::string(stats::VerdictName(decision.judgement.verdict)),
         .alpha = decision.judgement.alpha, .summary = decision.judgement.summary, .evidence = decision.judgement.evidence,
         .time = 0, .principal = {}}));
    answer.Set("state", registry::VersionStateName(version.state));
  }
  answer.Set("verdict_id", verdict_id);
  SW_TRY(events_.Record(caller, {.time = options_.clock->Now(), .kind = "gate", .subject = decision.candidate.name,
                                 .summary = fmt::format("{}: {}", stats::VerdictName(decision.judgement.verdict), decision.judgement.summary),
                                 .content = answer}));
  SW_TRY(options_.data->DrainOutbox());
  return answer;
}

Result<Json> FlowImpl::Gate(const Caller& caller, const GateRequest& request) {
  GateRequest full = request;
  if (full.from != 0 && full.until == 0) full.until = options_.clock->Now();
  return Judge(caller, *config(), full);
}

Result<Json> FlowImpl::Register(const Caller& caller, const RegisterRequest& request) {
  // Loading replays the golden rows: what does not load is not registered.
  const auto package = SW_TRY(packages_.Get(request.package_id));
  const registry::Version version = SW_TRY(options_.registry->Register(
      caller, {.model = request.model, .package_id = request.package_id, .run_id = request.run_id,
               .lineage = package->content().lineage, .description = {}}));
  Json answer = registry::VersionToJson(version);
  answer.Set("verified", package->is_verified());
  if (!package->is_verified()) answer.Set("unverified", package->unverified());
  SW_TRY(events_.Record(caller, {.time = options_.clock->Now(), .kind = "registered", .subject = fmt::format("{}/{}", version.model, version.number),
                                 .summary = fmt::format("package {}", request.package_id.substr(0, 12)),
                                 .content = Json::MakeObject({{"package_id", request.package_id}})}));
  SW_TRY(options_.data->DrainOutbox());
  return answer;
}

Result<Json> FlowImpl::DescribeEngine(const std::string& package_id) {
  auto package = options_.serving->Served(package_id);
  if (package == nullptr) package = SW_TRY(packages_.Get(package_id));
  return options_.tuner->Describe(*package);
}

Result<Json> FlowImpl::Override(const Caller& caller, std::string_view model, std::int64_t version, std::string_view reason) {
  if (reason.empty()) return InvalidArgument("an override needs a reason; it is recorded with the version");
  const registry::Version after = SW_TRY(options_.registry->Record(
      caller, model, version,
      {.id = options_.ids->NewUuid(), .kind = "override", .result = "pass", .alpha = 0, .summary = std::string(reason),
       .evidence = Json::MakeObject({{"principal", caller.principal}}), .time = 0, .principal = {}}));
  SW_TRY(events_.Record(caller, {.time = options_.clock->Now(), .kind = "override", .subject = fmt::format("{}/{}", model, version),
                                 .summary = std::string(reason)}));
  SW_TRY(options_.data->DrainOutbox());
  return registry::VersionToJson(after);
}

Result<Json> FlowImpl::Incidents(const Caller& caller, std::string_view endpoint, std::string_view state) const {
  Json list = Json::MakeArray();
  for (const monitor::Incident& incident : SW_TRY(incidents_.List(caller, endpoint, state))) list.Append(incident.ToJson());
  return list;
}

Result<Json> FlowImpl::Timeline(const Caller& caller, std::string_view endpoint, TimeUs from, TimeUs until) const {
  return events_.List(caller, endpoint, from, until);
}

Result<std::unique_ptr<Following>> FlowImpl::Follow(const Caller& caller, const FollowRequest& request, const OpenListener& open) {
  if (!request.endpoint.empty()) SW_TRY(DefinitionOf(request.endpoint));
  return feed_.Follow(caller, request, options_.clock->Now(), open);
}

}  // namespace sw::flow
