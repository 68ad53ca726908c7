#include "stats/distributions.h"

#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>

namespace sw::stats {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double Polynomial(std::span<const double> coefficients, double x) {
  double value = 0;
  for (auto it = coefficients.rbegin(); it != coefficients.rend(); ++it) value = value * x + *it;
  return value;
}

double Ratio(std::span<const double> top, std::span<const double> bottom, double x) {
  return Polynomial(top, x) / Polynomial(bottom, x);
}

// AS 241, PPND16: centre, shoulder and tail, numerator and denominator, constant term first.
constexpr std::array kCentreTop = {3.3871328727963666080e0,  1.3314166789178437745e+2,
                                   1.9715909503065514427e+3, 1.3731693765509461125e+4,
                                   4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                   3.3430575583588128105e+4, 2.5090809287301226727e+3};
constexpr std::array kCentreBottom = {1.0,
                                      4.2313330701600911252e+1,
                                      6.8718700749205790830e+2,
                                      5.3941960214247511077e+3,
                                      2.1213794301586595867e+4,
                                      3.9307895800092710610e+4,
                                      2.8729085735721942674e+4,
                                      5.2264952788528545610e+3};
constexpr std::array kShoulderTop = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                     5.76949722146069140550e0,  3.64784832476320460504e0,
                                     1.27045825245236838258e0,  2.41780725177450611770e-1,
                                     2.27238449892691845833e-2, 7.74545014278341407640e-4};
constexpr std::array kShoulderBottom = {1.0,
                                        2.05319162663775882187e0,
                                        1.67638483018380384940e0,
                                        6.89767334985100004550e-1,
                                        1.48103976427480074590e-1,
                                        1.51986665636164571966e-2,
                                        5.47593808499534494600e-4,
                                        1.05075007164441684324e-9};
constexpr std::array kTailTop = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                 1.78482653991729133580e0,  2.96560571828504891230e-1,
                                 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                 2.71155556874348757815e-5, 2.01033439929228813265e-7};
constexpr std::array kTailBottom = {1.0,
                                    5.99832206555887937690e-1,
                                    1.36929880922735805310e-1,
                                    1.48753612908506148525e-2,
                                    7.86869131145613259100e-4,
                                    1.84631831751005468180e-5,
                                    1.42151175831644588870e-7,
                                    2.04426310338993978564e-15};

// Keeps Lentz's denominators away from zero.
double AwayFromZero(double x) { return std::abs(x) < 1e-300 ? 1e-300 : x; }

// Converges fast where x < (a + 1) / (a + b + 2); the caller reflects otherwise.
double BetaContinuedFraction(double a, double b, double x) {
  constexpr int kIterationsMax = 100'000;
  double c = 1;
  double d = 1 / AwayFromZero(1 - (a + b) * x / (a + 1));
  double value = d;
  for (int m = 1; m <= kIterationsMax; ++m) {
    const double two_m = 2.0 * m;
    const double even = m * (b - m) * x / ((a + two_m - 1) * (a + two_m));
    d = 1 / AwayFromZero(1 + even * d);
    c = AwayFromZero(1 + even / c);
    value *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + two_m) * (a + two_m + 1));
    d = 1 / AwayFromZero(1 + odd * d);
    c = AwayFromZero(1 + odd / c);
    value *= d * c;
    if (std::abs(d * c - 1) < 1e-15) break;
  }
  return value;
}

// Not std::lgamma, which writes the global signgam and so races between threads.
double LogGamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

}  // namespace

double NormalCdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

double NormalQuantile(double probability) {
  if (!(probability > 0 && probability < 1)) return kNan;
  const double q = probability - 0.5;
  if (std::abs(q) <= 0.425) return q * Ratio(kCentreTop, kCentreBottom, 0.180625 - q * q);
  const double r = std::sqrt(-std::log(q < 0 ? probability : 1 - probability));
  const double size =
      r <= 5 ? Ratio(kShoulderTop, kShoulderBottom, r - 1.6) : Ratio(kTailTop, kTailBottom, r - 5);
  return q < 0 ? -size : size;
}

double IncompleteBeta(double a, double b, double x) {
  if (!(a > 0 && b > 0 && x >= 0 && x <= 1)) return kNan;
  if (x == 0 || x == 1) return x;
  const double front =
      std::exp(LogGamma(a + b) - LogGamma(a) - LogGamma(b) + a * std::log(x) + b * std::log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return front * BetaContinuedFraction(a, b, x) / a;
  return 1 - front * BetaContinuedFraction(b, a, 1 - x) / b;
}

double BetaQuantile(double a, double b, double probability) {
  if (!(a > 0 && b > 0 && probability >= 0 && probability <= 1)) return kNan;
  if (probability == 0 || probability == 1) return probability;
  double low = 0;
  double high = 1;
  constexpr int kHalvings = 1100;  // enough to reach the smallest double; most stop long before
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    (IncompleteBeta(a, b, middle) < probability ? low : high) = middle;
  }
  return high;
}

}  // namespace sw::stats
