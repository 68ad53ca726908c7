#include "model/quadrature.h"

#include <algorithm>

namespace sw::model {
namespace {

struct Legendre {
  long double value = 0, slope = 0;
};

// The Legendre polynomial of a degree, by its three-term recurrence; x strictly inside (-1, 1).
Legendre Evaluate(std::size_t degree, long double x) {
  long double before = 1, value = x;
  for (std::size_t k = 2; k <= degree; ++k) {
    const auto n = static_cast<long double>(k);
    const long double next = ((2 * n - 1) * x * value - (n - 1) * before) / n;
    before = value;
    value = next;
  }
  return {value, static_cast<long double>(degree) * (x * value - before) / (x * x - 1)};
}

// sin(x) for 0 <= x <= pi/2, good enough for Newton's method to start from.
long double Sine(long double x) {
  long double term = x, sum = x;
  for (int k = 1; k < 14; ++k) {
    term *= -x * x / static_cast<long double>((2 * k) * (2 * k + 1));
    sum += term;
  }
  return sum;
}

}  // namespace

Quadrature GaussLegendre(std::size_t count) {
  constexpr long double kHalfPi = 1.57079632679489661923L;
  Quadrature rule{.points = std::vector<double>(count), .complements = std::vector<double>(count),
                  .weights = std::vector<double>(count)};
  for (std::size_t i = 0; i < (count + 1) / 2; ++i) {  // symmetric: the others mirror these
    // Tricomi's first guess of the i-th largest root: cos(pi * (i + 3/4) / (count + 1/2)).
    const long double angle = 2 * kHalfPi * (static_cast<long double>(i) + 0.75L) / (static_cast<long double>(count) + 0.5L);
    long double x = Sine(kHalfPi - angle);
    Legendre at = Evaluate(count, x);
    for (int round = 0; round < 8 && count > 1; ++round) {
      x -= at.value / at.slope;
      at = Evaluate(count, x);
    }
    if (2 * i + 1 == count) x = 0;
    if (count == 1) at.slope = 1;
    const long double weight = 1 / ((1 - x * x) * at.slope * at.slope);
    const std::size_t mirror = count - 1 - i;
    rule.points[mirror] = rule.complements[i] = static_cast<double>((1 + x) / 2);
    rule.points[i] = rule.complements[mirror] = static_cast<double>((1 - x) / 2);
    rule.weights[i] = rule.weights[mirror] = static_cast<double>(weight);
  }
  return rule;
}

std::size_t QuadraturePoints(std::size_t factors) {
  const std::size_t exact = std::max<std::size_t>(1, (factors + 1) / 2);
  std::size_t root = 1;  // rounded up
  while (root * root < factors) ++root;
  return std::min(exact, (15 * root + 3) / 4 + 2);
}

}  // namespace sw::model
