#include "feature/exact_sum.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/errors.h"

namespace sw::feature {
namespace {

using Wide = unsigned __int128;

constexpr int kDigitBits = 32;
constexpr std::uint64_t kDigitMask = 0xffffffffU;
constexpr int kLowestExponent = -1074;  // of bit 0 of limb 0
constexpr std::int64_t kUnsettledMax = 1 << 30;
constexpr std::size_t kGuardDigits = 4;  // below limb 0 in a division, for its rounding
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Digits of a magnitude, least significant first.
using Digits = std::vector<std::uint32_t>;

int TopBit(const Digits& digits) {  // -1 for zero
  for (std::size_t i = digits.size(); i-- > 0;) {
    if (digits[i] != 0) return static_cast<int>(i) * kDigitBits + std::bit_width(digits[i]) - 1;
  }
  return -1;
}

bool BitAt(const Digits& digits, int bit) {
  return bit >= 0 && (digits[static_cast<std::size_t>(bit / kDigitBits)] >> (bit % kDigitBits) & 1U) != 0;
}

bool AnyBelow(const Digits& digits, int bit) {
  const auto whole = static_cast<std::size_t>(bit / kDigitBits);
  for (std::size_t i = 0; i < whole; ++i) {
    if (digits[i] != 0) return true;
  }
  return (digits[whole] & ((1U << (bit % kDigitBits)) - 1)) != 0;
}

// Rounds digits * 2^exponent (plus something positive below the last digit, if `sticky`) to nearest,
// ties to even, subnormal results included.
double Round(const Digits& digits, int exponent, bool sticky) {
  const int top = TopBit(digits);
  if (top < 0) return 0.0;
  // The result keeps 53 bits, or fewer where the format ends at 2^-1074.
  const int low = std::max(top - 52, kLowestExponent - exponent);
  std::uint64_t mantissa = 0;
  for (int bit = top; bit >= low; --bit) mantissa = mantissa << 1 | (bit >= 0 && BitAt(digits, bit) ? 1U : 0U);
  if (low > 0) {
    const bool half = BitAt(digits, low - 1);
    const bool more = sticky || AnyBelow(digits, low - 1);
    if (half && (more || (mantissa & 1U) != 0)) ++mantissa;
  }
  return std::ldexp(static_cast<double>(mantissa), low + exponent);
}

}  // namespace

void ExactSum::Add(double value) {
  ++count_;
  if (std::isnan(value)) {
    ++nan_;
  } else if (std::isinf(value)) {
    ++(value > 0 ? positive_infinity_ : negative_infinity_);
  } else if (value == 0) {
    if (std::signbit(value)) ++negative_zero_;
  } else {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const auto biased = static_cast<int>(bits >> 52 & 0x7ffU);
    const std::uint64_t fraction = bits & ((1ull << 52) - 1);
    const std::uint64_t mantissa = biased == 0 ? fraction : fraction | 1ull << 52;
    const int shift = biased == 0 ? 0 : biased - 1;  // above 2^-1074
    Wide placed = static_cast<Wide>(mantissa) << (shift % kDigitBits);
    for (auto limb = static_cast<std::size_t>(shift / kDigitBits); placed != 0; ++limb, placed >>= kDigitBits) {
      const auto digit = static_cast<std::int64_t>(static_cast<std::uint64_t>(placed) & kDigitMask);
      limbs_[limb] += value < 0 ? -digit : digit;
    }
    if (++unsettled_ >= kUnsettledMax) Settle();
  }
}

void ExactSum::Settle() {
  std::int64_t carry = 0;
  for (std::size_t i = 0; i + 1 < kLimbs; ++i) {
    const std::int64_t value = limbs_[i] + carry;
    carry = value >> kDigitBits;  // rounds towards minus infinity, so that the digit is not negative
    limbs_[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(value) & kDigitMask);
  }
  limbs_[kLimbs - 1] += carry;
  unsettled_ = 0;
}

void ExactSum::Merge(const ExactSum& other) {
  ExactSum settled = other;
  settled.Settle();
  Settle();
  for (std::size_t i = 0; i < kLimbs; ++i) limbs_[i] += settled.limbs_[i];
  Settle();
  count_ += other.count_;
  nan_ += other.nan_;
  positive_infinity_ += other.positive_infinity_;
  negative_infinity_ += other.negative_infinity_;
  negative_zero_ += other.negative_zero_;
}

double ExactSum::Special() const {
  if (nan_ > 0 || (positive_infinity_ > 0 && negative_infinity_ > 0)) return std::numeric_limits<double>::quiet_NaN();
  if (positive_infinity_ > 0) return kInfinity;
  return negative_infinity_ > 0 ? -kInfinity : 0.0;
}

namespace {

// Splits settled limbs into a sign and the digits of the magnitude, `guard` zero digits below.
template <typename Limbs>
bool Magnitude(const Limbs& settled, std::size_t guard, Digits& digits) {
  const bool is_negative = settled.back() < 0;
  digits.assign(guard, 0);
  std::int64_t carry = 0;
  for (const std::int64_t limb : settled) {
    const std::int64_t value = (is_negative ? -limb : limb) + carry;
    carry = value >> kDigitBits;
    digits.push_back(static_cast<std::uint32_t>(static_cast<std::uint64_t>(value) & kDigitMask));
  }
  return is_negative;
}

// Divides in place; true when something is left over.
bool Divide(Digits& digits, std::uint64_t divisor) {
  Wide remainder = 0;
  for (std::size_t i = digits.size(); i-- > 0;) {
    const Wide value = remainder << kDigitBits | digits[i];
    digits[i] = static_cast<std::uint32_t>(static_cast<std::uint64_t>(value / divisor) & kDigitMask);
    remainder = value % divisor;
  }
  return remainder != 0;
}

}  // namespace

double ExactSum::Rounded() const {
  if (nan_ + positive_infinity_ + negative_infinity_ > 0) return Special();
  if (count_ > 0 && negative_zero_ == count_) return -0.0;
  ExactSum settled = *this;
  settled.Settle();
  Digits digits;
  const bool is_negative = Magnitude(settled.limbs_, 0, digits);
  const double value = Round(digits, kLowestExponent, false);
  return is_negative ? -value : value;
}

double ExactSum::RoundedMean() const {
  if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
  if (nan_ + positive_infinity_ + negative_infinity_ > 0) return Special();
  if (negative_zero_ == count_) return -0.0;
  ExactSum settled = *this;
  settled.Settle();
  Digits digits;
  const bool is_negative = Magnitude(settled.limbs_, kGuardDigits, digits);
  const bool sticky = Divide(digits, static_cast<std::uint64_t>(count_));
  const int exponent = kLowestExponent - static_cast<int>(kGuardDigits) * kDigitBits;
  const double value = Round(digits, exponent, sticky);
  return is_negative ? -value : value;
}

double RoundedQuotient(__int128 numerator, std::uint64_t denominator) {
  constexpr std::int64_t kExactMax = INT64_C(1) << 53;  // up to here a division of doubles rounds once, too
  if (numerator >= -kExactMax && numerator <= kExactMax && denominator <= kExactMax) {
    return static_cast<double>(static_cast<std::int64_t>(numerator)) / static_cast<double>(denominator);
  }
  const bool is_negative = numerator < 0;
  Wide magnitude = is_negative ? -static_cast<Wide>(numerator) : static_cast<Wide>(numerator);
  Digits digits(kGuardDigits, 0);
  for (; magnitude != 0; magnitude >>= kDigitBits) {
    digits.push_back(static_cast<std::uint32_t>(static_cast<std::uint64_t>(magnitude) & kDigitMask));
  }
  const bool sticky = Divide(digits, denominator);
  const double value = Round(digits, -static_cast<int>(kGuardDigits) * kDigitBits, sticky);
  return is_negative ? -value : value;
}

std::string ExactSum::Encode() const {
  ExactSum settled = *this;
  settled.Settle();
  std::string bytes(1, '\0');  // version
  const auto put = [&bytes](const void* from, std::size_t size) { bytes.append(static_cast<const char*>(from), size); };
  for (const std::int64_t number : {count_, nan_, positive_infinity_, negative_infinity_, negative_zero_}) {
    put(&number, sizeof number);
  }
  for (std::size_t i = 0; i < kLimbs; ++i) {  // only what is not zero: most sums use a few limbs
    if (settled.limbs_[i] == 0) continue;
    bytes.push_back(static_cast<char>(i));
    put(&settled.limbs_[i], sizeof(std::int64_t));
  }
  return bytes;
}

Result<ExactSum> ExactSum::Decode(std::string_view bytes) {
  constexpr std::size_t kHeader = 1 + 5 * sizeof(std::int64_t);
  constexpr std::size_t kEntry = 1 + sizeof(std::int64_t);
  if (bytes.size() < kHeader || bytes[0] != 0 || (bytes.size() - kHeader) % kEntry != 0) {
    return DataLoss("exact sum: {} bytes are not a state of version 0", bytes.size());
  }
  ExactSum sum;
  std::int64_t* const numbers[] = {&sum.count_, &sum.nan_, &sum.positive_infinity_, &sum.negative_infinity_,
                                   &sum.negative_zero_};
  std::int64_t room = std::numeric_limits<std::int64_t>::max();
  for (std::size_t i = 0; i < 5; ++i) {
    std::memcpy(numbers[i], bytes.data() + 1 + i * sizeof(std::int64_t), sizeof(std::int64_t));
    if (*numbers[i] < 0 || *numbers[i] > room) return DataLoss("exact sum: a count of {} cannot be", *numbers[i]);
    room = i == 0 ? *numbers[0] : room - *numbers[i];
  }
  int last = -1;
  for (std::string_view rest = bytes.substr(kHeader); !rest.empty(); rest.remove_prefix(kEntry)) {
    const auto limb = static_cast<std::uint8_t>(rest[0]);
    std::int64_t value = 0;
    std::memcpy(&value, rest.data() + 1, sizeof value);
    const bool is_top = limb == kLimbs - 1;
    if (limb <= last || limb >= kLimbs || value == 0 || (!is_top && (value < 0 || value > INT64_C(0xffffffff)))) {
      return DataLoss("exact sum: limb {} holds {}, which no sum writes", limb, value);
    }
    sum.limbs_[limb] = value;
    last = limb;
  }
  return sum;
}

}  // namespace sw::feature
