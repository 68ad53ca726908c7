#include "serve/endpoints.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/errors.h"
#include "serve/counter_names.h"
#include "serve/live_endpoint.h"
#include "serve/predict_call.h"
#include "serve/published.h"
#include "serve/serve_core.h"

namespace sw::serve {
namespace {

using EndpointMap = std::map<std::string, std::shared_ptr<const LiveEndpoint>, std::less<>>;
using Explanations = std::map<std::string, Error, std::less<>>;

}  // namespace

ServeCore::ServeCore(const Endpoints::Options& options)
    : clock(*options.clock), counters(*options.counters), features(options.features), scoring(options.scoring),
      limits(options.limits), trace(options.trace), refused_rows_per_request(RefusedBy(counters, "rows_per_request_max")),
      refused_deadline(RefusedBy(counters, "deadline")), refused_scoring_queue(RefusedBy(counters, "scoring_queue_max")),
      ids(clock, options.random), admission(limits.requests_in_flight_max, limits.rows_in_flight_max, counters),
      ring(options.ring, *options.log, counters), shadows(*options.shadow, limits.shadow_rows_max),
      blocking(options.blocking,
               {.requests_max = limits.own_requests_in_flight_max, .rows_max = limits.own_rows_in_flight_max,
                .shadow_rows_max = limits.own_shadow_rows_max},
               counters),
      later(options.later ? options.later : [this](DurationUs after, base::Executor::Task task) { delays.After(after, std::move(task)); }) {}

struct Endpoints::Core : ServeCore {
  explicit Core(const Options& options) : ServeCore(options) {}

  std::shared_ptr<const LiveEndpoint> Find(std::string_view name) const {
    const std::shared_ptr<const EndpointMap> now = endpoints.Get();
    const auto found = now->find(name);
    return found == now->end() ? nullptr : found->second;
  }
  Error Unknown(const std::string& name) const {
    const std::shared_ptr<const Explanations> now = explanations.Get();
    if (const auto found = now->find(name); found != now->end()) return found->second;
    std::vector<std::string> names;
    for (const auto& [each, endpoint] : *endpoints.Get()) names.push_back(each);
    const std::vector<std::string> near = data::NearMisses(name, names);
    if (!near.empty()) return NotFound("no endpoint \"{}\"; did you mean {}?", name, fmt::join(near, ", ")).error();
    return NotFound("no endpoint \"{}\"; {} are served", name, names.size()).error();
  }

  Published<EndpointMap> endpoints{std::make_shared<const EndpointMap>()};
  Published<Explanations> explanations{std::make_shared<const Explanations>()};
  std::mutex change_mutex;  // one change of the maps at a time

  // With change_mutex held.
  bool ForgetWhy(std::string_view name) {
    if (!explanations.Get()->contains(name)) return false;
    auto next = std::make_shared<Explanations>(*explanations.Get());
    next->erase(next->find(name));
    explanations.Set(std::move(next));
    return true;
  }
};

std::string_view ServedAsName(ServedAs served) {
  switch (served) {
    case ServedAs::kLive: return "live";
    case ServedAs::kCanary: return "canary";
    case ServedAs::kPinned: return "pinned";
  }
  return "unknown";
}

std::optional<std::string> PredictResult::ClassOf(std::size_t row) const {
  const auto greatest = Outputs::Greatest(ScoresOf(row));
  return greatest ? std::optional(outputs->Label(*greatest)) : std::nullopt;
}

Endpoints::Endpoints(Options options) {
  SW_CHECK(options.clock != nullptr && options.counters != nullptr && options.log != nullptr && options.shadow != nullptr,
           "Endpoints needs a clock, counters, a log and a shadow executor");
  core_ = std::make_unique<Core>(options);
}

Endpoints::~Endpoints() { static_cast<void>(Drain()); }  // the ring counts what it could not write

Status Endpoints::Replace(EndpointSnapshot snapshot) {
  SW_TRY(CheckSnapshot(snapshot));
  if (!snapshot.service.empty() && core_->features == nullptr) {
    return FailedPrecondition("endpoint \"{}\" reads service {}, and this server has no features; start it with a store",
                              snapshot.name, snapshot.service);
  }
  snapshot.outputs = std::make_shared<const Outputs>(OutputsOf(snapshot));
  const bool may_block = std::ranges::any_of(snapshot.arms, [](const Arm& arm) { return arm.package->blocks(); });
  const std::lock_guard lock(core_->change_mutex);
  BlockingPool* own = may_block ? core_->blocking.For(snapshot.name) : nullptr;
  auto endpoint = std::make_shared<const LiveEndpoint>(std::move(snapshot), core_->counters, own);
  auto next = std::make_shared<EndpointMap>(*core_->endpoints.Get());
  const auto before = std::exchange((*next)[endpoint->snapshot.name], endpoint);
  core_->endpoints.Set(std::move(next));
  if (before != nullptr) before->NoteUnloaded();
  endpoint->NoteMemory();
  core_->ForgetWhy(endpoint->snapshot.name);
  return Ok();
}

void Endpoints::Explain(std::string_view name, Error error) {
  const std::lock_guard lock(core_->change_mutex);
  auto next = std::make_shared<Explanations>(*core_->explanations.Get());
  next->insert_or_assign(std::string(name), std::move(error));
  core_->explanations.Set(std::move(next));
}

bool Endpoints::ExplainsAny() const { return !core_->explanations.Get()->empty(); }

std::optional<Error> Endpoints::Explained(std::string_view name) const {
  const std::shared_ptr<const Explanations> now = core_->explanations.Get();
  const auto found = now->find(name);
  return found == now->end() ? std::nullopt : std::optional(found->second);
}

Status Endpoints::Apply(EndpointSnapshot base, const std::vector<ArmSpec>& arms, PackageSource& packages) {
  const std::shared_ptr<const EndpointSnapshot> current = Find(base.name);
  return Replace(SW_TRY(LoadArms(std::move(base), arms, current.get(), packages)));
}

Status Endpoints::Remove(std::string_view name) {
  const std::lock_guard lock(core_->change_mutex);
  const bool was_explained = core_->ForgetWhy(name);
  auto next = std::make_shared<EndpointMap>(*core_->endpoints.Get());
  const auto found = next->find(name);
  if (found == next->end() && was_explained) return Ok();
  if (found == next->end()) return std::unexpected(core_->Unknown(std::string(name)));
  const auto before = std::move(found->second);
  next->erase(found);
  core_->endpoints.Set(std::move(next));
  before->NoteUnloaded();
  core_->blocking.Release(name);
  return Ok();
}

std::shared_ptr<const EndpointSnapshot> Endpoints::Find(std::string_view name) const {
  std::shared_ptr<const LiveEndpoint> endpoint = core_->Find(name);
  if (endpoint == nullptr) return nullptr;
  const EndpointSnapshot* snapshot = &endpoint->snapshot;
  return {std::move(endpoint), snapshot};
}

std::vector<std::string> Endpoints::Names() const {
  std::vector<std::string> names;
  for (const auto& [name, endpoint] : *core_->endpoints.Get()) names.push_back(name);
  return names;
}

std::vector<model::MemoryHolder> Endpoints::MemoryHolders() const {
  std::vector<model::MemoryHolder> holders;
  std::set<const model::Package*> seen;
  for (const auto& [name, endpoint] : *core_->endpoints.Get()) {
    for (const Arm& arm : endpoint->snapshot.arms) {
      if (!seen.insert(arm.package.get()).second) continue;
      holders.push_back({.name = fmt::format("{}/{} {}", name, arm.version, ArmModeName(arm.mode)), .bytes = arm.package->memory_bytes()});
    }
  }
  return holders;
}

void Endpoints::NoteMemory() const {
  const std::lock_guard lock(core_->change_mutex);  // or a version that leaves would be noted after it left
  for (const auto& [name, endpoint] : *core_->endpoints.Get()) {
    if (endpoint->own != nullptr) endpoint->NoteMemory();
  }
}

std::vector<VersionStatistics> Endpoints::Statistics(std::string_view name) const {
  std::vector<VersionStatistics> statistics;
  const std::shared_ptr<const LiveEndpoint> endpoint = core_->Find(name);
  if (endpoint == nullptr) return statistics;
  for (const VersionCounters& version : endpoint->versions) statistics.push_back(version.Read());
  return statistics;
}

void Endpoints::Predict(PredictRequest request, PredictCallback done) {
  std::shared_ptr<const LiveEndpoint> endpoint = core_->Find(request.endpoint);
  if (endpoint != nullptr) return PredictCall::Run(*core_, std::move(endpoint), std::move(request), std::move(done));
  // Not by the name asked for: names from outside would grow the counters without bound.
  core_->counters.Get("serve_unknown_endpoint_total", "Requests for an endpoint that is not served.").Add();
  done(std::unexpected(core_->Unknown(request.endpoint)));
}

Status Endpoints::Flush() {
  core_->shadows.WaitForEarlier();
  return core_->ring.Flush();
}

Status Endpoints::Drain() {
  if (core_->ring.rows() > 0) static_cast<void>(core_->ring.Flush());  // what waits for the disk is in flight
  core_->admission.WaitUntilEmpty();
  core_->blocking.WaitUntilEmpty();
  return Flush();
}

}  // namespace sw::serve
