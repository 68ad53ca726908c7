#include "model/real_math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "model/engines/cpu.h"
#include "model/normal_exp.h"

namespace sw::model {
namespace {

constexpr double kOverflow = 709.782712893383973096;
constexpr double kUnderflow = -745.13321910194122212;

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

SigmoidsKernel PickSigmoids() {
#if defined(__x86_64__)
  if (DetectCpu().avx2) return SigmoidsAvx2;
#endif
  return SigmoidsBaseline;
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
  return NormalExp(x);
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

void Sigmoids(std::span<double> values) {
  static const SigmoidsKernel kernel = PickSigmoids();
  kernel(values.data(), values.size());
}

}  // namespace sw::model
