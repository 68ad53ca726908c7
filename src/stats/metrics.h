// Metrics of a binary classifier: ranking (AUC, ROC), probability (log loss, Brier, calibration)
// and decision (accuracy, expected cost, best threshold).
//
//   Scored may{scores, labels};                       // borrowed
//   double auc = SW_TRY(Auc(may));
//   ThresholdChoice choice = SW_TRY(BestThreshold(may, {.false_positive = 1, .false_negative = 4}));
//
// Labels are 0 or 1. A row is decided positive when score >= threshold. Every function answers
// InvalidArgument for no rows, different lengths, a label other than 0 and 1 or a score that is
// not finite, and those that need probabilities for a score outside of [0, 1]. For intervals
// around these numbers see intervals.h. Pure functions; thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace sw::stats {

struct Scored {
  std::span<const double> scores;
  std::span<const std::uint8_t> labels;
};

// Checks what this header's opening asks of rows; with probabilities, also scores in [0, 1].
Status CheckScored(const Scored& rows, bool probabilities = false);

// P(score of a positive > score of a negative) + P(equal) / 2: the Mann-Whitney statistic, exact
// with ties, O(n log n). FailedPrecondition when only one class is there.
Result<double> Auc(const Scored& rows);

// The same, each row counting as a positive by one weight and as a negative by another, both
// finite and not negative. With p and 1 - p of a calibrated score this is the AUC expected without
// labels (CBPE, NannyML documentation).
Result<double> WeightedAuc(std::span<const double> scores, std::span<const double> positive_weights,
                           std::span<const double> negative_weights);

// Mean of -ln(probability of what happened); probabilities clipped to [1e-15, 1 - 1e-15].
Result<double> LogLoss(const Scored& rows);

// Mean of (score - label)^2 (Brier 1950).
Result<double> Brier(const Scored& rows);

Result<double> Accuracy(const Scored& rows, double threshold = 0.5);

struct CalibrationBin {
  double low = 0;  // scores in [low, high), the last bin closed
  double high = 0;
  std::uint64_t count = 0;
  double mean_score = 0;      // 0 when count is 0
  double positive_share = 0;  // 0 when count is 0
  bool operator==(const CalibrationBin&) const = default;
};

// Bins of equal width over [0, 1], empty ones included; requires bins between 1 and 10,000.
Result<std::vector<CalibrationBin>> CalibrationTable(const Scored& rows, std::size_t bins = 10);

// Average over rows of |positive_share - mean_score| of their bin (Naeini et al. 2015); 0 for no
// rows.
double ExpectedCalibrationError(std::span<const CalibrationBin> bins);

// The cost of each outcome, in the user's unit.
struct CostMatrix {
  double true_negative = 0;
  double false_positive = 1;
  double false_negative = 1;
  double true_positive = 0;
  bool operator==(const CostMatrix&) const = default;
};

// Cost per row.
Result<double> ExpectedCost(const Scored& rows, double threshold, const CostMatrix& costs);

struct ThresholdChoice {
  double threshold = 0;
  double cost = 0;  // per row, on the rows it was chosen on: optimistic there
  bool operator==(const ThresholdChoice&) const = default;
};

// The threshold with the least expected cost; the largest of equals (fewest positive decisions).
// It lies halfway between two neighbouring scores, or just beyond the largest.
Result<ThresholdChoice> BestThreshold(const Scored& rows, const CostMatrix& costs);

// The best threshold for a calibrated score (Elkan 2001, "The foundations of cost-sensitive
// learning", equation 2). FailedPrecondition when an error costs no more than being right.
Result<double> CalibratedThreshold(const CostMatrix& costs);

struct RocPoint {
  double threshold = 0;  // the first point's lies just beyond the largest score
  double false_positive_rate = 0;
  double true_positive_rate = 0;
  bool operator==(const RocPoint&) const = default;
};

// From (0, 0) to (1, 1), a point for each distinct score; thinned evenly to at most points_max
// (>= 2), both ends kept. FailedPrecondition when only one class is there.
Result<std::vector<RocPoint>> RocCurve(const Scored& rows, std::size_t points_max);

}  // namespace sw::stats
