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

// e^(r + r_error) * 2^k for |r| <= ln(2)/2.
double Scaled(double r, double r_error, int k) {
  double p = kInverseFactorials[0];
  for (int i = 1; i < 12; ++i) p = p * r + kInverseFactorials[i];
  const double tail = p * r * r + r_error;
  const double value = 1.0 + (r + tail);
  // Scale in two steps so that neither power leaves the normal range.
  const int half = k / 2;
  return value * PowerOfTwo(half) * PowerOfTwo(k - half);
}

// log(1 + f) - f for f in about [sqrt(1/2) - 1, sqrt(2) - 1], fdlibm's coefficients.
double LogTail(double f) {
  constexpr double kLg[] = {6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
                            2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01,
                            1.479819860511658591e-01};
  const double s = f / (2.0 + f);
  const double z = s * s;
  const double w = z * z;
  const double even = w * (kLg[1] + w * (kLg[3] + w * kLg[5]));
  const double odd = z * (kLg[0] + w * (kLg[2] + w * (kLg[4] + w * kLg[6])));
  const double half_square = 0.5 * f * f;
  return s * (half_square + (odd + even)) - half_square;
}

// log(2^k * (1 + f)) + error.
double LogOf(int k, double f, double error) {
  return k * kLn2High + (f + (LogTail(f) + (k * kLn2Low + error)));
}

// x = 2^k * m with m in [sqrt(1/2), sqrt(2)); x is normal and positive.
int SplitPower(double x, double& m) {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  int k = static_cast<int>(bits >> 52) - 1023;
  m = std::bit_cast<double>((bits & 0xfffffffffffffULL) | 0x3ff0000000000000ULL);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++k;
  }
  return k;
}

}  // namespace

double Exp2(double x) {
  if (std::isnan(x)) return x;
  if (x >= 1024) return std::numeric_limits<double>::infinity();
  if (x < -1075) return 0.0;
  const int k = static_cast<int>(x + (x < 0 ? -0.5 : 0.5));
  const double fraction = x - k;  // exact
  const double r = fraction * (kLn2High + kLn2Low);
  return Scaled(r, 0.0, k);
}

double Log(double x) {
  if (std::isnan(x) || x < 0) return std::numeric_limits<double>::quiet_NaN();
  if (x == 0) return -std::numeric_limits<double>::infinity();
  if (std::isinf(x)) return x;
  const bool is_subnormal = x < std::numeric_limits<double>::min();
  double m = 0;
  const int k = SplitPower(is_subnormal ? x * 0x1p54 : x, m) - (is_subnormal ? 54 : 0);
  return LogOf(k, m - 1.0, 0.0);
}

double LogOnePlus(double x) {
  if (std::isnan(x) || x < -1) return std::numeric_limits<double>::quiet_NaN();
  if (x == -1) return -std::numeric_limits<double>::infinity();
  if (std::isinf(x)) return x;
  if (std::fabs(x) < 0x1p-54) return x;
  if (x > -0.2929 && x < 0.41422) return x + LogTail(x);
  const double u = 1.0 + x;
  const double lost = u >= 2.0 ? 1.0 - (u - x) : x - (u - 1.0);  // what 1 + x rounded away
  double m = 0;
  const int k = SplitPower(u, m);
  return LogOf(k, m - 1.0, lost / u);
}

double Exp(double x) {
  if (std::isnan(x)) return x;
  if (x > kOverflow) return std::numeric_limits<double>::infinity();
  if (x < kUnderflow) return 0.0;
  const int k = static_cast<int>(x * kInverseLn2 + (x < 0 ? -0.5 : 0.5));
  const double high = x - k * kLn2High;
  const double low = k * kLn2Low;
  const double r = high - low;
  const double r_error = (high - r) - low;  // what the subtraction above rounded away
  return Scaled(r, r_error, k);
}

double ExpMinusOne(double x) {
  if (!(std::fabs(x) < 0.34)) return Exp(x) - 1.0;
  double p = kInverseFactorials[0];
  for (int i = 1; i < 12; ++i) p = p * x + kInverseFactorials[i];
  return x + p * x * x;
}

// fdlibm's s_tanh.c.
double Tanh(double x) {
  if (std::isnan(x)) return x;
  const double size = std::fabs(x);
  const double t = ExpMinusOne(size >= 1 ? 2 * size : -2 * size);
  const double value = size >= 22 ? 1.0 : (size >= 1 ? 1.0 - 2.0 / (t + 2.0) : -t / (t + 2.0));
  return x < 0 ? -value : value;
}

double Sigmoid(double x) { return 1.0 / (1.0 + Exp(-x)); }

}  // namespace sw::model
