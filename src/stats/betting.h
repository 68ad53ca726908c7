// Anytime-valid inference on the mean of a bounded quantity: look after every value, stop whenever
// you like, and the error rate still holds. Nothing is assumed but the range, and that each
// value's mean *given the past* obeys the null. For one fixed sample that is looked at once,
// intervals.h is narrower.
//
//   // Is the challenger's loss larger? Paired differences of two losses in [0, 1].
//   BettingTest harm = SW_TRY(BettingTest::Create(Null::kMeanAtMost, 0.0, {-1, 1}));
//   for (double difference : stream) {
//     SW_TRY(harm.Add(difference));
//     if (harm.LogE() >= LogThreshold(0.01)) return RollBack();  // false at most once in 100
//   }
//
// The wealth after n values is the average over a grid of fractions c of
// prod(1 - c + c * x / m), x and m scaled to [0, 1]: a bet of a fixed share c of the largest bet
// that cannot go bankrupt (Waudby-Smith and Ramdas 2024, "Estimating means of bounded random
// variables by betting", sections 4 and 5.4, arXiv 2010.09686). Fixed shares make the wealth
// independent of the order of the values, mergeable, and monotone in m, so that bounds are exact
// by bisection.
//
// Every class here keeps its state in a plain struct that a caller may save and give back. Values
// that are not finite or out of range are refused and change nothing. One owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "base/result.h"
#include "stats/interval.h"

namespace sw::stats {

inline constexpr std::size_t kBets = 16;

enum class Null : std::uint8_t {
  kMeanAtMost,   // H0: mean <= m; evidence grows when values are larger
  kMeanAtLeast,  // H0: mean >= m; evidence grows when values are smaller
};

// What is tested: a finite range and an m inside of it, by a billionth of its width or more.
struct Hypothesis {
  Null null = Null::kMeanAtMost;
  double m = 0;
  Interval range = {0, 1};
  bool operator==(const Hypothesis&) const = default;
};

// ln(1 / alpha): reject when LogE() reaches it (Ville's inequality).
double LogThreshold(double alpha);

// An e-process: E[e at any stopping time] <= 1 under the null.
class BettingTest {
 public:
  struct State {
    std::uint64_t count = 0;
    std::array<double, kBets> log_wealth{};
    bool operator==(const State&) const = default;
  };

  static Result<BettingTest> Create(Null null, double m, Interval range = {0, 1});
  static Result<BettingTest> Restore(const Hypothesis& hypothesis, const State& state);

  Status Add(double x);

  // Adds the values that another test of the same hypothesis saw; valid when each value's mean
  // given everything that either test saw before obeys the null.
  Status Merge(const BettingTest& other);

  double LogE() const;
  std::uint64_t Count() const { return state_.count; }
  const Hypothesis& hypothesis() const { return hypothesis_; }
  const State& state() const { return state_; }

 private:
  explicit BettingTest(const Hypothesis& hypothesis) : hypothesis_(hypothesis) {}

  Hypothesis hypothesis_;
  State state_;
};

// A confidence sequence for the mean: with probability 1 - alpha, the bounds hold the mean after
// *every* value. Values are kept as counts on a grid of kCells cells of the range, rounded towards
// the safe side for each bound: memory is bounded and the cost at most range / kCells of width.
// Add costs under a microsecond; a bound up to 20 ms when every cell is taken.
class MeanSequence {
 public:
  static constexpr std::uint32_t kCells = 1U << 14;

  struct State {
    std::uint64_t count = 0;
    double sum = 0;
    // Cell to count, of values rounded down (floors) and up (ceilings).
    std::map<std::uint32_t, std::uint64_t> floors;
    std::map<std::uint32_t, std::uint64_t> ceilings;
    bool operator==(const State&) const = default;
  };

  static Result<MeanSequence> Create(Interval range = {0, 1});
  static Result<MeanSequence> Restore(Interval range, State state);

  Status Add(double x);
  Status Merge(const MeanSequence& other);

  // Two-sided: the hedge puts half of alpha on each side. Requires 0 < alpha < 1.
  Interval Bounds(double alpha) const;
  double LowerBound(double alpha) const;
  double UpperBound(double alpha) const;

  double Mean() const;  // the middle of the range when nothing was added
  std::uint64_t Count() const { return state_.count; }
  const State& state() const { return state_; }

 private:
  explicit MeanSequence(Interval range) : range_(range) {}

  Interval range_;
  State state_;
};

// The predictable plug-in empirical-Bernstein confidence sequence (Waudby-Smith and Ramdas 2024,
// theorem 2): constant memory and a closed form, wider than MeanSequence.
class EmpiricalBernsteinSequence {
 public:
  struct State {
    std::uint64_t count = 0;
    double sum = 0;            // of scaled values
    double squared_error = 0;  // sum of (x - running mean)^2
    double weight = 0;         // sum of lambda
    double weighted_sum = 0;   // sum of lambda * x
    double penalty = 0;        // sum of (x - previous mean)^2 * psi(lambda)
    bool operator==(const State&) const = default;
  };

  static Result<EmpiricalBernsteinSequence> Create(double alpha, Interval range = {0, 1});

  Status Add(double x);
  Interval Bounds() const;
  const State& state() const { return state_; }

 private:
  EmpiricalBernsteinSequence(double alpha, Interval range) : alpha_(alpha), range_(range) {}

  double alpha_;
  Interval range_;
  State state_;
};

// Detects that the null stopped being true, at a moment not known: M = max(M, 1) * L for each bet,
// averaged (the e-CUSUM of Shin, Ramdas and Rinaldo 2024, "E-detectors", arXiv 2203.03532). An
// alarm at 1/alpha comes on average no sooner than after 1/alpha values while the null holds.
class EDetector {
 public:
  struct State {
    std::uint64_t count = 0;
    std::array<double, kBets> log_wealth{};
    std::array<std::uint64_t, kBets> started{};  // values seen before each bet's last restart
    bool operator==(const State&) const = default;
  };

  static Result<EDetector> Create(Null null, double m, Interval range = {0, 1});
  static Result<EDetector> Restore(const Hypothesis& hypothesis, const State& state);

  Status Add(double x);
  double LogE() const;

  // The number of values that came before the change, as the strongest bet has it: an estimate,
  // without a guarantee.
  std::uint64_t ChangePoint() const;

  void Reset() { state_ = State{}; }
  const Hypothesis& hypothesis() const { return hypothesis_; }
  const State& state() const { return state_; }

 private:
  explicit EDetector(const Hypothesis& hypothesis) : hypothesis_(hypothesis) {}

  Hypothesis hypothesis_;
  State state_;
};

// The indices, ascending, of the hypotheses that e-BH rejects: false discovery rate <= alpha under
// any dependence (Wang and Ramdas 2022, "False discovery rate control with e-values"). Takes
// natural logarithms of e-values; NaN counts as no evidence.
std::vector<std::size_t> EBenjaminiHochberg(std::span<const double> log_e, double alpha);

}  // namespace sw::stats
