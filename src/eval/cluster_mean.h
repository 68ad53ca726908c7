// The mean of values whose rows come in clusters, with bounds that are honest for few clusters.
// Internal to this room.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sw::eval {

// Student's t quantile, through the beta distribution. Requires 0 < probability < 1, freedom > 0.
double StudentQuantile(double probability, double freedom);

struct ClusterMean {
  std::uint64_t rows = 0;
  std::uint64_t clusters = 0;
  double mean = 0;            // over rows
  double standard_error = 0;  // 0 with fewer than two clusters: check `clusters`

  // One-sided bounds, each wrong with probability `alpha`. Require two clusters.
  double Upper(double alpha) const;
  double Lower(double alpha) const;
};

// The standard error comes from leaving out one cluster at a time (the CR3 jackknife; Bell and
// McCaffrey 2002, "Bias reduction in standard errors for linear regression with multi-stage
// samples"). No keys: each row is its own cluster. `rows` picks rows of both; requires lengths that
// agree.
ClusterMean MeanOverClusters(std::span<const double> values,
                             std::span<const std::uint64_t> clusters,
                             std::span<const std::size_t> rows);

}  // namespace sw::eval
