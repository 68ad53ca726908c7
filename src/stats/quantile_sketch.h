// QuantileSketch: quantiles of doubles within 0.4 % of a true one, in bins that never change.
//
//   QuantileSketch sketch;
//   for (double x : latencies) sketch.Add(x);
//   double p99 = *sketch.Quantile(0.99);         // none when nothing was added
//
// A DDSketch (Masson, Rim and Lee 2019, arXiv 1908.10693) whose logarithm is interpolated linearly
// between powers of two, so that a value's bin is the top bits of the double itself: no rounding of a
// logarithm can move it. Bins reach from 2^-64 to 2^64 of either sign; smaller magnitudes count as 0,
// larger ones answer 2^64, infinities and NaN (above everything) as themselves. No bin is ever
// collapsed into another. Merge adds counts: commutative and associative. At most 32,774 bins.
// A value; externally synchronised.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sw::stats {

class QuantileSketch {
 public:
  void Add(double value);
  void Merge(const QuantileSketch& other);
  std::int64_t count() const { return count_; }
  // The middle of the bin that holds the value of rank floor(q (n - 1)), from 0; q in [0, 1].
  std::optional<double> Quantile(double q) const;

  std::string Encode() const;
  static Result<QuantileSketch> Decode(std::string_view bytes);  // hostile input
  bool operator==(const QuantileSketch&) const = default;

 private:
  std::map<std::int32_t, std::int64_t> bins_;  // in the order of their values
  std::int64_t count_ = 0;
};

}  // namespace sw::stats
