#include "serve/live_endpoint.h"

#include <algorithm>
#include <utility>

#include "base/errors.h"
#include "serve/counter_names.h"
#include "serve/split.h"

namespace sw::serve {

EndpointCounters EndpointCounters::For(base::Counters& counters, const std::string& endpoint) {
  const base::Labels labels{{"endpoint", endpoint}};
  const auto rows = [&](const char* arm) -> base::Counter& {
    return counters.Get("serve_rows_total", "Rows scored, by arm.", {{"endpoint", endpoint}, {"arm", arm}});
  };
  return {
      .requests = counters.Get("serve_requests_total", "Prediction requests.", labels),
      .live_rows = rows("live"),
      .canary_rows = rows("canary"),
      .pinned_rows = rows("pinned"),
      .shadow_rows = rows("shadow"),
      .canary_failures = counters.Get("serve_canary_failed_rows_total",
                                      "Rows that the live arm answered because the canary could not.", labels),
      .unit_missing_rows = counters.Get("serve_unit_missing_rows_total",
                                        "Rows without a unit, split by prediction id instead.", labels),
      .ignored_columns = counters.Get("serve_ignored_columns_total",
                                      "Columns of requests that the endpoint does not declare.", labels),
      .censored_queue = CensoredPairs(counters, endpoint, "queue"),
      .censored_log = CensoredPairs(counters, endpoint, "log"),
      .censored_score = CensoredPairs(counters, endpoint, "score"),
      .cache_hits = counters.Get("serve_cache_hits_total", "Rows answered from the cache.", labels),
      .cache_misses = counters.Get("serve_cache_misses_total", "Rows looked up in the cache in vain.", labels),
      .latency = counters.Histogram("serve_latency_seconds", "From request to answer.", labels),
      .violations = ViolationCounters::For(counters, endpoint),
  };
}

namespace {

constexpr std::int64_t kCostShare = 8;  // of the newest measurement in the moving average: 1/8

bool AnswersBlock(const EndpointSnapshot& snapshot) {
  return std::ranges::any_of(snapshot.arms, [](const Arm& arm) {
    return (arm.mode == ArmMode::kLive || arm.mode == ArmMode::kCanary) && arm.package->blocks();
  });
}

using data::Type;

// "score", or "score_0", "score_1", ...: no column is left whose meaning would depend on the model.
void AddScores(std::size_t outputs, data::Schema& schema) {
  if (outputs == 1) return schema.fields.push_back({"score", Type::kFloat64});
  for (std::size_t k = 0; k < outputs; ++k) schema.fields.push_back({fmt::format("score_{}", k), Type::kFloat64});
}

data::Schema ShadowLead(std::size_t outputs) {
  data::Schema schema{{{"version", Type::kInt64}, {"arm", Type::kString}}};
  AddScores(outputs, schema);
  return schema;
}

// Only one score a row is decided by a threshold.
data::Schema PredictionsLead(std::size_t outputs) {
  data::Schema schema = ShadowLead(outputs);
  if (outputs == 1) schema.fields.push_back({"decision", Type::kBool});
  for (const auto& [name, type] : {std::pair{"unit", Type::kString}, {"request_id", Type::kString},
                                   {"violations", Type::kInt64}, {"latency_us", Type::kInt64}}) {
    schema.fields.push_back({name, type});
  }
  return schema;
}

std::shared_ptr<const LogKind> KindOfPredictions(const EndpointSnapshot& snapshot, const std::optional<data::Schema>& features,
                                                 const data::Schema& read = {}) {
  return std::make_shared<const LogKind>("predictions/" + snapshot.name, PredictionsLead(snapshot.outputs->count), snapshot.request, features, read);
}

std::vector<VersionCounters> CountersOf(const EndpointSnapshot& snapshot, base::Counters& counters) {
  std::vector<VersionCounters> versions;
  for (const Arm& arm : snapshot.arms) versions.push_back(VersionCounters::For(counters, snapshot.name, arm.version));
  return versions;
}

}  // namespace

LiveEndpoint::LiveEndpoint(EndpointSnapshot checked, base::Counters& all_counters, BlockingPool* own_or_null)
    : snapshot(std::move(checked)), live(*snapshot.Live()),
      split_seed(SplitSeed(snapshot.name, snapshot.rollout_salt)),
      has_canary(std::ranges::find(snapshot.arms, ArmMode::kCanary, &Arm::mode) != snapshot.arms.end()),
      refuses_any(snapshot.policy.RefusesAny()), own(own_or_null),
      answers_block(AnswersBlock(snapshot)),
      shadow_kind(std::make_shared<const LogKind>("shadow/" + snapshot.name, ShadowLead(snapshot.outputs->count))),
      counters(EndpointCounters::For(all_counters, snapshot.name)),
      versions(CountersOf(snapshot, all_counters)),
      queue_(snapshot.queue, !refuses_any, RefusedBy(all_counters, "queue_max"),
             all_counters.Get("serve_batches_total", "Scorings of requests that waited for a thread, some of them together.", {{"endpoint", snapshot.name}})),
      cache_(snapshot.cache_rows == 0 ? nullptr : std::make_unique<ScoreCache>(snapshot.cache_rows, snapshot.outputs->count)),
      predictions_kind_(KindOfPredictions(snapshot, snapshot.service.empty() ? std::nullopt : std::optional(data::Schema()))) {}

std::shared_ptr<const LogKind> LiveEndpoint::PredictionsKind(const data::Schema& features, const data::Schema& read) const {
  std::shared_ptr<const LogKind> known = predictions_kind_.Get();
  if (snapshot.service.empty() || (known->features == features && known->read == read)) return known;
  known = KindOfPredictions(snapshot, features, read);
  predictions_kind_.Set(known);
  return known;
}

void LiveEndpoint::NoteMemory() const {
  for (std::size_t i = 0; i < versions.size(); ++i) versions[i].memory_bytes.Set(static_cast<std::int64_t>(snapshot.arms[i].package->memory_bytes()));
}

void LiveEndpoint::NoteUnloaded() const {
  for (const VersionCounters& version : versions) version.memory_bytes.Set(0);
}

void LiveEndpoint::MeasureCost(std::int64_t nanoseconds, std::size_t rows) const {
  const std::int64_t now = nanoseconds / static_cast<std::int64_t>(rows);
  const std::int64_t before = row_cost_ns.load(std::memory_order_relaxed);
  const std::int64_t mean = before == 0 ? now : before + (now - before) / kCostShare;
  row_cost_ns.store(mean, std::memory_order_relaxed);  // a lost update costs nothing
}

}  // namespace sw::serve
