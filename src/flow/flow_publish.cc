// Which endpoints are served: when a configuration comes, and of those that could not be then, later.
#include <utility>

#include "base/errors.h"
#include "flow/flow_impl.h"

namespace sw::flow {
namespace {

template <typename Loaded>
bool LacksRoom(const Result<Loaded>& loaded) {
  return !loaded && loaded.error().code == ErrorCode::kResourceExhausted;
}

}  // namespace

Result<std::vector<FlowImpl::ArmPackage>> FlowImpl::ArmPackages(const Caller& caller, const EndpointState& state) const {
  const std::string& model = config_->endpoints.at(state.endpoint).model;
  std::vector<ArmPackage> packages;
  for (const ArmVersion& arm : ArmsFor(state)) {
    packages.push_back({.id = SW_TRY(options_.registry->Get(caller, model, arm.version)).package_id, .is_warm = arm.mode == "warm"});
  }
  return packages;
}

Result<bool> FlowImpl::RunsInAProcess(const Caller& caller, const EndpointState& state) const {
  for (const ArmPackage& package : SW_TRY(ArmPackages(caller, state))) {
    if (SW_TRY(packages_.RunsInAProcess(package.id))) return true;
  }
  return false;
}

// A roll-back then takes as long as loading it.
void FlowImpl::LeaveOut(const EndpointState& state, const Error& error) {
  options_.log->Warning("a warm version is left out", {{"endpoint", state.endpoint}, {"version", std::to_string(state.warm)}, {"why", error.message}});
  options_.counters->Get("flow_warm_left_out_total", "Warm versions that were not loaded because there was no room.", {{"endpoint", state.endpoint}}).Add();
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
  const Status published = is_slow ? Publish(caller, running.state, Warm::kNone) : std::unexpected(is_slow.error());
  running.is_published = published.has_value();
  running.lacks_warm = running.is_published && running.state.warm != 0;
  if (!published) NotPublished(running, published.error());
  return Ok();
}

// After all that answers: a warm version must not take the room of another endpoint's live one.
void FlowImpl::PublishWarm(const Caller& caller) {
  for (auto& [name, running] : endpoints_) {
    if (!std::exchange(running.lacks_warm, false)) continue;
    if (const Status published = Publish(caller, running.state); !published) LeaveOut(running.state, published.error());
  }
}

std::vector<std::string> FlowImpl::Unpublished(TimeUs monotonic) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, running] : endpoints_) {
    if (running.state.live != 0 && !running.is_published && running.retry.MayStart(monotonic)) names.push_back(name);
  }
  return names;
}

Result<FlowImpl::Loaded> FlowImpl::Preload(const std::vector<ArmPackage>& packages) {
  Loaded loaded;
  for (const ArmPackage& package : packages) {
    const auto own = packages_.Get(package.id);
    if (package.is_warm && LacksRoom(own)) continue;  // Publish says so
    loaded.push_back(SW_TRY(own));
    const auto served = options_.serving->Load(package.id);
    if (package.is_warm && LacksRoom(served)) continue;
    loaded.push_back(SW_TRY(served));
  }
  return loaded;
}

Result<FlowImpl::Loaded> FlowImpl::PreloadArms(const Caller& caller, const std::string& endpoint) {
  std::vector<ArmPackage> packages;
  {
    const std::lock_guard lock(mutex_);
    packages = SW_TRY(ArmPackages(caller, SW_TRY(Find(endpoint))->state));
  }
  return Preload(packages);
}

Result<bool> FlowImpl::LetGoOfWarm(const Caller& caller, std::string_view endpoint, std::int64_t version) {
  const std::lock_guard lock(mutex_);
  const Running& running = *SW_TRY(Find(endpoint));
  if (!running.is_published || running.state.warm == 0 || running.state.warm == version) return false;
  SW_TRY(Publish(caller, running.state, Warm::kNone));
  return true;
}

Result<FlowImpl::Loaded> FlowImpl::PreloadVersion(const Caller& caller, std::string_view endpoint, std::int64_t version) {
  const EndpointDef definition = SW_TRY(DefinitionOf(endpoint));
  const std::vector<ArmPackage> wanted = {{.id = SW_TRY(options_.registry->Get(caller, definition.model, version)).package_id}};
  Result<Loaded> loaded = Preload(wanted);
  const bool is_without_warm = LacksRoom(loaded) && SW_TRY(LetGoOfWarm(caller, endpoint, version));
  if (is_without_warm) loaded = Preload(wanted);
  if (!LacksRoom(loaded)) return loaded;
  if (is_without_warm) {  // back to what was
    const std::lock_guard lock(mutex_);
    const auto running = endpoints_.find(endpoint);
    if (running != endpoints_.end()) SW_TRY(Publish(caller, running->second.state));
  }
  return std::unexpected(std::move(loaded).error().Within(fmt::format("version {} of model {}", version, definition.model)));
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
