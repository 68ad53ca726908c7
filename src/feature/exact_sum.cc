#include "feature/exact_sum.h"

#include <cstring>
#include <limits>

#include "base/errors.h"

namespace sw::feature {
namespace {

constexpr std::size_t kGuardDigits = 4;  // below limb 0 in a division, for its rounding

}  // namespace

void ExactSum::Add(double value) {
  ++count_;
  if (special_.Take(value)) return;
  const auto [mantissa, shift] = PartsOf(value);
  AddAt(limbs_, mantissa, shift, value < 0);
  if (++unsettled_ >= kUnsettledMax) Settle();
}

void ExactSum::Settle() {
  SettleLimbs(limbs_);
  unsettled_ = 0;
}

void ExactSum::Merge(const ExactSum& other) {
  ExactSum settled = other;
  settled.Settle();
  Settle();
  for (std::size_t i = 0; i < kLimbs; ++i) limbs_[i] += settled.limbs_[i];
  Settle();
  count_ += other.count_;
  special_.Merge(other.special_);
}

double ExactSum::Rounded() const {
  if (!special_.IsFinite()) return special_.Sum();
  if (count_ > 0 && special_.negative_zero == count_) return -0.0;
  ExactSum settled = *this;
  settled.Settle();
  Digits digits;
  const bool is_negative = MagnitudeOf(settled.limbs_, 0, digits);
  const double value = RoundDigits(digits, kLowestExponent, false);
  return is_negative ? -value : value;
}

double ExactSum::RoundedMean() const {
  if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
  if (!special_.IsFinite()) return special_.Sum();
  if (special_.negative_zero == count_) return -0.0;
  ExactSum settled = *this;
  settled.Settle();
  Digits digits;
  const bool is_negative = MagnitudeOf(settled.limbs_, kGuardDigits, digits);
  const bool sticky = DivideBy(digits, static_cast<std::uint64_t>(count_));
  const int exponent = kLowestExponent - static_cast<int>(kGuardDigits) * kDigitBits;
  const double value = RoundDigits(digits, exponent, sticky);
  return is_negative ? -value : value;
}

double RoundedQuotient(__int128 numerator, std::uint64_t denominator) {
  constexpr std::int64_t kExactMax = INT64_C(1) << 53;  // up to here a division of doubles rounds once, too
  if (numerator >= -kExactMax && numerator <= kExactMax && denominator <= kExactMax) {
    return static_cast<double>(static_cast<std::int64_t>(numerator)) / static_cast<double>(denominator);
  }
  const bool is_negative = numerator < 0;
  using Wide = unsigned __int128;
  Wide magnitude = is_negative ? -static_cast<Wide>(numerator) : static_cast<Wide>(numerator);
  Digits digits(kGuardDigits, 0);
  for (; magnitude != 0; magnitude >>= kDigitBits) {
    digits.push_back(static_cast<std::uint32_t>(static_cast<std::uint64_t>(magnitude) & kDigitMask));
  }
  const bool sticky = DivideBy(digits, denominator);
  const double value = RoundDigits(digits, -static_cast<int>(kGuardDigits) * kDigitBits, sticky);
  return is_negative ? -value : value;
}

std::string ExactSum::Encode() const {
  ExactSum settled = *this;
  settled.Settle();
  std::string bytes(1, '\0');  // version
  const auto put = [&bytes](const void* from, std::size_t size) { bytes.append(static_cast<const char*>(from), size); };
  for (const std::int64_t number :
       {count_, special_.nan, special_.positive_infinity, special_.negative_infinity, special_.negative_zero}) {
    put(&number, sizeof number);
  }
  PutLimbs(settled.limbs_, bytes);
  return bytes;
}

Result<ExactSum> ExactSum::Decode(std::string_view bytes) {
  constexpr std::size_t kHeader = 1 + 5 * sizeof(std::int64_t);
  if (bytes.size() < kHeader || bytes[0] != 0 || (bytes.size() - kHeader) % kLimbEntryBytes != 0) {
    return DataLoss("exact sum: {} bytes are not a state of version 0", bytes.size());
  }
  ExactSum sum;
  std::int64_t* const numbers[] = {&sum.count_, &sum.special_.nan, &sum.special_.positive_infinity,
                                   &sum.special_.negative_infinity, &sum.special_.negative_zero};
  std::int64_t room = std::numeric_limits<std::int64_t>::max();
  for (std::size_t i = 0; i < 5; ++i) {
    std::memcpy(numbers[i], bytes.data() + 1 + i * sizeof(std::int64_t), sizeof(std::int64_t));
    if (*numbers[i] < 0 || *numbers[i] > room) return DataLoss("exact sum: a count of {} cannot be", *numbers[i]);
    room = i == 0 ? *numbers[0] : room - *numbers[i];
  }
  SW_TRY(TakeLimbs("exact sum", bytes.substr(kHeader), sum.limbs_));
  return sum;
}

}  // namespace sw::feature
