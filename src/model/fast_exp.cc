#include "model/fast_exp.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace sw::model {
namespace {

constexpr int kTableBits = 11;
constexpr std::size_t kTableSize = 1U << kTableBits;
constexpr double kLowest = -708.39641853226408;
constexpr double kGreatest = 709.78272569338397;
constexpr double kRounder = 3.0 * 2251799813685248.0;  // 3 * 2^51: what is added rounds to an integer
constexpr double kPerStep = static_cast<double>(kTableSize) / 0.6931471805599453;  // 2^11 / ln 2
constexpr double kStep = 1 / kPerStep;
constexpr double kCubic = 0.16666666685227835064;
constexpr double kSquareOfCubic = 3.0000000027955394;
constexpr std::uint64_t kFraction = (1ULL << 52) - 1;
constexpr std::uint64_t kBias = (1ULL << (kTableBits + 10)) - kTableSize;  // 1,023 steps of the exponent

struct Pair {
  double high, low;
};

// 2^(2^k / 2^11), to 106 bits.
constexpr Pair kRoots[kTableBits] = {
    {0x1.00162f3904052p+0, -0x1.7b5d0d58ea8f4p-58}, {0x1.002c605e2e8cfp+0, -0x1.d7c96f201bb2fp-55},
    {0x1.0058c86da1c0ap+0, -0x1.5e00e62d6b30dp-56}, {0x1.00b1afa5abcbfp+0, -0x1.4f6b2a7609f71p-55},
    {0x1.0163da9fb3335p+0, 0x1.b61299ab8cdb7p-54},  {0x1.02c9a3e778061p+0, -0x1.19083535b085dp-56},
    {0x1.059b0d3158574p+0, 0x1.d73e2a475b465p-55},  {0x1.0b5586cf9890fp+0, 0x1.8a62e4adc610bp-54},
    {0x1.172b83c7d517bp+0, -0x1.19041b9d78a76p-55}, {0x1.306fe0a31b715p+0, 0x1.6f46ad23182e4p-55},
    {0x1.6a09e667f3bcdp+0, -0x1.bdd3413b26456p-54}};

// Dekker's product in twice the precision; everything is far from overflow.
Pair Times(const Pair& a, const Pair& b) {
  const auto split = [](double x) {
    const double scaled = x * 134217729.0;  // 2^27 + 1
    const double high = scaled - (scaled - x);
    return Pair{high, x - high};
  };
  const Pair x = split(a.high), y = split(b.high);
  const double product = a.high * b.high;
  const double rest = ((x.high * y.high - product) + x.high * y.low + x.low * y.high) + x.low * y.low;
  const double low = rest + (a.high * b.low + a.low * b.high);
  const double sum = product + low;
  return {sum, low - (sum - product)};
}

// Fractions of 2^(i / 2^11), correctly rounded.
std::array<std::uint64_t, kTableSize> MakeTable() {
  std::array<std::uint64_t, kTableSize> table{};
  for (std::size_t i = 0; i < kTableSize; ++i) {
    Pair power{1, 0};
    for (int bit = 0; bit < kTableBits; ++bit) {
      if ((i >> bit & 1) != 0) power = Times(power, kRoots[bit]);
    }
    table[i] = std::bit_cast<std::uint64_t>(power.high) & kFraction;
  }
  return table;
}

double FastExpOf(double x) {
  static const std::array<std::uint64_t, kTableSize> table = MakeTable();
  const double rounded = x * kPerStep + kRounder;
  const auto steps = std::bit_cast<std::uint64_t>(rounded);
  const double rest = (rounded - kRounder) * kStep - x;  // minus what the table does not have
  const double factor = (kSquareOfCubic - rest) * (rest * rest) * kCubic - rest + 1.0;
  const std::uint64_t power = ((steps + kBias) >> kTableBits) << 52 | table[steps & (kTableSize - 1)];
  return factor * std::bit_cast<double>(power);
}

}  // namespace

void FastExp(std::span<double> values) {
  const std::size_t by_four = values.size() / 4 * 4;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double x = values[i];
    if (std::isnan(x)) continue;
    values[i] = i >= by_four && x <= kLowest ? 0 : FastExpOf(std::clamp(x, kLowest, kGreatest));
  }
}

}  // namespace sw::model
