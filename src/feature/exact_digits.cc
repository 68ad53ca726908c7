#include "feature/exact_digits.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/errors.h"

namespace sw::feature {
namespace {

using Wide = unsigned __int128;

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

// [first, last): all digits that are not zero.
std::pair<std::size_t, std::size_t> NonZero(const Digits& digits) {
  std::size_t first = 0, last = digits.size();
  while (last > 0 && digits[last - 1] == 0) --last;
  while (first < last && digits[first] == 0) ++first;
  return {first, last};
}

}  // namespace

void SettleLimbs(std::span<std::int64_t> limbs) {
  std::int64_t carry = 0;
  for (std::size_t i = 0; i + 1 < limbs.size(); ++i) {
    const std::int64_t value = limbs[i] + carry;
    carry = value >> kDigitBits;  // rounds towards minus infinity, so that the digit is not negative
    limbs[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(value) & kDigitMask);
  }
  limbs.back() += carry;
}

bool MagnitudeOf(std::span<const std::int64_t> settled, std::size_t guard, Digits& digits) {
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

void PutLimbs(std::span<const std::int64_t> settled, std::string& out) {
  for (std::size_t i = 0; i < settled.size(); ++i) {
    if (settled[i] == 0) continue;
    out.push_back(static_cast<char>(i));
    out.append(reinterpret_cast<const char*>(&settled[i]), sizeof settled[i]);
  }
}

Status TakeLimbs(std::string_view what, std::string_view bytes, std::span<std::int64_t> limbs) {
  int last = -1;
  for (; !bytes.empty(); bytes.remove_prefix(kLimbEntryBytes)) {
    const auto limb = static_cast<std::uint8_t>(bytes[0]);
    std::int64_t value = 0;
    std::memcpy(&value, bytes.data() + 1, sizeof value);
    const bool is_top = limb + 1u == limbs.size();
    if (limb <= last || limb >= limbs.size() || value == 0 || (!is_top && (value < 0 || value > INT64_C(0xffffffff)))) {
      return DataLoss("{}: limb {} holds {}, which no sum writes", what, limb, value);
    }
    limbs[limb] = value;
    last = limb;
  }
  return Ok();
}

Digits Square(const Digits& digits) {
  Digits square(2 * digits.size(), 0);
  const auto [first, last] = NonZero(digits);
  for (std::size_t i = first; i < last; ++i) {
    std::uint64_t carry = 0;
    for (std::size_t j = first; j < last; ++j) {
      const std::uint64_t value = static_cast<std::uint64_t>(digits[i]) * digits[j] + square[i + j] + carry;
      square[i + j] = static_cast<std::uint32_t>(value & kDigitMask);
      carry = value >> kDigitBits;
    }
    square[i + last] = static_cast<std::uint32_t>(carry);  // the row before reached one digit less far
  }
  return square;
}

void MultiplyBy(Digits& digits, std::uint64_t factor) {
  Wide carry = 0;
  for (std::uint32_t& digit : digits) {
    const Wide value = static_cast<Wide>(factor) * digit + carry;
    digit = static_cast<std::uint32_t>(static_cast<std::uint64_t>(value) & kDigitMask);
    carry = value >> kDigitBits;
  }
  for (; carry != 0; carry >>= kDigitBits) digits.push_back(static_cast<std::uint32_t>(static_cast<std::uint64_t>(carry) & kDigitMask));
}

void Subtract(Digits& from, const Digits& digits) {
  std::int64_t borrow = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::int64_t value = static_cast<std::int64_t>(from[i]) - (i < digits.size() ? digits[i] : 0) - borrow;
    borrow = value < 0 ? 1 : 0;
    from[i] = static_cast<std::uint32_t>(static_cast<std::uint64_t>(value) & kDigitMask);
  }
}

bool DivideBy(Digits& digits, std::uint64_t divisor) {
  Wide remainder = 0;
  for (std::size_t i = digits.size(); i-- > 0;) {
    const Wide value = remainder << kDigitBits | digits[i];
    digits[i] = static_cast<std::uint32_t>(static_cast<std::uint64_t>(value / divisor) & kDigitMask);
    remainder = value % divisor;
  }
  return remainder != 0;
}

double RoundDigits(const Digits& digits, int exponent, bool sticky) {
  const int top = TopBit(digits);
  if (top < 0) return 0.0;
  // The result keeps 53 bits, or fewer where the format ends at 2^-1074.
  const int low = std::max(top - 52, kLowestExponent - exponent);
  std::uint64_t mantissa = 0;
  for (int bit = top; bit >= low; --bit) mantissa = mantissa << 1 | (BitAt(digits, bit) ? 1U : 0U);
  if (low > 0 && low - 1 <= top) {
    const bool half = BitAt(digits, low - 1);
    const bool more = sticky || AnyBelow(digits, low - 1);
    if (half && (more || (mantissa & 1U) != 0)) ++mantissa;
  }
  return std::ldexp(static_cast<double>(mantissa), low + exponent);
}

double SpecialCounts::Sum() const {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (nan > 0 || (positive_infinity > 0 && negative_infinity > 0)) return std::numeric_limits<double>::quiet_NaN();
  if (positive_infinity > 0) return kInfinity;
  return negative_infinity > 0 ? -kInfinity : 0.0;
}

}  // namespace sw::feature
