#include "rollout/plan.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "base/errors.h"

namespace sw::rollout {
namespace {

constexpr std::array kSteps = {Step::kShadow, Step::kCanary, Step::kLive};

constexpr std::array<std::string_view, 11> kKeys = {"endpoint",
                                                    "steps",
                                                    "canary_share",
                                                    "alpha",
                                                    "max_loss_increase",
                                                    "harm_loss_increase",
                                                    "max_slice_loss_increase",
                                                    "slices",
                                                    "max_time",
                                                    "unpaired_share_max",
                                                    "design_effect"};

// A slice has fewer pairs than the whole, and more of them are looked at.
constexpr double kSliceTolerances = 5;

// Reads the members of one table; an error begins with the member's key.
class Table {
 public:
  Table(std::string path, const Json& json) : path_(std::move(path)), json_(json) {}

  Status CheckKeys() const {
    if (!json_.IsObject())
      return InvalidArgument("{}: expected a table, found {}", path_, json_.TypeName());
    for (const auto& [key, value] : json_.AsObject()) {
      if (std::ranges::find(kKeys, key) != kKeys.end()) continue;
      return InvalidArgument("{}.{}: unknown key; known are {}", path_, key,
                             fmt::join(kKeys, ", "));
    }
    return Ok();
  }

  // A number in [low, high].
  Result<double> Number(std::string_view key, double fallback, double low, double high) const {
    const Json* value = json_.Find(key);
    if (value == nullptr) return fallback;
    if (value->IsNumber() && value->AsDouble() >= low && value->AsDouble() <= high)
      return value->AsDouble();
    return InvalidArgument("{}.{}: expected a number from {} to {}, found {}", path_, key, low,
                           high, value->Dump());
  }

  Result<DurationUs> Duration(std::string_view key) const {
    const Json* value = json_.Find(key);
    if (value == nullptr) return 0;
    if (value->IsString()) {
      if (const Result<DurationUs> duration = base::ParseDuration(value->AsString()))
        return *duration;
    }
    return InvalidArgument("{}.{}: expected a duration such as \"10d\", found {}", path_, key,
                           value->Dump());
  }

  Result<std::vector<std::string>> Texts(std::string_view key) const {
    std::vector<std::string> texts;
    const Json* value = json_.Find(key);
    if (value == nullptr) return texts;
    if (!value->IsArray()) {
      return InvalidArgument("{}.{}: expected an array of strings, found {}", path_, key,
                             value->Dump());
    }
    for (const Json& item : value->AsArray()) {
      if (!item.IsString()) {
        return InvalidArgument("{}.{}: expected strings, found {}", path_, key, item.Dump());
      }
      texts.push_back(item.AsString());
    }
    return texts;
  }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  const Json& json_;
};

Result<std::vector<Step>> ParseSteps(const Table& table) {
  std::vector<Step> steps;
  for (const std::string& name : SW_TRY(table.Texts("steps"))) {
    const auto* step = std::ranges::find(kSteps, name, StepName);
    if (step == kSteps.end()) {
      return InvalidArgument("{}.steps: expected \"shadow\", \"canary\" or \"live\", found \"{}\"",
                             table.path(), name);
    }
    steps.push_back(*step);
  }
  const bool is_ordered = std::ranges::adjacent_find(steps, std::greater_equal{}) == steps.end();
  if (!steps.empty() && is_ordered && steps.back() == Step::kLive) return steps;
  return InvalidArgument(
      "{}.steps: expected \"shadow\" and \"canary\" at most once, in this order, and "
      "\"live\" last",
      table.path());
}

Result<std::vector<std::string>> ParseSlices(const Table& table) {
  std::vector<std::string> slices = SW_TRY(table.Texts("slices"));
  for (std::size_t i = 0; i < slices.size(); ++i) {
    const auto first = std::find(slices.begin(), slices.end(), slices[i]);
    if (slices[i].empty() || first != slices.begin() + static_cast<std::ptrdiff_t>(i)) {
      return InvalidArgument("{}.slices: expected columns, each once, found \"{}\"", table.path(),
                             slices[i]);
    }
  }
  return slices;
}

}  // namespace

std::string_view StepName(Step step) {
  switch (step) {
    case Step::kShadow:
      return "shadow";
    case Step::kCanary:
      return "canary";
    case Step::kLive:
      return "live";
  }
  return "live";
}

Result<Plan> ParsePlan(std::string_view name, const Json& config) {
  const Table table(fmt::format("rollout.{}", name), config);
  SW_TRY(table.CheckKeys());
  Plan plan;
  plan.name = name;
  plan.endpoint = config.StringOr("endpoint", "");
  if (plan.endpoint.empty())
    return InvalidArgument("{}.endpoint: expected an endpoint's name", table.path());
  plan.steps = SW_TRY(ParseSteps(table));
  constexpr double kSmallest = 1e-6;
  plan.canary_share = SW_TRY(table.Number("canary_share", plan.canary_share, kSmallest, 1));
  plan.alpha = SW_TRY(table.Number("alpha", plan.alpha, kSmallest, 0.5));
  // The whole range of a difference of losses is 1; a tolerance near to it tests nothing.
  constexpr double kToleranceMax = 0.5;
  plan.max_loss_increase =
      SW_TRY(table.Number("max_loss_increase", plan.max_loss_increase, 0, kToleranceMax));
  plan.harm_loss_increase =
      SW_TRY(table.Number("harm_loss_increase", plan.max_loss_increase, 0, plan.max_loss_increase));
  plan.max_slice_loss_increase = SW_TRY(table.Number(
      "max_slice_loss_increase", std::min(kToleranceMax, kSliceTolerances * plan.max_loss_increase),
      0, kToleranceMax));
  plan.slices = SW_TRY(ParseSlices(table));
  plan.max_time = SW_TRY(table.Duration("max_time"));
  plan.unpaired_share_max =
      SW_TRY(table.Number("unpaired_share_max", plan.unpaired_share_max, 0, 1));
  constexpr double kDesignEffectMax = 100;
  plan.design_effect =
      SW_TRY(table.Number("design_effect", plan.design_effect, 1, kDesignEffectMax));
  return plan;
}

Json PlanToJson(const Plan& plan) {
  Json steps = Json::MakeArray();
  for (const Step step : plan.steps) steps.Append(StepName(step));
  return Json::MakeObject({{"endpoint", plan.endpoint},
                           {"steps", std::move(steps)},
                           {"canary_share", plan.canary_share},
                           {"alpha", plan.alpha},
                           {"max_loss_increase", plan.max_loss_increase},
                           {"harm_loss_increase", plan.harm_loss_increase},
                           {"max_slice_loss_increase", plan.max_slice_loss_increase},
                           {"slices", Json::FromRange(plan.slices)},
                           {"max_time", base::FormatDuration(plan.max_time)},
                           {"unpaired_share_max", plan.unpaired_share_max},
                           {"design_effect", plan.design_effect}});
}

AlphaSplit SplitAlpha(const Plan& plan) {
  const auto judged =
      std::ranges::count_if(plan.steps, [](Step step) { return step != Step::kLive; });
  const double harm = plan.alpha / 2 / static_cast<double>(std::max<std::ptrdiff_t>(1, judged));
  const bool has_slices = !plan.slices.empty();
  return {.harm = has_slices ? harm / 2 : harm,
          .slices = has_slices ? harm / 2 : 0,
          .safe = plan.alpha / 2};
}

}  // namespace sw::rollout
