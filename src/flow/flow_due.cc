// What is due: the hourly looks, nightly audits, and retraining.
#include "base/errors.h"
#include "flow/flow_impl.h"
#include "flow/retrain.h"

namespace sw::flow {
namespace {

constexpr DurationUs kTick = base::kHourUs;

}  // namespace

void FlowImpl::CountFailure(std::string_view work, const std::string& name, const Error& error) {
  options_.log->Error("work on an endpoint failed", {{"work", work}, {"name", name}, {"error", error.ToString()}});
  options_.counters->Get("flow_failures_total", "Looks and retrainings that failed.", {{"work", std::string(work)}, {"name", name}}).Add();
}

Status FlowImpl::RunDue(TimeUs now) {
  const std::lock_guard due_lock(due_mutex_);
  const Caller caller;
  {
    const std::lock_guard lock(mutex_);
    if (now < next_tick_) return Ok();
  }
  SW_TRY(options_.serving->FlushLogs());
  {
    const std::lock_guard lock(mutex_);
    next_tick_ = (now / kTick + 1) * kTick;
    for (auto& [name, running] : endpoints_) {
      if (const Status looked = Tick(caller, running, now); !looked) CountFailure("look", name, looked.error());
    }
    if (has_unwatched_) SW_TRY(CloseUnwatched(caller));
  }
  AuditDue(caller, now);
  RetrainDue(caller, now);
  return options_.data->DrainOutbox();
}

void FlowImpl::RetrainDue(const Caller& caller, TimeUs now) {
  const auto config = this->config();
  for (const auto& [name, retrain] : config->retrains) {
    if (const Status done = RetrainIfDue(caller, *config, retrain, now); !done) CountFailure("retrain", name, done.error());
  }
}

Status FlowImpl::RetrainIfDue(const Caller& caller, const Config& config, const RetrainDef& retrain, TimeUs now) {
  TimeUs due = 0;
  {
    const std::lock_guard lock(mutex_);
    Running& running = *SW_TRY(Find(retrain.endpoint));
    if (running.state.live == 0 || running.state.RolloutIsRunning()) return Ok();
    due = SW_TRY(NextRetrain(retrain, running.state.retrained));
    if (due > now) return Ok();
    EndpointState next = running.state;
    next.retrained = due;
    SW_TRY(options_.data->catalog().Write([&](store::CatalogTransaction& tx) { return PutEndpointState(tx, caller, next); }));
    running.state = std::move(next);
  }
  // A failed retraining leaves the live version as it is; it is recorded, and tried at the next due time.
  const Status done = Retrain(caller, config, retrain, due);
  if (!done) {
    SW_TRY(events_.Record(caller, {.time = now, .kind = "retrain_failed", .endpoint = retrain.endpoint, .subject = retrain.name,
                                   .summary = done.error().ToString()}));
  }
  return done;
}

Status FlowImpl::Retrain(const Caller& caller, const Config& config, const RetrainDef& retrain, TimeUs due) {
  const EndpointDef& endpoint = config.endpoints.at(retrain.endpoint);
  const eval::GatePolicy* gate = GateOfEndpoint(config, endpoint);
  if (gate == nullptr) return FailedPrecondition("endpoint {} has no gate; define [gate.{}]", endpoint.name, endpoint.name);
  const train::Recipe& recipe = config.recipes.at(retrain.recipe);
  const Json trained = SW_TRY(Train(caller, {.recipe = recipe.name, .table = {}, .from = retrain.window == 0 ? 0 : due - retrain.window,
                                             .until = due, .held_out = retrain.held_out, .extra = {}, .seed = recipe.seed, .progress = {}}));
  const Json version = SW_TRY(Register(caller, {.model = endpoint.model, .package_id = SW_TRY(trained.GetString("package_id")),
                                                .run_id = trained.StringOr("run_id", "")}));
  const std::int64_t number = SW_TRY(version.GetInt("version"));
  const Json verdict = SW_TRY(Judge(caller, config, {.gate = gate->name, .candidate = fmt::format("{}/{}", endpoint.model, number),
                                                     .against = {}, .table = {}}));
  if (verdict.StringOr("result", "") != "pass") return Ok();  // the champion stays; the verdict is recorded
  SW_TRY(StartRollout(caller, {.endpoint = endpoint.name, .version = number, .plan = {}, .steps = {}}));
  return Ok();
}

}  // namespace sw::flow
