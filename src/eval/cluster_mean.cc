#include "eval/cluster_mean.h"

#include <cmath>
#include <unordered_map>

#include "stats/distributions.h"

namespace sw::eval {
namespace {

struct Sum {
  double sum = 0;
  double count = 0;
};

// In order of first appearance, so that the sums have the same bits everywhere.
std::vector<Sum> SumByCluster(std::span<const double> values,
                              std::span<const std::uint64_t> clusters,
                              std::span<const std::size_t> rows) {
  std::vector<Sum> sums;
  std::unordered_map<std::uint64_t, std::size_t> places;
  for (const std::size_t row : rows) {
    const std::size_t place = clusters.empty()
                                  ? sums.size()
                                  : places.try_emplace(clusters[row], sums.size()).first->second;
    if (place == sums.size()) sums.emplace_back();
    sums[place].sum += values[row];
    sums[place].count += 1;
  }
  return sums;
}

}  // namespace

double StudentQuantile(double probability, double freedom) {
  if (probability == 0.5) return 0;
  const double tail = probability < 0.5 ? probability : 1 - probability;
  // T^2 / (freedom + T^2) is Beta(1/2, freedom/2); taken from the other end for accuracy in the
  // tail.
  const double x = stats::BetaQuantile(freedom / 2, 0.5, 2 * tail);
  const double t = std::sqrt(freedom * (1 - x) / x);
  return probability < 0.5 ? -t : t;
}

double ClusterMean::Upper(double alpha) const {
  return mean + StudentQuantile(1 - alpha, static_cast<double>(clusters - 1)) * standard_error;
}

double ClusterMean::Lower(double alpha) const {
  return mean - StudentQuantile(1 - alpha, static_cast<double>(clusters - 1)) * standard_error;
}

ClusterMean MeanOverClusters(std::span<const double> values,
                             std::span<const std::uint64_t> clusters,
                             std::span<const std::size_t> rows) {
  const std::vector<Sum> sums = SumByCluster(values, clusters, rows);
  ClusterMean made{.rows = rows.size(), .clusters = sums.size()};
  if (rows.empty()) return made;
  Sum all;
  for (const Sum& cluster : sums) {
    all.sum += cluster.sum;
    all.count += cluster.count;
  }
  made.mean = all.sum / all.count;
  if (sums.size() < 2) return made;
  double squares = 0;
  for (const Sum& cluster : sums) {
    const double without = (all.sum - cluster.sum) / (all.count - cluster.count);
    squares += (without - made.mean) * (without - made.mean);
  }
  const auto count = static_cast<double>(sums.size());
  made.standard_error = std::sqrt((count - 1) / count * squares);
  return made;
}

}  // namespace sw::eval
