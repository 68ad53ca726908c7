#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "base/errors.h"
#include "stats/distributions.h"
#include "stats/intervals.h"

namespace sw::stats {
namespace {

// Ranks from 1, ties sharing their average.
std::vector<double> MidRanks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i;
    while (end < order.size() && values[order[end]] == values[order[i]]) ++end;
    const double rank = static_cast<double>(i + 1 + end) / 2;
    for (; i < end; ++i) ranks[order[i]] = rank;
  }
  return ranks;
}

// Each positive's share of negatives below it, each negative's share of positives above it.
struct Components {
  double auc = 0;
  std::vector<double> positives;
  std::vector<double> negatives;
};

Result<Components> MakeComponents(const Scored& rows) {
  SW_TRY(CheckScored(rows));
  std::vector<double> all;  // positives, then negatives
  for (const int wanted : {1, 0}) {
    for (std::size_t i = 0; i < rows.scores.size(); ++i) {
      if (rows.labels[i] == wanted) all.push_back(rows.scores[i]);
    }
  }
  const auto m = static_cast<std::size_t>(std::count(rows.labels.begin(), rows.labels.end(), 1));
  const std::size_t n = all.size() - m;
  if (m < 2 || n < 2) {
    return FailedPrecondition("DeLong needs 2 rows of either class, got {} and {}", m, n);
  }
  const auto split = all.begin() + static_cast<std::ptrdiff_t>(m);
  const std::vector<double> ranks = MidRanks(all);
  const std::vector<double> among_positives = MidRanks({all.begin(), split});
  const std::vector<double> among_negatives = MidRanks({split, all.end()});
  Components c{0, std::vector<double>(m), std::vector<double>(n)};
  for (std::size_t i = 0; i < m; ++i) {
    c.positives[i] = (ranks[i] - among_positives[i]) / static_cast<double>(n);
    c.auc += c.positives[i] / static_cast<double>(m);
  }
  for (std::size_t j = 0; j < n; ++j) {
    c.negatives[j] = 1 - (ranks[m + j] - among_negatives[j]) / static_cast<double>(m);
  }
  return c;
}

double SampleVariance(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double sum = 0;
  for (const double v : values) sum += (v - mean) * (v - mean);
  return sum / (n - 1);
}

double Variance(const std::vector<double>& positives, const std::vector<double>& negatives) {
  return SampleVariance(positives) / static_cast<double>(positives.size()) +
         SampleVariance(negatives) / static_cast<double>(negatives.size());
}

std::vector<double> Minus(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> result(a.size());
  std::transform(a.begin(), a.end(), b.begin(), result.begin(), std::minus<>());
  return result;
}

Estimate Wald(double value, double standard_error, double confidence, const Interval& limits) {
  const double radius = NormalQuantile(0.5 + confidence / 2) * standard_error;
  return {value,
          standard_error,
          {std::max(limits.low, value - radius), std::min(limits.high, value + radius)}};
}

Status CheckConfidence(double confidence) {
  if (confidence > 0 && confidence < 1) return Ok();
  return InvalidArgument("confidence {} is not between 0 and 1; give 0.95 for 95 %", confidence);
}

}  // namespace

Result<Estimate> DelongAuc(const Scored& rows, double confidence) {
  SW_TRY(CheckConfidence(confidence));
  const Components c = SW_TRY(MakeComponents(rows));
  return Wald(c.auc, std::sqrt(Variance(c.positives, c.negatives)), confidence, {0, 1});
}

Result<AucDifference> DelongDifference(std::span<const double> first,
                                       std::span<const double> second,
                                       std::span<const std::uint8_t> labels, double confidence) {
  SW_TRY(CheckConfidence(confidence));
  const Components a = SW_TRY(MakeComponents({first, labels}));
  const Components b = SW_TRY(MakeComponents({second, labels}));
  // The variance of the difference is that of the differences, row by row.
  const double variance =
      Variance(Minus(b.positives, a.positives), Minus(b.negatives, a.negatives));
  const double standard_error = std::sqrt(variance);
  const double difference = b.auc - a.auc;
  const double p_value =
      standard_error > 0 ? 2 * NormalCdf(-std::abs(difference) / standard_error) : 1;
  return AucDifference{a.auc, b.auc, Wald(difference, standard_error, confidence, {-1, 1}),
                       p_value};
}

}  // namespace sw::stats
