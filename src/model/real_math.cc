#include "model/real_math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace sw::model {
namespace {

constexpr double kInverseLn2 = 1.44269504088896338700e+00;
// ln 2 in two parts (fdlibm e_exp.c); k * kLn2High is exact for |k| < 2^20.
constexpr double kLn2High = 6.93147180369123816490e-01;
constexpr double kLn2Low = 1.90821492927058770002e-10;
constexpr double kOverflow = 709.782712893383973096;
constexpr double kUnderflow = -745.13321910194122212;

// 1/n! for n = 13 down to 2, for Horner's rule.
constexpr double kInverseFactorials[] = {
    1.0 / 6227020800.0, 1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0,
    1.0 / 362880.0,     1.0 / 40320.0,     1.0 / 5040.0,     1.0 / 720.0,
    1.0 / 120.0,        1.0 / 24.0,        1.0 / 6.0,        0.5};

double PowerOfTwo(int exponent) {  // exponent in the normal range
  return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52);
}

}  // namespace

double Exp(double x) {
  if (std::isnan(x)) return x;
  if (x > kOverflow) return std::numeric_limits<double>::infinity();
  if (x < kUnderflow) return 0.0;
  const int k = static_cast<int>(x * kInverseLn2 + (x < 0 ? -0.5 : 0.5));
  const double high = x - k * kLn2High;
  const double low = k * kLn2Low;
  const double r = high - low;
  const double r_error = (high - r) - low;  // what the subtraction above rounded away
  double p = kInverseFactorials[0];
  for (int i = 1; i < 12; ++i) p = p * r + kInverseFactorials[i];
  const double tail = p * r * r + r_error;
  const double value = 1.0 + (r + tail);
  // Scale in two steps so that neither power leaves the normal range.
  const int half = k / 2;
  return value * PowerOfTwo(half) * PowerOfTwo(k - half);
}

double Sigmoid(double x) { return 1.0 / (1.0 + Exp(-x)); }

}  // namespace sw::model
