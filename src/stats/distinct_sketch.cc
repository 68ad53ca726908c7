#include "stats/distinct_sketch.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/errors.h"

namespace sw::stats {
namespace {

constexpr int kValueBits = 64 - DistinctSketch::kIndexBits;
constexpr double kAlpha = 0.72134752044448170368;  // 1 / (2 ln 2)

// Ertl's sigma and tau: sums that end where doubles do not change any more.
double Sigma(double x) {
  if (x == 1) return std::numeric_limits<double>::infinity();
  double y = 1, z = x, before = -1;
  while (z != before) {
    before = z;
    x *= x;
    z += x * y;
    y += y;
  }
  return z;
}

double Tau(double x) {
  if (x == 0 || x == 1) return 0;
  double y = 1, z = 1 - x, before = -1;
  while (z != before) {
    before = z;
    x = std::sqrt(x);
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

}  // namespace

void DistinctSketch::AddHash(std::uint64_t hash) {
  std::uint8_t& place = registers_[hash >> kValueBits];
  const std::uint64_t rest = hash << kIndexBits;
  const int zeros = rest == 0 ? kValueBits : std::countl_zero(rest);
  place = std::max(place, static_cast<std::uint8_t>(zeros + 1));
}

void DistinctSketch::Merge(const DistinctSketch& other) {
  for (std::size_t i = 0; i < kRegisters; ++i) registers_[i] = std::max(registers_[i], other.registers_[i]);
}

double DistinctSketch::Estimate() const {
  constexpr double kCount = kRegisters;
  std::array<std::uint32_t, kValueBits + 2> of_value{};
  for (const std::uint8_t value : registers_) ++of_value[value];
  double z = kCount * Tau(1 - of_value[kValueBits + 1] / kCount);
  for (int value = kValueBits; value >= 1; --value) z = 0.5 * (z + of_value[static_cast<std::size_t>(value)]);
  z += kCount * Sigma(of_value[0] / kCount);
  return kAlpha * kCount * kCount / z;
}

Result<DistinctSketch> DistinctSketch::Decode(std::string_view bytes) {
  if (bytes.size() != kRegisters) return DataLoss("distinct sketch: {} bytes, expected {}", bytes.size(), kRegisters);
  DistinctSketch sketch;
  for (std::size_t i = 0; i < kRegisters; ++i) {
    sketch.registers_[i] = static_cast<std::uint8_t>(bytes[i]);
    if (sketch.registers_[i] > kValueBits + 1) return DataLoss("distinct sketch: register {} holds {}", i, sketch.registers_[i]);
  }
  return sketch;
}

}  // namespace sw::stats
