// ExactMoments: the variance of doubles or integers from exact sums of values and of their squares, as
// one rational number that is rounded once. Order, grouping and threads cannot change it, and nothing
// cancels: of 1e15 + {0, 1, 2} it is what it is of {0, 1, 2}.
//
//   ExactMoments moments;
//   for (double x : values) moments.Add(x);
//   double variance = moments.Variance(1);      // sum (x - mean)^2 / (n - 1); 0 in place of 1: / n
//
// A square is made of the integer mantissa, so that it is exact too; sums are kept as ExactSum's. NaN
// and infinities have no variance: NaN. Merge is commutative and associative. A value; externally
// synchronised.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "feature/exact_digits.h"

namespace sw::feature {

class ExactMoments {
 public:
  void Add(double value);
  void AddInteger(std::int64_t value);
  void Merge(const ExactMoments& other);

  std::int64_t count() const { return count_; }
  // (sum x^2 - (sum x)^2 / n) / (n - lost), n the count; none unless n > lost. `lost` is 0 or 1.
  std::optional<double> Variance(std::int64_t lost) const;

  // Canonical: equal moments of equally many values give equal bytes. Hostile input on the way back.
  std::string Encode() const;
  static Result<ExactMoments> Decode(std::string_view bytes);
  bool operator==(const ExactMoments& other) const { return Encode() == other.Encode(); }

 private:
  // Sums of values are kept in units of 2^-1074, of squares in units of 2^-2148; each with room for
  // 2^62 values.
  static constexpr std::size_t kSumLimbs = 68, kSquareLimbs = 134;

  void AddPart(std::uint64_t mantissa, int shift, bool is_negative);
  void Settle();

  std::array<std::int64_t, kSumLimbs> sum_{};
  std::array<std::int64_t, kSquareLimbs> squares_{};
  std::int64_t count_ = 0;
  std::int64_t non_finite_ = 0;
  std::int64_t unsettled_ = 0;  // additions since Settle
};

}  // namespace sw::feature
