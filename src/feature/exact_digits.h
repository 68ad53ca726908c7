// Magnitudes as 32-bit digits, least significant first, and one rounding at the end: what the exact
// sums and moments are made of. Internal to feature. Values; functions are pure.
//
// Limbs are the accumulators: a fixed-point number in 32-bit digits kept in wide, signed places, so
// that carries are settled only now and then (Neal 2015, "Fast exact summation using small and large
// superaccumulators"). Settled, all but the last hold a digit in [0, 2^32), and the last one the sign.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sw::feature {

using Digits = std::vector<std::uint32_t>;

inline constexpr int kDigitBits = 32;
inline constexpr std::uint64_t kDigitMask = 0xffffffffU;
inline constexpr int kLowestExponent = -1074;              // of the lowest bit of a double
inline constexpr std::int64_t kUnsettledMax = 1 << 30;     // additions before carries must be settled

// A finite double as mantissa * 2^(shift + kLowestExponent), without its sign.
struct DoubleParts {
  std::uint64_t mantissa = 0;  // below 2^53
  int shift = 0;               // 0 to 2045
};
inline DoubleParts PartsOf(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const auto biased = static_cast<int>(bits >> 52 & 0x7ffU);
  const std::uint64_t fraction = bits & ((1ull << 52) - 1);
  return biased == 0 ? DoubleParts{fraction, 0} : DoubleParts{fraction | 1ull << 52, biased - 1};
}

// Adds (or takes away) value * 2^bit.
inline void AddAt(std::span<std::int64_t> limbs, std::uint64_t value, int bit, bool is_negative) {
  unsigned __int128 placed = static_cast<unsigned __int128>(value) << (bit % kDigitBits);
  for (auto limb = static_cast<std::size_t>(bit / kDigitBits); placed != 0; ++limb, placed >>= kDigitBits) {
    const auto digit = static_cast<std::int64_t>(static_cast<std::uint64_t>(placed) & kDigitMask);
    limbs[limb] += is_negative ? -digit : digit;
  }
}

void SettleLimbs(std::span<std::int64_t> limbs);

// The magnitude of settled limbs, with `guard` zero digits below; true when they are negative.
bool MagnitudeOf(std::span<const std::int64_t> settled, std::size_t guard, Digits& digits);

// Settled limbs as bytes, only what is not zero: most sums use a few. Hostile input on the way back: DATA_LOSS, which
// begins with `what`, for what no sum writes.
inline constexpr std::size_t kLimbEntryBytes = 1 + sizeof(std::int64_t);
void PutLimbs(std::span<const std::int64_t> settled, std::string& out);
Status TakeLimbs(std::string_view what, std::string_view bytes, std::span<std::int64_t> limbs);  // whole entries

Digits Square(const Digits& digits);
void MultiplyBy(Digits& digits, std::uint64_t factor);
void Subtract(Digits& from, const Digits& digits);  // requires from >= digits
// Divides in place by a divisor above 0; true when something is left over.
bool DivideBy(Digits& digits, std::uint64_t divisor);

// digits * 2^exponent (plus something positive below the last digit, if `sticky`), rounded to nearest,
// ties to even; subnormal and infinite results included.
double RoundDigits(const Digits& digits, int exponent, bool sticky);

// What a sum of doubles meets beside numbers; IEEE's own sums of them do not depend on order.
struct SpecialCounts {
  std::int64_t nan = 0, positive_infinity = 0, negative_infinity = 0, negative_zero = 0;

  // True when the value was one of them, and is counted.
  bool Take(double value) {
    if (std::isnan(value)) return ++nan, true;
    if (std::isinf(value)) return ++(value > 0 ? positive_infinity : negative_infinity), true;
    if (value != 0) return false;
    if (std::signbit(value)) ++negative_zero;
    return true;
  }
  void Merge(const SpecialCounts& other) {
    nan += other.nan;
    positive_infinity += other.positive_infinity;
    negative_infinity += other.negative_infinity;
    negative_zero += other.negative_zero;
  }
  bool IsFinite() const { return nan + positive_infinity + negative_infinity == 0; }
  double Sum() const;  // of those alone: NaN, an infinity, or 0
};

}  // namespace sw::feature
