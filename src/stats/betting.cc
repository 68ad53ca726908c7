#include "stats/betting.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "base/errors.h"

namespace sw::stats {
namespace {

// A factor of 0.6 from bet to bet loses under a tenth of the best bet's growth in between; the
// smallest bet suits some millions of values. Below 1, so that no single value bankrupts a bet.
constexpr double kLargestShare = 0.95;
constexpr double kShareStep = 0.6;

constexpr std::array<double, kBets> MakeShares() {
  std::array<double, kBets> shares{};
  double share = kLargestShare;
  for (double& s : shares) {
    s = share;
    share *= kShareStep;
  }
  return shares;
}
constexpr std::array<double, kBets> kShares = MakeShares();

// ln of the average of exp(values), without overflow.
double LogMeanExp(const std::array<double, kBets>& values) {
  const double largest = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (double v : values) sum += std::exp(v - largest);
  return largest + std::log(sum / kBets);
}

double Scale(double x, const Interval& range) { return (x - range.low) / (range.high - range.low); }

Status CheckRange(const Interval& range) {
  if (std::isfinite(range.low) && std::isfinite(range.high) && range.low < range.high &&
      std::isfinite(range.high - range.low)) {
    return Ok();
  }
  return InvalidArgument("range [{}, {}] is not a finite interval; give low < high", range.low,
                         range.high);
}

Status CheckValue(double x, const Interval& range) {
  if (x >= range.low && x <= range.high) return Ok();  // false for NaN
  return InvalidArgument("value {} is outside of the declared range [{}, {}]; clip it or widen it",
                         x, range.low, range.high);
}

Status CheckHypothesis(const Hypothesis& h) {
  SW_TRY(CheckRange(h.range));
  // Nearer to an end than this, one value's payoff would leave the range of a double's exponent.
  constexpr double kMarginMin = 1e-9;
  const double m = Scale(h.m, h.range);
  if (m >= kMarginMin && m <= 1 - kMarginMin) return Ok();
  return InvalidArgument("mean {} is not strictly inside of the range [{}, {}]", h.m, h.range.low,
                         h.range.high);
}

// Returns x / m for values that speak against the null when large, in [0, inf); 1 is neutral.
double Odds(double x, const Hypothesis& h) {
  if (h.null == Null::kMeanAtMost) return (x - h.range.low) / (h.m - h.range.low);
  return (h.range.high - x) / (h.range.high - h.m);
}

bool AllFinite(const std::array<double, kBets>& values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

using Cells = std::map<std::uint32_t, std::uint64_t>;

// ln of the wealth against "mean <= m" (scaled) of values counted by cell; decreasing in m.
// Mirrored, it sees every value x as 1 - x.
double LogWealth(const Cells& cells, bool mirrored, double m) {
  std::array<double, kBets> log_wealth{};
  for (const auto& [cell, count] : cells) {
    const auto place = static_cast<double>(mirrored ? MeanSequence::kCells - cell : cell);
    const double excess = place / MeanSequence::kCells / m - 1;
    for (std::size_t k = 0; k < kBets; ++k) {
      log_wealth[k] += static_cast<double>(count) * std::log1p(kShares[k] * excess);
    }
  }
  return LogMeanExp(log_wealth);
}

// The largest m, rounded down, that is still rejected as an upper limit of the mean.
double ScaledLowerBound(const Cells& cells, bool mirrored, double alpha) {
  const double threshold = LogThreshold(alpha);
  double low = 0;
  double high = 1;
  constexpr int kHalvings = 24;  // far finer than a cell
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    (LogWealth(cells, mirrored, middle) >= threshold ? low : high) = middle;
  }
  return low;
}

void AddCells(Cells& into, const Cells& from) {
  for (const auto& [cell, count] : from) into[cell] += count;
}

Status CheckCells(const Cells& cells, std::uint64_t count) {
  std::uint64_t total = 0;
  for (const auto& [cell, n] : cells) {
    if (cell > MeanSequence::kCells || n > count - total) {
      return InvalidArgument("saved mean sequence is damaged at cell {}", cell);
    }
    total += n;
  }
  if (total == count) return Ok();
  return InvalidArgument("saved mean sequence counts {} values in its cells, {} in all", total,
                         count);
}

}  // namespace

double LogThreshold(double alpha) { return -std::log(alpha); }

Result<BettingTest> BettingTest::Create(Null null, double m, Interval range) {
  return Restore({null, m, range}, State{});
}

Result<BettingTest> BettingTest::Restore(const Hypothesis& hypothesis, const State& state) {
  SW_TRY(CheckHypothesis(hypothesis));
  if (!AllFinite(state.log_wealth)) return InvalidArgument("saved betting test is not finite");
  BettingTest test(hypothesis);
  test.state_ = state;
  return test;
}

Status BettingTest::Add(double x) {
  SW_TRY(CheckValue(x, hypothesis_.range));
  const double excess = Odds(x, hypothesis_) - 1;
  for (std::size_t k = 0; k < kBets; ++k) state_.log_wealth[k] += std::log1p(kShares[k] * excess);
  ++state_.count;
  return Ok();
}

Status BettingTest::Merge(const BettingTest& other) {
  if (hypothesis_ != other.hypothesis_) {
    return InvalidArgument("tests of different hypotheses do not merge (means {} and {})",
                           hypothesis_.m, other.hypothesis_.m);
  }
  for (std::size_t k = 0; k < kBets; ++k) state_.log_wealth[k] += other.state_.log_wealth[k];
  state_.count += other.state_.count;
  return Ok();
}

double BettingTest::LogE() const { return LogMeanExp(state_.log_wealth); }

Result<MeanSequence> MeanSequence::Create(Interval range) { return Restore(range, State{}); }

Result<MeanSequence> MeanSequence::Restore(Interval range, State state) {
  SW_TRY(CheckRange(range));
  SW_TRY(CheckCells(state.floors, state.count));
  SW_TRY(CheckCells(state.ceilings, state.count));
  if (!std::isfinite(state.sum)) return InvalidArgument("saved mean sequence is not finite");
  MeanSequence sequence(range);
  sequence.state_ = std::move(state);
  return sequence;
}

Status MeanSequence::Add(double x) {
  SW_TRY(CheckValue(x, range_));
  const double place = Scale(x, range_) * kCells;
  ++state_.floors[static_cast<std::uint32_t>(std::floor(place))];
  ++state_.ceilings[std::min(kCells, static_cast<std::uint32_t>(std::ceil(place)))];
  state_.sum += x;
  ++state_.count;
  return Ok();
}

Status MeanSequence::Merge(const MeanSequence& other) {
  if (range_ != other.range_) {
    return InvalidArgument(
        "mean sequences of different ranges do not merge ([{}, {}] and [{}, {}])", range_.low,
        range_.high, other.range_.low, other.range_.high);
  }
  AddCells(state_.floors, other.state_.floors);
  AddCells(state_.ceilings, other.state_.ceilings);
  state_.sum += other.state_.sum;
  state_.count += other.state_.count;
  return Ok();
}

Interval MeanSequence::Bounds(double alpha) const {
  return {LowerBound(alpha / 2), UpperBound(alpha / 2)};
}

double MeanSequence::LowerBound(double alpha) const {
  return range_.low + ScaledLowerBound(state_.floors, false, alpha) * (range_.high - range_.low);
}

double MeanSequence::UpperBound(double alpha) const {
  return range_.high - ScaledLowerBound(state_.ceilings, true, alpha) * (range_.high - range_.low);
}

double MeanSequence::Mean() const {
  if (state_.count == 0) return range_.low + (range_.high - range_.low) / 2;
  return state_.sum / static_cast<double>(state_.count);
}

Result<EmpiricalBernsteinSequence> EmpiricalBernsteinSequence::Create(double alpha,
                                                                      Interval range) {
  SW_TRY(CheckRange(range));
  if (!(alpha > 0 && alpha < 1)) return InvalidArgument("alpha {} is not between 0 and 1", alpha);
  return EmpiricalBernsteinSequence(alpha, range);
}

Status EmpiricalBernsteinSequence::Add(double x) {
  SW_TRY(CheckValue(x, range_));
  constexpr double kLambdaMax = 0.5;
  const double scaled = Scale(x, range_);
  const auto t = static_cast<double>(state_.count + 1);
  // Mean and variance of the values before this one, shrunk to 1/2 and 1/4, so that lambda is
  // predictable: it must not depend on x.
  const double mean_before = (0.5 + state_.sum) / t;
  const double variance_before = (0.25 + state_.squared_error) / t;
  const double lambda = std::min(
      kLambdaMax, std::sqrt(2 * std::log(2 / alpha_) / (variance_before * t * std::log1p(t))));
  const double error = scaled - mean_before;
  state_.weight += lambda;
  state_.weighted_sum += lambda * scaled;
  state_.penalty += error * error * (-std::log1p(-lambda) - lambda);
  state_.sum += scaled;
  const double mean_after = (0.5 + state_.sum) / (t + 1);
  state_.squared_error += (scaled - mean_after) * (scaled - mean_after);
  ++state_.count;
  return Ok();
}

Interval EmpiricalBernsteinSequence::Bounds() const {
  if (state_.count == 0) return range_;
  const double centre = state_.weighted_sum / state_.weight;
  const double radius = (std::log(2 / alpha_) + state_.penalty) / state_.weight;
  const double span = range_.high - range_.low;
  return {range_.low + span * std::clamp(centre - radius, 0.0, 1.0),
          range_.low + span * std::clamp(centre + radius, 0.0, 1.0)};
}

Result<EDetector> EDetector::Create(Null null, double m, Interval range) {
  return Restore({null, m, range}, State{});
}

Result<EDetector> EDetector::Restore(const Hypothesis& hypothesis, const State& state) {
  SW_TRY(CheckHypothesis(hypothesis));
  if (!AllFinite(state.log_wealth)) return InvalidArgument("saved detector is not finite");
  EDetector detector(hypothesis);
  detector.state_ = state;
  return detector;
}

Status EDetector::Add(double x) {
  SW_TRY(CheckValue(x, hypothesis_.range));
  const double excess = Odds(x, hypothesis_) - 1;
  for (std::size_t k = 0; k < kBets; ++k) {
    double& wealth = state_.log_wealth[k];
    if (wealth <= 0) {
      wealth = 0;
      state_.started[k] = state_.count;
    }
    wealth += std::log1p(kShares[k] * excess);
  }
  ++state_.count;
  return Ok();
}

double EDetector::LogE() const { return LogMeanExp(state_.log_wealth); }

std::uint64_t EDetector::ChangePoint() const {
  const auto strongest = std::max_element(state_.log_wealth.begin(), state_.log_wealth.end());
  return state_.started[static_cast<std::size_t>(strongest - state_.log_wealth.begin())];
}

std::vector<std::size_t> EBenjaminiHochberg(std::span<const double> log_e, double alpha) {
  const auto evidence = [&](std::size_t i) {
    return std::isnan(log_e[i]) ? -std::numeric_limits<double>::infinity() : log_e[i];
  };
  std::vector<std::size_t> order(log_e.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return evidence(a) > evidence(b); });
  const auto n = static_cast<double>(order.size());
  std::size_t rejected = 0;
  for (std::size_t k = 1; k <= order.size(); ++k) {
    if (evidence(order[k - 1]) >= std::log(n / (static_cast<double>(k) * alpha))) rejected = k;
  }
  order.resize(rejected);
  std::sort(order.begin(), order.end());
  return order;
}

}  // namespace sw::stats
