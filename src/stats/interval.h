// Interval and Estimate: what the interval-giving functions of this room answer.
//
//   Estimate auc = SW_TRY(DelongAuc({scores, labels}, 0.95));
//   if (auc.interval.low > 0.7) ...
//
// Immutable.
#pragma once

namespace sw::stats {

// Closed, in the units of the estimated quantity.
struct Interval {
  double low = 0;
  double high = 0;

  bool Contains(double value) const { return low <= value && value <= high; }
  bool operator==(const Interval&) const = default;
};

struct Estimate {
  double value = 0;
  double standard_error = 0;
  Interval interval;

  bool operator==(const Estimate&) const = default;
};

}  // namespace sw::stats
