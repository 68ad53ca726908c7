// The 40 rows of reference_values.py, for tests: two scores with ties, and labels.
#pragma once

#include <array>
#include <cstdint>

namespace sw::stats {

inline constexpr std::array<double, 40> kFirst = {
    0.0,  0.43, 0.15, 0.58, 0.3,  0.33, 0.46, 0.18, 0.91, 0.33, 0.21, 0.49, 0.21, 0.79,
    0.37, 0.09, 0.52, 0.24, 0.67, 0.4,  0.42, 0.55, 0.27, 0.3,  0.43, 0.3,  0.58, 0.3,
    0.18, 0.46, 0.18, 0.61, 0.33, 0.06, 0.49, 0.51, 0.64, 0.37, 0.39, 0.52};
inline constexpr std::array<double, 40> kSecond = {
    0.28, 0.62, 0.25, 0.75, 0.5,  0.4,  0.74, 0.37, 0.87, 0.62, 0.12, 0.46, 0.49, 0.59,
    0.34, 0.24, 0.58, 0.21, 0.72, 0.46, 0.36, 0.7,  0.33, 0.24, 0.58, 0.48, 0.83, 0.45,
    0.36, 0.7,  0.2,  0.55, 0.57, 0.08, 0.42, 0.32, 0.67, 0.69, 0.2,  0.54};

inline constexpr std::array<std::uint8_t, 40> kLabels = [] {
  std::array<std::uint8_t, 40> labels{};
  for (unsigned i = 0; i < 40; ++i) labels[i] = (i * 7) % 5 >= 2 ? 1 : 0;
  return labels;
}();

}  // namespace sw::stats
