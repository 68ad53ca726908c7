#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/errors.h"
#include "data/schema.h"
#include "eval/gate.h"

namespace sw::eval {
namespace {

Status CheckKeys(const Json& config, const std::vector<std::string>& known) {
  if (!config.IsObject()) return InvalidArgument("expected a table, found {}", config.TypeName());
  for (const auto& [key, value] : config.AsObject()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::vector<std::string> near = data::NearMisses(key, known);
    return InvalidArgument("{}: unknown key; {} {}", key,
                           near.empty() ? "known are" : "did you mean",
                           fmt::join(near.empty() ? known : near, ", "));
  }
  return Ok();
}

Result<Loss> ParseLoss(const std::string& name) {
  for (const Loss loss : {Loss::kBrier, Loss::kLogLoss, Loss::kCost}) {
    if (LossName(loss) == name) return loss;
  }
  return InvalidArgument("metric: expected brier, log_loss or cost, found {}", name);
}

// The default when the key is absent.
Result<double> Number(const Json& config, std::string_view key, double fallback) {
  if (!config.Has(key)) return fallback;
  const double value = SW_TRY(config.GetDouble(key));
  if (!std::isfinite(value))
    return InvalidArgument("{}: expected a finite number, found {}", key, value);
  return value;
}

Result<std::uint64_t> Count(const Json& config, std::string_view key, std::uint64_t low,
                            std::uint64_t fallback) {
  if (!config.Has(key)) return fallback;
  const std::int64_t value = SW_TRY(config.GetInt(key));
  if (value < static_cast<std::int64_t>(low))
    return InvalidArgument("{}: expected {} or more, found {}", key, low, value);
  return static_cast<std::uint64_t>(value);
}

Result<std::vector<std::string>> Slices(const Json& config) {
  std::vector<std::string> slices;
  if (!config.Has("slices")) return slices;
  for (const Json& item : SW_TRY(config.GetArray("slices"))->AsArray()) {
    if (!item.IsString())
      return InvalidArgument("slices: expected names of columns, found {}", item.Dump());
    slices.push_back(item.AsString());
  }
  return slices;
}

Status CheckPolicy(const GatePolicy& policy, const Json& config) {
  if (!(policy.alpha > 0) || policy.alpha > 0.5) {
    return InvalidArgument("alpha: expected above 0 and at most 0.5, found {}", policy.alpha);
  }
  if (!policy.slices.empty() && !config.Has("max_slice_loss_increase")) {
    return InvalidArgument("max_slice_loss_increase: missing; say how much worse a slice may be");
  }
  if (policy.loss == Loss::kCost && !config.Has("cost")) {
    return InvalidArgument("cost: missing; metric = \"cost\" needs what each outcome costs");
  }
  return Ok();
}

Result<GatePolicy> Parse(std::string_view name, const Json& config) {
  SW_TRY(CheckKeys(config, {"metric", "cost", "max_loss_increase", "alpha", "slices",
                            "max_slice_loss_increase", "slice_rows_min", "clusters_min"}));
  GatePolicy policy{.name = std::string(name)};
  if (config.Has("metric")) policy.loss = SW_TRY(ParseLoss(SW_TRY(config.GetString("metric"))));
  if (const Json* costs = config.Find("cost")) policy.costs = SW_TRY(ParseCosts(*costs));
  policy.max_loss_increase = SW_TRY(Number(config, "max_loss_increase", policy.max_loss_increase));
  policy.alpha = SW_TRY(Number(config, "alpha", policy.alpha));
  policy.slices = SW_TRY(Slices(config));
  policy.max_slice_loss_increase =
      SW_TRY(Number(config, "max_slice_loss_increase", policy.max_slice_loss_increase));
  policy.slice_rows_min = SW_TRY(Count(config, "slice_rows_min", 1, policy.slice_rows_min));
  policy.clusters_min = SW_TRY(Count(config, "clusters_min", 2, policy.clusters_min));
  SW_TRY(CheckPolicy(policy, config));
  return policy;
}

}  // namespace

Json CostsToJson(const stats::CostMatrix& costs) {
  return Json::MakeObject({{"true_positive", costs.true_positive},
                           {"false_positive", costs.false_positive},
                           {"false_negative", costs.false_negative},
                           {"true_negative", costs.true_negative}});
}

Result<stats::CostMatrix> ParseCosts(const Json& config) {
  const auto within = [](const Error& error) {
    return base::MakeError(error.code, "cost." + error.message);
  };
  const Status keys =
      CheckKeys(config, {"true_positive", "false_positive", "false_negative", "true_negative"});
  if (!keys) return within(keys.error());
  stats::CostMatrix costs;
  for (const auto& [key, place] : {std::pair{"true_positive", &costs.true_positive},
                                   {"false_positive", &costs.false_positive},
                                   {"false_negative", &costs.false_negative},
                                   {"true_negative", &costs.true_negative}}) {
    const Result<double> value = Number(config, key, 0);
    if (!value) return within(value.error());
    *place = *value;
  }
  // A threshold is chosen by them once a model is trained: too late to be told then.
  if (const Result<double> threshold = stats::CalibratedThreshold(costs); !threshold)
    return InvalidArgument("cost: {}", threshold.error().message);
  return costs;
}

Json GatePolicy::ToJson() const {
  Json json = Json::MakeObject({{"metric", LossName(loss)},
                                {"cost", CostsToJson(costs)},
                                {"max_loss_increase", max_loss_increase},
                                {"alpha", alpha},
                                {"slices", Json::FromRange(slices)},
                                {"max_slice_loss_increase", max_slice_loss_increase},
                                {"slice_rows_min", slice_rows_min},
                                {"clusters_min", clusters_min}});
  return json;
}

Result<GatePolicy> ParseGate(std::string_view name, const Json& config) {
  Result<GatePolicy> policy = Parse(name, config);
  if (policy) return policy;
  Error error = std::move(policy).error();
  error.message = fmt::format("gate.{}.{}", name, error.message);
  return std::unexpected(std::move(error));
}

}  // namespace sw::eval
