#include "stats/intervals.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <unordered_map>
#include <vector>

#include "base/errors.h"
#include "stats/distributions.h"

namespace sw::stats {
namespace {

struct Cluster {
  double sum = 0;
  double count = 0;

  Cluster& operator+=(const Cluster& other) {
    sum += other.sum;
    count += other.count;
    return *this;
  }
  double Mean() const { return sum / count; }
};

// In order of first appearance, so that a seed gives the same interval on every machine.
std::vector<Cluster> Group(std::span<const double> values, std::span<const std::uint64_t> keys) {
  std::vector<Cluster> clusters;
  std::unordered_map<std::uint64_t, std::size_t> places;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t place =
        keys.empty() ? i : places.try_emplace(keys[i], clusters.size()).first->second;
    if (place == clusters.size()) clusters.emplace_back();
    clusters[place] += {values[i], 1};
  }
  return clusters;
}

Status CheckConfidence(double confidence) {
  if (confidence > 0 && confidence < 1) return Ok();
  return InvalidArgument("confidence {} is not between 0 and 1; give 0.95 for 95 %", confidence);
}

Status CheckBootstrap(std::span<const double> values, std::span<const std::uint64_t> keys,
                      const BootstrapOptions& options) {
  SW_TRY(CheckConfidence(options.confidence));
  if (options.resamples < 100 || options.resamples > 1'000'000) {
    return InvalidArgument("{} resamples; give 100 to 1000000", options.resamples);
  }
  if (!keys.empty() && keys.size() != values.size()) {
    return InvalidArgument("{} cluster keys for {} values; give one a value, or none", keys.size(),
                           values.size());
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      return InvalidArgument("value {} in row {} is not finite", values[i], i);
    }
  }
  return Ok();
}

std::vector<double> Resample(const std::vector<Cluster>& clusters, std::size_t resamples,
                             base::Random& random) {
  std::vector<double> means(resamples);
  for (double& mean : means) {
    Cluster total;
    for (std::size_t i = 0; i < clusters.size(); ++i)
      total += clusters[random.Below(clusters.size())];
    mean = total.Mean();
  }
  std::sort(means.begin(), means.end());
  return means;
}

// Efron's a: a sixth of the skewness of the jackknifed means. Needs the means without one cluster,
// all of which exist as there are two clusters or more.
double Acceleration(const std::vector<Cluster>& clusters, const Cluster& all) {
  std::vector<double> without(clusters.size());
  std::transform(clusters.begin(), clusters.end(), without.begin(),
                 [&](const Cluster& c) { return (all.sum - c.sum) / (all.count - c.count); });
  const double centre =
      std::accumulate(without.begin(), without.end(), 0.0) / static_cast<double>(without.size());
  double squares = 0;
  double cubes = 0;
  for (const double w : without) {
    const double d = centre - w;
    squares += d * d;
    cubes += d * d * d;
  }
  return squares > 0 ? cubes / (6 * std::pow(squares, 1.5)) : 0;
}

// Linear interpolation between order statistics (type 7 of Hyndman and Fan 1996).
double SortedQuantile(const std::vector<double>& sorted, double probability) {
  const double place = probability * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], place - static_cast<double>(below));
}

// Efron's z0: how far the resampled means' median is off; ties count half.
double BiasCorrection(const std::vector<double>& sorted, double mean) {
  const auto [first, last] = std::equal_range(sorted.begin(), sorted.end(), mean);
  const double below = static_cast<double>((first - sorted.begin()) + (last - sorted.begin())) / 2;
  const auto n = static_cast<double>(sorted.size());
  return NormalQuantile(std::clamp(below / n, 0.5 / n, 1 - 0.5 / n));
}

double StandardDeviation(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double sum = 0;
  for (const double v : values) sum += (v - mean) * (v - mean);
  return std::sqrt(sum / (n - 1));
}

}  // namespace

Result<Estimate> BootstrapMean(std::span<const double> values,
                               std::span<const std::uint64_t> clusters,
                               const BootstrapOptions& options, base::Random& random) {
  SW_TRY(CheckBootstrap(values, clusters, options));
  const std::vector<Cluster> groups = Group(values, clusters);
  if (groups.size() < 2) {
    return FailedPrecondition("the bootstrap needs 2 clusters or more, got {}", groups.size());
  }
  Cluster all;
  for (const Cluster& group : groups) all += group;
  const std::vector<double> means = Resample(groups, options.resamples, random);
  const double bias = BiasCorrection(means, all.Mean());
  const double acceleration = Acceleration(groups, all);
  const auto bound = [&](double probability) {
    const double z = bias + NormalQuantile(probability);
    return SortedQuantile(means, NormalCdf(bias + z / (1 - acceleration * z)));
  };
  const double tail = (1 - options.confidence) / 2;
  return Estimate{all.Mean(), StandardDeviation(means), {bound(tail), bound(1 - tail)}};
}

Result<Estimate> BootstrapDifference(std::span<const double> first, std::span<const double> second,
                                     std::span<const std::uint64_t> clusters,
                                     const BootstrapOptions& options, base::Random& random) {
  if (first.size() != second.size()) {
    return InvalidArgument("{} and {} values do not pair; give the same rows twice", first.size(),
                           second.size());
  }
  std::vector<double> differences(first.size());
  std::transform(second.begin(), second.end(), first.begin(), differences.begin(), std::minus<>());
  return BootstrapMean(differences, clusters, options, random);
}

Result<Interval> ClopperPearson(std::uint64_t successes, std::uint64_t trials, double confidence) {
  SW_TRY(CheckConfidence(confidence));
  if (successes > trials) {
    return InvalidArgument("{} successes in {} trials", successes, trials);
  }
  const auto k = static_cast<double>(successes);
  const auto n = static_cast<double>(trials);
  const double tail = (1 - confidence) / 2;
  return Interval{successes == 0 ? 0 : BetaQuantile(k, n - k + 1, tail),
                  successes == trials ? 1 : BetaQuantile(k + 1, n - k, 1 - tail)};
}

}  // namespace sw::stats
