// ExactSum: a sum of doubles that is exact, so that order, grouping and threads cannot change it.
//
//   ExactSum sum;
//   for (double x : values) sum.Add(x);
//   double total = sum.Rounded();          // the true sum, rounded once
//   double mean = sum.RoundedMean();       // the true mean, rounded once
//
// A fixed-point superaccumulator (Kulisch 1971; the layout of small digits in wide limbs follows
// Neal 2015): 2,098 bits above 2^-1074 in 32-bit digits, kept in 64-bit limbs, so that carries are
// settled only every 2^30 additions. NaN, infinities and zeros are counted apart, as IEEE would have
// summed them. Merge is commutative and associative. A value; externally synchronised.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "feature/exact_digits.h"

namespace sw::feature {

class ExactSum {
 public:
  void Add(double value);
  void Merge(const ExactSum& other);

  std::int64_t count() const { return count_; }
  double Rounded() const;      // 0 when nothing was added
  double RoundedMean() const;  // NaN when nothing was added

  // Canonical: equal sums of equally many values give equal bytes. Hostile input on the way back.
  std::string Encode() const;
  static Result<ExactSum> Decode(std::string_view bytes);
  bool operator==(const ExactSum& other) const { return Encode() == other.Encode(); }

  static constexpr std::size_t kLimbs = 68;  // 2,098 bits and room for 2^62 values

 private:
  void Settle();

  std::array<std::int64_t, kLimbs> limbs_{};
  std::int64_t count_ = 0;
  SpecialCounts special_;
  std::int64_t unsettled_ = 0;  // additions since Settle
};

// numerator / denominator, rounded once to nearest even; denominator > 0.
double RoundedQuotient(__int128 numerator, std::uint64_t denominator);

}  // namespace sw::feature
