// Which endpoints are served: when a configuration comes, and of those that could not be then, later.
#include "base/errors.h"
#include "flow/flow_impl.h"

namespace sw::flow {

Result<std::vector<std::string>> FlowImpl::PackageIds(const Caller& caller, const EndpointState& state) const {
  const std::string& model = config_->endpoints.at(state.endpoint).model;
  std::vector<std::string> ids;
  for (const ArmVersion& arm : ArmsFor(state)) ids.push_back(SW_TRY(options_.registry->Get(caller, model, arm.version)).package_id);
  return ids;
}

Result<bool> FlowImpl::RunsInAProcess(const Caller& caller, const EndpointState& state) const {
  for (const std::string& id : SW_TRY(PackageIds(caller, state))) {
    if (SW_TRY(packages_.RunsInAProcess(id))) return true;
  }
  return false;
}

void FlowImpl::NotPublished(Running& running, const Error& error) {
  const std::string& name = running.state.endpoint;
  CountFailure("publish", name, error);
  running.problem = error.ToString();
  options_.serving->Explain(name, Unavailable("endpoint {} cannot be served: {}; it is tried again", name, error.message).error());
}

Status FlowImpl::PublishConfigured(const Caller& caller, Running& running) {
  if (running.is_published) return Publish(caller, running.state);
  const Result<bool> is_slow = RunsInAProcess(caller, running.state);
  if (is_slow && *is_slow) {
    running.problem = "its model is being started";
    options_.serving->Explain(running.state.endpoint, Unavailable("endpoint {}: {}; retry later", running.state.endpoint, running.problem).error());
    return Ok();
  }
  const Status published = is_slow ? Publish(caller, running.state) : std::unexpected(is_slow.error());
  running.is_published = published.has_value();
  if (!published) NotPublished(running, published.error());
  return Ok();
}

std::vector<std::string> FlowImpl::Unpublished(TimeUs monotonic) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, running] : endpoints_) {
    if (running.state.live != 0 && !running.is_published && running.retry.MayStart(monotonic)) names.push_back(name);
  }
  return names;
}

Result<FlowImpl::Loaded> FlowImpl::Preload(const std::vector<std::string>& package_ids) {
  Loaded loaded;
  for (const std::string& id : package_ids) {
    loaded.push_back(SW_TRY(packages_.Get(id)));
    loaded.push_back(SW_TRY(options_.serving->Load(id)));
  }
  return loaded;
}

Result<FlowImpl::Loaded> FlowImpl::PreloadArms(const Caller& caller, const std::string& endpoint) {
  std::vector<std::string> ids;
  {
    const std::lock_guard lock(mutex_);
    ids = SW_TRY(PackageIds(caller, SW_TRY(Find(endpoint))->state));
  }
  return Preload(ids);
}

Result<FlowImpl::Loaded> FlowImpl::PreloadVersion(const Caller& caller, std::string_view endpoint, std::int64_t version) {
  const EndpointDef definition = SW_TRY(DefinitionOf(endpoint));
  return Preload({SW_TRY(options_.registry->Get(caller, definition.model, version)).package_id});
}

void FlowImpl::PublishRest(TimeUs monotonic) {
  const Caller caller;
  for (const std::string& name : Unpublished(monotonic)) {
    const Result<Loaded> loaded = PreloadArms(caller, name);
    const std::lock_guard lock(mutex_);
    const auto found = endpoints_.find(name);
    if (found == endpoints_.end() || found->second.is_published) continue;
    Running& running = found->second;
    const Status published = loaded ? Publish(caller, running.state) : std::unexpected(loaded.error());
    running.is_published = published.has_value();
    if (published) continue;
    NotPublished(running, published.error());
    running.retry.Failed(monotonic);
  }
}

}  // namespace sw::flow
