#include "rollout/evidence.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/errors.h"

namespace sw::rollout {
namespace {

constexpr stats::Interval kRange = {-1, 1};
constexpr double kIntervalAlpha = 0.05;

bool IsLoss(double loss) { return loss >= 0 && loss <= 1; }  // false for NaN

// Sums to one over k = 1, 2, 3, ...
double ShareOfAppearance(std::uint64_t k) {
  return 1.0 / (static_cast<double>(k) * static_cast<double>(k + 1));
}

Status CheckPolicy(const EvidencePolicy& policy) {
  const auto is_level = [](double alpha) { return alpha > 0 && alpha < 1; };
  if (!is_level(policy.alpha.harm) || !is_level(policy.alpha.safe)) {
    return InvalidArgument("levels {} (harm) and {} (safe) are not between 0 and 1",
                           policy.alpha.harm, policy.alpha.safe);
  }
  if (!policy.slices.empty() && !is_level(policy.alpha.slices)) {
    return InvalidArgument("level {} of the slices is not between 0 and 1", policy.alpha.slices);
  }
  if (!(policy.design_effect >= 1) || !std::isfinite(policy.design_effect)) {
    return InvalidArgument("design effect {} is not at least 1", policy.design_effect);
  }
  return Ok();
}

// The level at which an interval for independent values holds for values with a design effect.
double TemperedAlpha(double design_effect) { return std::pow(kIntervalAlpha, design_effect); }

bool IsWorse(const PairedEvidence::SliceValue& a, const PairedEvidence::SliceValue& b) {
  const bool a_found = a.tested.harm_after > 0;
  const bool b_found = b.tested.harm_after > 0;
  if (a_found != b_found) return a_found;
  if (a_found) return a.tested.mean_increase > b.tested.mean_increase;
  return a.tested.log_e_harm > b.tested.log_e_harm;
}

}  // namespace

EvidencePolicy PolicyOf(const Plan& plan, Step step) {
  const double share = step == Step::kCanary ? plan.canary_share : 1;
  return {.alpha = SplitAlpha(plan),
          .max_loss_increase = plan.max_loss_increase,
          .harm_loss_increase = plan.harm_loss_increase,
          .max_slice_loss_increase = plan.max_slice_loss_increase,
          .slices = plan.slices,
          .unpaired_share_max = plan.unpaired_share_max,
          .design_effect = 1 + (plan.design_effect - 1) * share};
}

PairedEvidence::PairedEvidence(EvidencePolicy policy, stats::BettingTest harm,
                               stats::BettingTest safe, stats::MeanSequence increase)
    : policy_(std::move(policy)),
      harm_(std::move(harm)),
      safe_(std::move(safe)),
      increase_(std::move(increase)),
      columns_(policy_.slices.size()) {}

Result<PairedEvidence> PairedEvidence::Create(EvidencePolicy policy) {
  SW_TRY(CheckPolicy(policy));
  using stats::BettingTest;
  using stats::Null;
  // Refuses a slice's tolerance now rather than at the slice's first pair.
  SW_TRY(BettingTest::Create(Null::kMeanAtMost, policy.max_slice_loss_increase, kRange));
  BettingTest harm =
      SW_TRY(BettingTest::Create(Null::kMeanAtMost, policy.harm_loss_increase, kRange));
  BettingTest safe =
      SW_TRY(BettingTest::Create(Null::kMeanAtLeast, policy.max_loss_increase, kRange));
  stats::MeanSequence increase = SW_TRY(stats::MeanSequence::Create(kRange));
  return PairedEvidence(std::move(policy), std::move(harm), std::move(safe), std::move(increase));
}

Status PairedEvidence::Add(const LossPair& pair) {
  if (!IsLoss(pair.loss_live) || !IsLoss(pair.loss_candidate)) {
    return InvalidArgument("losses {} (live) and {} (candidate) are not both between 0 and 1",
                           pair.loss_live, pair.loss_candidate);
  }
  if (pair.slices.size() != policy_.slices.size()) {
    return InvalidArgument("a pair has {} slice values, expected {}: one a column ({})",
                           pair.slices.size(), policy_.slices.size(),
                           fmt::join(policy_.slices, ", "));
  }
  const double increase = pair.loss_candidate - pair.loss_live;
  SW_TRY(harm_.Add(increase));
  SW_TRY(safe_.Add(increase));
  SW_TRY(increase_.Add(increase));
  sum_of_squares_ += increase * increase;
  Day& day = days_[pair.time / base::kDayUs];
  day.pairs += 1;
  day.sum += increase;
  const bool is_harm = LogE(harm_) >= stats::LogThreshold(policy_.alpha.harm);
  const bool is_safe = LogE(safe_) >= stats::LogThreshold(policy_.alpha.safe);
  if (harm_after_ == 0 && is_harm) harm_after_ = Pairs();
  if (safe_after_ == 0 && is_safe) safe_after_ = Pairs();
  for (std::size_t i = 0; i < pair.slices.size(); ++i) {
    SW_TRY(AddToSlice(columns_[i], pair.slices[i], increase));
  }
  return Ok();
}

double PairedEvidence::LogE(const stats::BettingTest& test) const {
  if (policy_.design_effect == 1) return test.LogE();
  const auto& log_wealth = test.state().log_wealth;
  const double largest = std::ranges::max(log_wealth);
  double sum = 0;
  for (const double each : log_wealth) sum += std::exp((each - largest) / policy_.design_effect);
  return largest / policy_.design_effect + std::log(sum / static_cast<double>(log_wealth.size()));
}

Result<PairedEvidence::Guard> PairedEvidence::MakeGuard(std::size_t appearance) const {
  const double column_alpha = policy_.alpha.slices / static_cast<double>(policy_.slices.size());
  return Guard{.alpha = column_alpha * ShareOfAppearance(appearance),
               .harm = SW_TRY(stats::BettingTest::Create(stats::Null::kMeanAtMost,
                                                         policy_.max_slice_loss_increase, kRange)),
               .increase = SW_TRY(stats::EmpiricalBernsteinSequence::Create(
                   TemperedAlpha(policy_.design_effect), kRange))};
}

Status PairedEvidence::AddToSlice(Column& column, const std::string& value, double increase) {
  auto found = column.guards.find(value);
  if (found == column.guards.end()) {
    if (column.guards.size() >= policy_.slice_values_max) {
      ++column.unguarded;
      return Ok();
    }
    Guard guard = SW_TRY(MakeGuard(column.guards.size() + 1));
    found = column.guards.emplace(value, std::move(guard)).first;
  }
  Guard& guard = found->second;
  SW_TRY(guard.harm.Add(increase));
  SW_TRY(guard.increase.Add(increase));
  const bool crosses = LogE(guard.harm) >= stats::LogThreshold(guard.alpha);
  if (guard.harm_after == 0 && crosses) guard.harm_after = Pairs();
  return Ok();
}

PairedEvidence::Tested PairedEvidence::Overall() const {
  return {.pairs = Pairs(),
          .mean_increase = Pairs() == 0 ? 0 : increase_.Mean(),
          .interval = increase_.Bounds(TemperedAlpha(policy_.design_effect)),
          .log_e_harm = LogE(harm_),
          .harm_after = harm_after_};
}

std::vector<PairedEvidence::SliceValue> PairedEvidence::Slices() const {
  std::vector<SliceValue> slices;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    for (const auto& [value, guard] : columns_[i].guards) {
      const auto pairs = static_cast<double>(guard.increase.state().count);
      // The sequence sums values scaled from [-1, 1] to [0, 1].
      const double mean =
          guard.increase.state().sum / pairs * (kRange.high - kRange.low) + kRange.low;
      slices.push_back({.column = policy_.slices[i],
                        .value = value,
                        .alpha = guard.alpha,
                        .tested = {.pairs = guard.increase.state().count,
                                   .mean_increase = mean,
                                   .interval = guard.increase.Bounds(),
                                   .log_e_harm = LogE(guard.harm),
                                   .harm_after = guard.harm_after}});
    }
  }
  std::ranges::stable_sort(slices, IsWorse);
  return slices;
}

std::optional<PairedEvidence::SliceValue> PairedEvidence::WorstSlice() const {
  std::vector<SliceValue> slices = Slices();
  if (slices.empty() || slices.front().tested.log_e_harm <= 0) return std::nullopt;
  return std::move(slices.front());
}

double PairedEvidence::UnpairedShare() const {
  const auto pairs = static_cast<double>(Pairs());
  const auto unpaired = static_cast<double>(unpaired_);
  return unpaired == 0 ? 0 : unpaired / (pairs + unpaired);
}

std::uint64_t PairedEvidence::HarmAfter() const {
  std::uint64_t first = harm_after_;
  for (const Column& column : columns_) {
    for (const auto& [value, guard] : column.guards) {
      if (guard.harm_after > 0 && (first == 0 || guard.harm_after < first))
        first = guard.harm_after;
    }
  }
  return first;
}

std::optional<double> PairedEvidence::ObservedDesignEffect() const {
  constexpr std::size_t kDaysMin = 5;
  if (days_.size() < kDaysMin) return std::nullopt;
  const auto pairs = static_cast<double>(Pairs());
  double sum = 0;
  for (const auto& [index, day] : days_) sum += day.sum;
  const double mean = sum / pairs;
  double between = 0;
  for (const auto& [index, day] : days_) {
    const double excess = day.sum - day.pairs * mean;
    between += excess * excess;
  }
  const double squares = sum_of_squares_ - pairs * mean * mean;
  if (!(squares > 0)) return std::nullopt;
  const auto days = static_cast<double>(days_.size());
  return between / squares * days / (days - 1);
}

stats::Verdict PairedEvidence::Decide() const {
  if (HarmAfter() > 0) return stats::Verdict::kFail;
  if (safe_after_ > 0 && UnpairedShare() <= policy_.unpaired_share_max)
    return stats::Verdict::kPass;
  return stats::Verdict::kUndecided;
}

}  // namespace sw::rollout
