#include "eval/auc.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>
#include <vector>

#include "base/errors.h"
#include "eval/cluster_mean.h"

namespace sw::eval {
namespace {

struct Placements {
  std::vector<double> of_row;  // share of the other class that a row beats, ties half
  double positives = 0;
  double negatives = 0;
};

Placements Place(const stats::Scored& rows) {
  const std::size_t count = rows.scores.size();
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return rows.scores[a] < rows.scores[b]; });
  Placements made{.of_row = std::vector<double>(count)};
  for (const std::uint8_t label : rows.labels) ++(label != 0 ? made.positives : made.negatives);
  double positives_below = 0;
  double negatives_below = 0;
  for (std::size_t from = 0, to = 0; from < count; from = to) {
    double positives = 0;
    double negatives = 0;
    for (; to < count && rows.scores[order[to]] == rows.scores[order[from]]; ++to) {
      ++(rows.labels[order[to]] != 0 ? positives : negatives);
    }
    for (std::size_t i = from; i < to; ++i) {
      const bool is_positive = rows.labels[order[i]] != 0;
      made.of_row[order[i]] = is_positive ? (negatives_below + negatives / 2) / made.negatives
                                          : 1 - (positives_below + positives / 2) / made.positives;
    }
    positives_below += positives;
    negatives_below += negatives;
  }
  return made;
}

// The influence of each cluster on the AUC.
std::vector<double> ClusterInfluence(const stats::Scored& rows,
                                     std::span<const std::uint64_t> clusters,
                                     const Placements& placed, double auc) {
  std::vector<double> influence;
  std::unordered_map<std::uint64_t, std::size_t> places;
  for (std::size_t row = 0; row < rows.labels.size(); ++row) {
    const std::size_t place =
        clusters.empty() ? row : places.try_emplace(clusters[row], influence.size()).first->second;
    if (place == influence.size()) influence.push_back(0);
    influence[place] +=
        (placed.of_row[row] - auc) / (rows.labels[row] != 0 ? placed.positives : placed.negatives);
  }
  return influence;
}

}  // namespace

Result<Metric> ClusteredAuc(const stats::Scored& rows, std::span<const std::uint64_t> clusters,
                            double confidence) {
  const Metric point{.value = SW_TRY(stats::Auc(rows))};
  const std::vector<double> influence = ClusterInfluence(rows, clusters, Place(rows), point.value);
  if (influence.size() < 2) return point;
  const auto count = static_cast<double>(influence.size());
  double squares = 0;
  for (const double each : influence) squares += each * each;
  const double error = std::sqrt(count / (count - 1) * squares);
  const double reach = StudentQuantile((1 + confidence) / 2, count - 1) * error;
  return Metric{.value = point.value,
                .standard_error = error,
                .interval = stats::Interval{std::max(0.0, point.value - reach),
                                            std::min(1.0, point.value + reach)}};
}

}  // namespace sw::eval
