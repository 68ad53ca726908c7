#include "model/quadrature.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace sw::model {
namespace {

TEST(GaussLegendre, HasThePublishedPointsAndWeights) {
  // Abramowitz and Stegun, table 25.4, moved from [-1, 1] to [0, 1].
  const Quadrature two = GaussLegendre(2), five = GaussLegendre(5);
  EXPECT_NEAR(two.points[1], (1 + 0.577350269189626) / 2, 1e-15);
  EXPECT_NEAR(two.weights[0], 0.5, 1e-16);
  EXPECT_NEAR(five.points[4], (1 + 0.906179845938664) / 2, 1e-15);
  EXPECT_NEAR(five.weights[4], 0.236926885056189 / 2, 1e-15);
  EXPECT_EQ(five.points[2], 0.5);
  EXPECT_NEAR(five.weights[2], 0.568888888888889 / 2, 1e-15);
  EXPECT_EQ(GaussLegendre(1), (Quadrature{.points = {0.5}, .complements = {0.5}, .weights = {1}}));
}

TEST(GaussLegendre, IntegratesPowersUpToItsDegree) {
  for (const std::size_t count : {1, 2, 3, 8, 15, 16, 40, 240}) {
    const Quadrature rule = GaussLegendre(count);
    for (const std::size_t degree : {std::size_t{0}, std::size_t{1}, count, 2 * count - 1}) {
      double sum = 0;
      for (std::size_t i = 0; i < count; ++i) sum += rule.weights[i] * std::pow(rule.points[i], static_cast<double>(degree));
      EXPECT_NEAR(sum * static_cast<double>(degree + 1), 1, 1e-14 * static_cast<double>(degree + 1)) << count << " " << degree;
    }
  }
}

// The worst relative error over the Bernstein polynomials of a degree: of their positive sums, too.
double BernsteinError(const Quadrature& rule, std::size_t degree) {
  double worst = 0;
  const auto k = static_cast<double>(degree);
  for (std::size_t j = 0; j <= degree; ++j) {
    const auto i = static_cast<double>(j);
    const long double choose = std::lgamma(static_cast<long double>(k + 1)) - std::lgamma(static_cast<long double>(i + 1)) -
                               std::lgamma(static_cast<long double>(k - i + 1));
    long double sum = 0;
    for (std::size_t p = 0; p < rule.points.size(); ++p) {
      const long double t = rule.points[p], rest = rule.complements[p];
      sum += static_cast<long double>(rule.weights[p]) * std::exp(choose + i * std::log(t) + (k - i) * std::log(rest));
    }
    worst = std::max(worst, std::abs(static_cast<double>(sum * (k + 1) - 1)));
  }
  return worst;
}

TEST(QuadraturePoints, AreEnoughForEveryPositiveProduct) {
  for (const std::size_t factors : {1, 2, 3, 6, 7, 20, 31, 56, 57, 58, 64, 100, 257, 1000, 4096}) {
    const std::size_t points = QuadraturePoints(factors);
    EXPECT_LT(BernsteinError(GaussLegendre(points), factors - 1), static_cast<double>(factors) * 0x1p-50) << factors;
    EXPECT_LE(points, std::max<std::size_t>(1, (factors + 1) / 2));
  }
}

TEST(QuadraturePoints, AFifthLessWouldNotDo) {
  for (const std::size_t factors : {64, 257, 1000}) {
    const std::size_t points = QuadraturePoints(factors) * 4 / 5;
    EXPECT_GT(BernsteinError(GaussLegendre(points), factors - 1), static_cast<double>(factors) * 0x1p-50) << factors;
  }
}

}  // namespace
}  // namespace sw::model
