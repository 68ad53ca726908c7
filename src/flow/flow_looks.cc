// Looks at endpoints: what is new in their logs, what their monitors say of it, and how a fold comes
// back after a restart.
#include <set>

#include "base/errors.h"
#include "flow/flow_impl.h"

namespace sw::flow {
namespace {

std::vector<monitor::MonitorPolicy> MonitorsOf(const Config& config, const std::string& endpoint) {
  std::vector<monitor::MonitorPolicy> policies;
  for (const auto& [name, policy] : config.monitors) {
    if (policy.endpoint == endpoint) policies.push_back(policy);
  }
  return policies;
}

DurationUs CensorAfter(const Config& config, const EndpointDef& endpoint) {
  const auto set = config.features.training_sets.find(endpoint.training_set);
  const bool is_declared = set != config.features.training_sets.end() && set->second.censor_after > 0;
  return is_declared ? set->second.censor_after : monitor::MonitorPolicy{}.censor_after;
}

// A label that comes later than twice what anybody waits for is nobody's.
DurationUs IdsKeptFor(const Config& config, const EndpointDef& endpoint) {
  DurationUs longest = CensorAfter(config, endpoint);
  for (const monitor::MonitorPolicy& policy : MonitorsOf(config, endpoint.name)) longest = std::max(longest, policy.censor_after);
  return 2 * longest;
}

}  // namespace

bool FoldsAlike(const Config& a, const Config& b, const std::string& endpoint) {
  const auto in_a = a.endpoints.find(endpoint);
  const auto in_b = b.endpoints.find(endpoint);
  return in_a != a.endpoints.end() && in_b != b.endpoints.end() && in_a->second == in_b->second &&
         CensorAfter(a, in_a->second) == CensorAfter(b, in_b->second) && MonitorsOf(a, endpoint) == MonitorsOf(b, endpoint);
}

Status FlowImpl::AddMonitors(const Config& config, Running& running, const monitor::Reference& reference) {
  for (const monitor::MonitorPolicy& policy : MonitorsOf(config, running.state.endpoint)) {
    SW_TRY(running.fold->AddMonitor(policy, reference));
  }
  return Ok();
}

monitor::Rescore FlowImpl::RescoreWith(const Caller& caller, const EndpointDef& definition) {
  return [this, caller, definition](std::int64_t version, const data::Batch& features) -> Result<std::vector<double>> {
    return ScoreAll(*SW_TRY(PackageOf(caller, definition, version)), features);
  };
}

// A replay takes a while, and an endpoint answers without one: the first that needs the fold makes it.
FlowImpl::Running FlowImpl::Start(const Config& config, EndpointState state) const {
  const EndpointDef& definition = config.endpoints.at(state.endpoint);
  const store::Logbook& logbook = options_.data->logbook();
  const bool is_served = state.live != 0;
  return {.state = std::move(state),
          .fold = std::make_unique<EndpointFold>(logbook, definition, CensorAfter(config, definition)),
          .ids = std::make_unique<ServedIds>(logbook, definition.name, IdsKeptFor(config, definition)),
          .is_behind = is_served};
}

Status FlowImpl::BringUp(const Caller& caller, Running& running) {
  if (!running.is_behind) return Ok();
  Running fresh = Start(*config_, running.state);
  SW_TRY(ReplayLooks(caller, *config_, fresh));
  running.fold = std::move(fresh.fold);
  running.looks = fresh.looks;
  running.is_behind = false;
  return Ok();
}

// The state after a look follows from the looks until then: nothing else is kept of it.
Status FlowImpl::ReplayLooks(const Caller& caller, const Config& config, Running& running) {
  const EndpointDef& definition = config.endpoints.at(running.state.endpoint);
  std::vector<Look> looks = SW_TRY(ReadLooks(options_.data->catalog(), caller, definition.name));
  const FoldCuts ends = SW_TRY(running.fold->Ends());
  const monitor::Rescore rescore = RescoreWith(caller, definition);
  const RolloutState* rollout = running.state.RolloutIsRunning() ? &*running.state.rollout : nullptr;
  std::int64_t version = looks.empty() ? running.state.live : looks.front().version;
  SW_TRY(AddMonitors(config, running, SW_TRY(ReferenceOf(caller, definition, version))));
  if (rollout != nullptr && rollout->begun_at_look == 0) SW_TRY(running.fold->BeginStep(*rollout));
  for (Look& look : looks) {
    if (CutTo(ends, look.cuts)) {  // and from now on, whatever will be written there
      SW_TRY(options_.data->catalog().Write([&](store::CatalogTransaction& tx) { return ReplaceCuts(tx, caller, definition.name, look); }));
    }
    if (look.version != version) SW_TRY(running.fold->ReplaceReference(SW_TRY(ReferenceOf(caller, definition, look.version))));
    version = look.version;
    SW_TRY(running.fold->ReadTo(look.cuts, look.time));
    for (monitor::EndpointMonitor& monitor : running.fold->monitors()) SW_TRY(monitor.Evaluate(look.time, rescore));
    if (rollout != nullptr && rollout->begun_at_look == look.number) SW_TRY(running.fold->BeginStep(*rollout));
    running.looks = look.number;
  }
  if (version == running.state.live) return Ok();
  return running.fold->ReplaceReference(SW_TRY(ReferenceOf(caller, definition, running.state.live)));
}

Status FlowImpl::LookAt(const Caller& caller, Running& running, TimeUs now) {
  SW_TRY(BringUp(caller, running));
  running.is_behind = true;  // until the look is recorded
  const Look look{.number = running.looks + 1, .time = now, .version = running.state.live, .cuts = SW_TRY(running.fold->Ends())};
  SW_TRY(running.fold->ReadTo(look.cuts, now));
  SW_TRY(running.ids->KeepUp(now));
  const monitor::Rescore rescore = RescoreWith(caller, config_->endpoints.at(running.state.endpoint));
  std::vector<monitor::Incident> changed;
  for (monitor::EndpointMonitor& monitor : running.fold->monitors()) {
    for (monitor::Incident& incident : SW_TRY(monitor.Evaluate(now, rescore))) changed.push_back(std::move(incident));
  }
  SW_TRY(options_.data->catalog().Write([&](store::CatalogTransaction& tx) -> Status {
    for (const monitor::Incident& incident : changed) SW_TRY(RecordIncident(tx, caller, incident, now));
    return PutLook(tx, caller, running.state.endpoint, look);
  }));
  running.looks = look.number;
  running.is_behind = false;
  return Ok();
}

Status FlowImpl::RecordIncident(store::CatalogTransaction& tx, const Caller& caller, const monitor::Incident& incident, TimeUs now) {
  const auto known = SW_TRY(incidents_.Find(tx, caller, incident.id));
  const bool is_news = !known || known->state != incident.state || known->severity != incident.severity;
  SW_TRY(incidents_.Put(tx, caller, incident, now));
  if (!is_news) return Ok();
  return events_.Record(tx, caller, {.time = now, .kind = "incident", .endpoint = incident.endpoint, .subject = incident.id,
                                     .summary = fmt::format("{} {}: {}", incident.severity, incident.state, incident.summary),
                                     .content = incident.ToJson()});
}

// Monitors and endpoints go, or change what they tolerate; an incident that none of them has open must
// not stay open for ever. Of an endpoint whose fold is behind nothing is known yet.
Status FlowImpl::CloseUnwatched(const Caller& caller) {
  std::set<std::string> watched;
  for (const auto& [name, running] : endpoints_) {
    for (const monitor::EndpointMonitor& monitor : running.fold->monitors()) watched.merge(monitor.OpenIds());
  }
  const TimeUs now = options_.clock->Now();
  has_unwatched_ = false;
  for (monitor::Incident& incident : SW_TRY(incidents_.List(caller, "", "open"))) {
    if (watched.contains(incident.id)) continue;
    if (incident.monitor == kAuditMonitor && config_->endpoints.contains(incident.endpoint)) continue;  // the next audit's
    if (const auto found = endpoints_.find(incident.endpoint); found != endpoints_.end() && found->second.is_behind) {
      has_unwatched_ = true;
      continue;
    }
    incident.state = "closed";
    incident.closed_at = now;
    if (incident.evidence.IsNull()) incident.evidence = Json::MakeObject();
    incident.evidence.Set("closed_because", "its monitor or endpoint was changed or removed");
    SW_TRY(options_.data->catalog().Write(
        [&](store::CatalogTransaction& tx) { return RecordIncident(tx, caller, incident, now); }));
  }
  return Ok();
}

}  // namespace sw::flow
