// NormalExp: the exponential of real_math.h where neither it nor its parts leave the normal range, and the
// kernels that take it of several values at once. Internal to real_math.cc.
//
// Static, and without a standard template: each file that includes it is compiled for a CPU of its own.
// Results have the same bits on each. Pure.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sw::model {

static constexpr double kInverseLn2 = 1.44269504088896338700e+00;
// ln 2 in two parts (fdlibm e_exp.c); k * kLn2High is exact for |k| < 2^20.
static constexpr double kLn2High = 6.93147180369123816490e-01;
static constexpr double kLn2Low = 1.90821492927058770002e-10;

// 1/n! for n = 13 down to 2, for Horner's rule.
static constexpr double kInverseFactorials[] = {
    1.0 / 6227020800.0, 1.0 / 479001600.0, 1.0 / 39916800.0, 1.0 / 3628800.0,
    1.0 / 362880.0,     1.0 / 40320.0,     1.0 / 5040.0,     1.0 / 720.0,
    1.0 / 120.0,        1.0 / 24.0,        1.0 / 6.0,        0.5};

static inline double PowerOfTwo(int exponent) {  // exponent in the normal range
  return __builtin_bit_cast(double, static_cast<std::uint64_t>(exponent + 1023) << 52);
}

// e^(r + r_error) * 2^k for |r| <= ln(2)/2.
static inline double Scaled(double r, double r_error, int k) {
  double p = kInverseFactorials[0];
  for (int i = 1; i < 12; ++i) p = p * r + kInverseFactorials[i];
  const double tail = p * r * r + r_error;
  const double value = 1.0 + (r + tail);
  // Scale in two steps so that neither power leaves the normal range.
  const int half = k / 2;
  return value * PowerOfTwo(half) * PowerOfTwo(k - half);
}

// For x from -745.13 to 709.78. Without a branch, so that a compiler takes several at once.
static inline double NormalExp(double x) {
  const int k = static_cast<int>(x * kInverseLn2 + __builtin_copysign(0.5, x));
  const double high = x - k * kLn2High;
  const double low = k * kLn2Low;
  const double r = high - low;
  const double r_error = (high - r) - low;  // what the subtraction above rounded away
  return Scaled(r, r_error, k);
}

using SigmoidsKernel = void (*)(double* values, std::size_t count);
void SigmoidsBaseline(double* values, std::size_t count);
void SigmoidsAvx2(double* values, std::size_t count);

}  // namespace sw::model
