#include "stats/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/errors.h"

namespace sw::stats {
namespace {

// Row numbers by falling score.
std::vector<std::size_t> OrderByFallingScore(std::span<const double> scores) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  return order;
}

// The rows whose score is at least this distinct score.
struct Cut {
  double score = 0;
  std::uint64_t positives = 0;
  std::uint64_t negatives = 0;
};

// One for each distinct score, falling; cumulative.
std::vector<Cut> Cuts(const Scored& rows) {
  std::vector<Cut> cuts;
  Cut running;
  for (const std::size_t i : OrderByFallingScore(rows.scores)) {
    if (cuts.empty() || rows.scores[i] != cuts.back().score) cuts.emplace_back();
    running.score = rows.scores[i];
    ++(rows.labels[i] != 0 ? running.positives : running.negatives);
    cuts.back() = running;
  }
  return cuts;
}

double JustBeyond(double score) {
  return std::nextafter(score, std::numeric_limits<double>::infinity());
}

// A threshold that parts two neighbouring scores, far from both so that the last bit of a score
// computed elsewhere decides nothing.
double Between(double lower, double upper) {
  const double middle = lower / 2 + upper / 2;
  return middle > lower && middle <= upper ? middle : upper;
}

// Sums f(score, label) over the rows, divided by their number.
template <typename F>
double MeanOver(const Scored& rows, F f) {
  double sum = 0;
  for (std::size_t i = 0; i < rows.scores.size(); ++i) sum += f(rows.scores[i], rows.labels[i]);
  return sum / static_cast<double>(rows.scores.size());
}

Status CheckCosts(const CostMatrix& c) {
  if (std::isfinite(c.true_negative) && std::isfinite(c.false_positive) &&
      std::isfinite(c.false_negative) && std::isfinite(c.true_positive)) {
    return Ok();
  }
  return InvalidArgument("a cost is not finite: TN {} FP {} FN {} TP {}", c.true_negative,
                         c.false_positive, c.false_negative, c.true_positive);
}

double CostAt(const Cut& cut, const Cut& all, const CostMatrix& c) {
  const auto fp = static_cast<double>(cut.negatives);
  const auto tp = static_cast<double>(cut.positives);
  const double tn = static_cast<double>(all.negatives) - fp;
  const double fn = static_cast<double>(all.positives) - tp;
  const double cost =
      tn * c.true_negative + fp * c.false_positive + fn * c.false_negative + tp * c.true_positive;
  return cost / static_cast<double>(all.positives + all.negatives);
}

Status CheckWeights(std::span<const double> weights, std::size_t rows) {
  if (weights.size() != rows) {
    return InvalidArgument("{} weights for {} scores; give one a row", weights.size(), rows);
  }
  for (const double w : weights) {
    if (!(std::isfinite(w) && w >= 0))
      return InvalidArgument("weight {} is not a finite number >= 0", w);
  }
  return Ok();
}

}  // namespace

Status CheckScored(const Scored& rows, bool probabilities) {
  if (rows.scores.empty()) return InvalidArgument("no rows to evaluate");
  if (rows.scores.size() != rows.labels.size()) {
    return InvalidArgument("{} scores but {} labels; give one label a score", rows.scores.size(),
                           rows.labels.size());
  }
  for (std::size_t i = 0; i < rows.scores.size(); ++i) {
    const double score = rows.scores[i];
    if (!std::isfinite(score)) return InvalidArgument("score {} in row {} is not finite", score, i);
    if (probabilities && !(score >= 0 && score <= 1)) {
      return InvalidArgument("score {} in row {} is not a probability; calibrate it first", score,
                             i);
    }
    if (rows.labels[i] > 1) {
      return InvalidArgument("label {} in row {} is not 0 or 1", static_cast<int>(rows.labels[i]),
                             i);
    }
  }
  return Ok();
}

Result<double> Auc(const Scored& rows) {
  SW_TRY(CheckScored(rows));
  const std::vector<Cut> cuts = Cuts(rows);
  const Cut& all = cuts.back();
  if (all.positives == 0 || all.negatives == 0) {
    return FailedPrecondition("AUC needs both classes, got {} positives and {} negatives",
                              all.positives, all.negatives);
  }
  // Counts twice the pairs in order; exact in doubles up to 2^53.
  double twice_ordered = 0;
  Cut before;
  for (const Cut& cut : cuts) {
    twice_ordered += static_cast<double>(cut.negatives - before.negatives) *
                     static_cast<double>(cut.positives + before.positives);
    before = cut;
  }
  return twice_ordered / 2 / static_cast<double>(all.positives) /
         static_cast<double>(all.negatives);
}

Result<double> WeightedAuc(std::span<const double> scores, std::span<const double> positive_weights,
                           std::span<const double> negative_weights) {
  SW_TRY(CheckWeights(positive_weights, scores.size()));
  SW_TRY(CheckWeights(negative_weights, scores.size()));
  for (const double score : scores) {
    if (!std::isfinite(score)) return InvalidArgument("score {} is not finite", score);
  }
  double ordered = 0;
  double positives = 0;
  double negatives = 0;
  const std::vector<std::size_t> order = OrderByFallingScore(scores);
  for (std::size_t i = 0; i < order.size();) {
    double tied_positives = 0;
    double tied_negatives = 0;
    const double score = scores[order[i]];
    for (; i < order.size() && scores[order[i]] == score; ++i) {
      tied_positives += positive_weights[order[i]];
      tied_negatives += negative_weights[order[i]];
    }
    ordered += tied_negatives * (positives + tied_positives / 2);
    positives += tied_positives;
    negatives += tied_negatives;
  }
  if (positives > 0 && negatives > 0) return ordered / positives / negatives;
  return FailedPrecondition("AUC needs both classes, got weights {} and {}", positives, negatives);
}

Result<double> LogLoss(const Scored& rows) {
  SW_TRY(CheckScored(rows, true));
  return MeanOver(rows, [](double score, std::uint8_t label) {
    constexpr double kClip = 1e-15;
    const double p = std::clamp(score, kClip, 1 - kClip);
    return label != 0 ? -std::log(p) : -std::log1p(-p);
  });
}

Result<double> Brier(const Scored& rows) {
  SW_TRY(CheckScored(rows, true));
  return MeanOver(
      rows, [](double score, std::uint8_t label) { return (score - label) * (score - label); });
}

Result<double> Accuracy(const Scored& rows, double threshold) {
  SW_TRY(CheckScored(rows));
  return MeanOver(rows, [threshold](double score, std::uint8_t label) {
    return (score >= threshold) == (label != 0) ? 1.0 : 0.0;
  });
}

Result<std::vector<CalibrationBin>> CalibrationTable(const Scored& rows, std::size_t bins) {
  constexpr std::size_t kBinsMax = 10'000;
  SW_TRY(CheckScored(rows, true));
  if (bins < 1 || bins > kBinsMax) return InvalidArgument("{} bins; give 1 to {}", bins, kBinsMax);
  std::vector<CalibrationBin> table(bins);
  const auto width = static_cast<double>(bins);
  for (std::size_t b = 0; b < bins; ++b) {
    table[b].low = static_cast<double>(b) / width;
    table[b].high = static_cast<double>(b + 1) / width;
  }
  for (std::size_t i = 0; i < rows.scores.size(); ++i) {
    auto b = std::min(bins - 1, static_cast<std::size_t>(rows.scores[i] * width));
    // The product may have rounded across an edge that the score lies just below.
    if (rows.scores[i] < table[b].low) --b;
    if (b + 1 < bins && rows.scores[i] >= table[b].high) ++b;
    ++table[b].count;
    table[b].mean_score += rows.scores[i];
    table[b].positive_share += rows.labels[i];
  }
  for (CalibrationBin& bin : table) {
    const auto n = static_cast<double>(std::max<std::uint64_t>(bin.count, 1));
    bin.mean_score /= n;
    bin.positive_share /= n;
  }
  return table;
}

double ExpectedCalibrationError(std::span<const CalibrationBin> bins) {
  double error = 0;
  double count = 0;
  for (const CalibrationBin& bin : bins) {
    const auto n = static_cast<double>(bin.count);
    error += n * std::abs(bin.positive_share - bin.mean_score);
    count += n;
  }
  return count > 0 ? error / count : 0;
}

Result<double> ExpectedCost(const Scored& rows, double threshold, const CostMatrix& costs) {
  SW_TRY(CheckScored(rows));
  SW_TRY(CheckCosts(costs));
  return MeanOver(rows, [&](double score, std::uint8_t label) {
    if (score >= threshold) return label != 0 ? costs.true_positive : costs.false_positive;
    return label != 0 ? costs.false_negative : costs.true_negative;
  });
}

Result<ThresholdChoice> BestThreshold(const Scored& rows, const CostMatrix& costs) {
  SW_TRY(CheckScored(rows));
  SW_TRY(CheckCosts(costs));
  const std::vector<Cut> cuts = Cuts(rows);
  const Cut& all = cuts.back();
  ThresholdChoice best{JustBeyond(cuts.front().score), CostAt(Cut{}, all, costs)};
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    const double cost = CostAt(cuts[i], all, costs);
    if (cost >= best.cost) continue;
    const bool last = i + 1 == cuts.size();
    best = {last ? cuts[i].score : Between(cuts[i + 1].score, cuts[i].score), cost};
  }
  return best;
}

Result<double> CalibratedThreshold(const CostMatrix& costs) {
  SW_TRY(CheckCosts(costs));
  const double false_positive = costs.false_positive - costs.true_negative;
  const double false_negative = costs.false_negative - costs.true_positive;
  if (false_positive > 0 && false_negative > 0) {
    return false_positive / (false_positive + false_negative);
  }
  return FailedPrecondition("an error must cost more than being right: FP - TN {}, FN - TP {}",
                            false_positive, false_negative);
}

Result<std::vector<RocPoint>> RocCurve(const Scored& rows, std::size_t points_max) {
  SW_TRY(CheckScored(rows));
  if (points_max < 2) return InvalidArgument("a curve of {} points; give 2 or more", points_max);
  const std::vector<Cut> cuts = Cuts(rows);
  const Cut& all = cuts.back();
  if (all.positives == 0 || all.negatives == 0) {
    return FailedPrecondition("ROC needs both classes, got {} positives and {} negatives",
                              all.positives, all.negatives);
  }
  std::vector<RocPoint> curve{{JustBeyond(cuts.front().score), 0, 0}};
  const std::size_t steps = std::min(cuts.size(), points_max - 1);
  for (std::size_t step = 1; step <= steps; ++step) {
    const Cut& cut = cuts[step * cuts.size() / steps - 1];
    curve.push_back({cut.score,
                     static_cast<double>(cut.negatives) / static_cast<double>(all.negatives),
                     static_cast<double>(cut.positives) / static_cast<double>(all.positives)});
  }
  return curve;
}

}  // namespace sw::stats
