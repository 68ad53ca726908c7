#include "feature/exact_moments.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "base/errors.h"

namespace sw::feature {
namespace {

constexpr std::size_t kGuardDigits = 8;  // below the lowest digit in a division by n (n - 1), for its rounding
constexpr int kIntegerShift = -kLowestExponent;

}  // namespace

void ExactMoments::AddPart(std::uint64_t mantissa, int shift, bool is_negative) {
  AddAt(sum_, mantissa, shift, is_negative);
  const auto square = static_cast<unsigned __int128>(mantissa) * mantissa;
  AddAt(squares_, static_cast<std::uint64_t>(square), 2 * shift, false);
  AddAt(squares_, static_cast<std::uint64_t>(square >> 64), 2 * shift + 64, false);
  if (++unsettled_ >= kUnsettledMax / 2) Settle();
}

void ExactMoments::Add(double value) {
  ++count_;
  if (!std::isfinite(value)) {
    ++non_finite_;
  } else if (value != 0) {
    const auto [mantissa, shift] = PartsOf(value);
    AddPart(mantissa, shift, value < 0);
  }
}

void ExactMoments::AddInteger(std::int64_t value) {
  ++count_;
  const auto magnitude = value < 0 ? -static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  AddPart(magnitude, kIntegerShift, value < 0);
}

void ExactMoments::Settle() {
  SettleLimbs(sum_);
  SettleLimbs(squares_);
  unsettled_ = 0;
}

void ExactMoments::Merge(const ExactMoments& other) {
  ExactMoments settled = other;
  settled.Settle();
  Settle();
  for (std::size_t i = 0; i < kSumLimbs; ++i) sum_[i] += settled.sum_[i];
  for (std::size_t i = 0; i < kSquareLimbs; ++i) squares_[i] += settled.squares_[i];
  Settle();
  count_ += other.count_;
  non_finite_ += other.non_finite_;
}

// (n S2 - S1^2) / (n (n - lost)): the numerator is exact and never negative, and is divided twice.
std::optional<double> ExactMoments::Variance(std::int64_t lost) const {
  if (count_ <= lost) return std::nullopt;
  if (non_finite_ > 0) return std::numeric_limits<double>::quiet_NaN();
  ExactMoments settled = *this;
  settled.Settle();
  Digits sum, numerator;
  MagnitudeOf(settled.sum_, 0, sum);
  MagnitudeOf(settled.squares_, 0, numerator);
  const auto n = static_cast<std::uint64_t>(count_);
  MultiplyBy(numerator, n);
  Subtract(numerator, Square(sum));
  numerator.insert(numerator.begin(), kGuardDigits, 0);
  bool sticky = DivideBy(numerator, n);
  sticky |= DivideBy(numerator, n - static_cast<std::uint64_t>(lost));
  return RoundDigits(numerator, 2 * kLowestExponent - static_cast<int>(kGuardDigits) * kDigitBits, sticky);
}

std::string ExactMoments::Encode() const {
  ExactMoments settled = *this;
  settled.Settle();
  std::string bytes(1, '\0');  // version
  std::string sum;
  PutLimbs(settled.sum_, sum);
  for (const std::int64_t number : {count_, non_finite_, static_cast<std::int64_t>(sum.size())}) {
    bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  bytes += sum;
  PutLimbs(settled.squares_, bytes);
  return bytes;
}

Result<ExactMoments> ExactMoments::Decode(std::string_view bytes) {
  constexpr std::size_t kHeader = 1 + 3 * sizeof(std::int64_t);
  std::array<std::int64_t, 3> numbers{};
  const std::size_t limbs = bytes.size() < kHeader ? 1 : bytes.size() - kHeader;
  if (limbs % kLimbEntryBytes != 0 || bytes[0] != 0) return DataLoss("exact moments: {} bytes are not a state of version 0", bytes.size());
  std::memcpy(numbers.data(), bytes.data() + 1, sizeof numbers);
  const auto [count, non_finite, sum_bytes] = numbers;
  if (non_finite < 0 || count < non_finite) return DataLoss("exact moments: {} of {} values cannot be", non_finite, count);
  const auto sum_size = static_cast<std::size_t>(sum_bytes);
  if (sum_bytes < 0 || sum_size > limbs || sum_size % kLimbEntryBytes != 0) return DataLoss("exact moments: a sum of {} bytes cannot be", sum_bytes);
  ExactMoments moments;
  moments.count_ = count;
  moments.non_finite_ = non_finite;
  SW_TRY(TakeLimbs("exact moments", bytes.substr(kHeader, sum_size), moments.sum_));
  SW_TRY(TakeLimbs("exact moments", bytes.substr(kHeader + sum_size), moments.squares_));
  return moments;
}

}  // namespace sw::feature
