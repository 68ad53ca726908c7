// Intervals for a fixed sample that is looked at once: DeLong for AUC, the clustered bootstrap for
// means, Clopper-Pearson for shares. Looking again and again at a growing sample breaks their
// promise: use betting.h there.
//
//   Estimate auc = SW_TRY(DelongAuc({scores, labels}, 0.95));
//   Estimate loss = SW_TRY(BootstrapMean(losses, days, {.resamples = 2000}, random));
//
// Confidence lies strictly between 0 and 1. Wrong input answers InvalidArgument. Pure functions
// (the Random is the caller's); thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/random.h"
#include "base/result.h"
#include "stats/interval.h"
#include "stats/metrics.h"

namespace sw::stats {

// AUC with DeLong's variance, in O(n log n) (DeLong et al. 1988; Sun and Xu 2014, "Fast
// implementation of DeLong's algorithm"); a normal interval, cut to [0, 1]. Rows count as
// independent. FailedPrecondition with fewer than 2 rows of either class.
Result<Estimate> DelongAuc(const Scored& rows, double confidence);

struct AucDifference {
  double first = 0;
  double second = 0;
  Estimate difference;  // second - first
  double p_value = 1;   // two-sided, of no difference
  bool operator==(const AucDifference&) const = default;
};

// Two scores of the same rows. Identical rankings have standard error 0: the interval is a point.
Result<AucDifference> DelongDifference(std::span<const double> first,
                                       std::span<const double> second,
                                       std::span<const std::uint8_t> labels, double confidence);

struct BootstrapOptions {
  std::size_t resamples = 2000;  // 100 to 1,000,000
  double confidence = 0.95;
};

// The mean of all values with a BCa interval (Efron 1987, "Better bootstrap confidence
// intervals"), resampling whole clusters: values with one cluster key belong together (a user, a
// day). No keys: each value is its own cluster. FailedPrecondition with fewer than 2 clusters;
// below about 30 the interval is too narrow. Costs resamples * clusters.
Result<Estimate> BootstrapMean(std::span<const double> values,
                               std::span<const std::uint64_t> clusters,
                               const BootstrapOptions& options, base::Random& random);

// The mean of second - first, row by row.
Result<Estimate> BootstrapDifference(std::span<const double> first, std::span<const double> second,
                                     std::span<const std::uint64_t> clusters,
                                     const BootstrapOptions& options, base::Random& random);

// The exact interval of a share (Clopper and Pearson 1934). Requires successes <= trials; [0, 1]
// for no trials.
Result<Interval> ClopperPearson(std::uint64_t successes, std::uint64_t trials, double confidence);

}  // namespace sw::stats
