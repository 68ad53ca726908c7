// Reference values: src/stats/reference_values.py.
#include "stats/distributions.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sw::stats {
namespace {

void ExpectRelative(double actual, double expected, double tolerance) {
  EXPECT_NEAR(actual / expected, 1, tolerance) << actual << " against " << expected;
}

TEST(Distributions, NormalQuantileAgreesWithScipy) {
  ExpectRelative(NormalQuantile(1e-300), -37.0470962993612, 1e-14);
  ExpectRelative(NormalQuantile(1e-10), -6.361340902404056, 1e-14);
  ExpectRelative(NormalQuantile(0.025), -1.9599639845400545, 1e-14);
  ExpectRelative(NormalQuantile(0.4), -0.2533471031357997, 1e-14);
  ExpectRelative(NormalQuantile(0.9), 1.2815515655446004, 1e-14);
  ExpectRelative(NormalQuantile(0.999), 3.090232306167813, 1e-14);
}

TEST(Distributions, NormalCdfAgreesWithScipyIntoTheTail) {
  ExpectRelative(NormalCdf(-30), 4.906713927147908e-198, 1e-12);
  ExpectRelative(NormalCdf(-5), 2.866515718791933e-07, 1e-13);
  ExpectRelative(NormalCdf(-1), 0.15865525393145707, 1e-14);
  ExpectRelative(NormalCdf(0.3), 0.6179114221889526, 1e-14);
  ExpectRelative(NormalCdf(2), 0.9772498680518208, 1e-14);
}

TEST(Distributions, IncompleteBetaAgreesWithScipy) {
  ExpectRelative(IncompleteBeta(2, 3, 0.4), 0.5248, 1e-13);
  ExpectRelative(IncompleteBeta(0.5, 0.5, 0.1), 0.20483276469913345, 1e-13);
  ExpectRelative(IncompleteBeta(50, 2, 0.99), 0.9075091007063049, 1e-12);
  ExpectRelative(IncompleteBeta(1e4, 2e4, 0.334), 0.5972464229533355, 1e-9);
  ExpectRelative(IncompleteBeta(1, 1, 0.7), 0.7, 1e-13);
  ExpectRelative(IncompleteBeta(5, 1e5, 1e-5), 0.003660230049720948, 1e-9);
}

TEST(Distributions, BetaQuantileInvertsTheDistribution) {
  for (const double p : {0.001, 0.025, 0.5, 0.975}) {
    EXPECT_NEAR(IncompleteBeta(3, 400, BetaQuantile(3, 400, p)), p, 1e-12);
  }
  EXPECT_EQ(BetaQuantile(2, 2, 0), 0);
  EXPECT_EQ(BetaQuantile(2, 2, 1), 1);
}

TEST(Distributions, ArgumentsOutOfRangeGiveNan) {
  EXPECT_TRUE(std::isnan(NormalQuantile(0)));
  EXPECT_TRUE(std::isnan(NormalQuantile(1)));
  EXPECT_TRUE(std::isnan(NormalQuantile(std::nan(""))));
  EXPECT_TRUE(std::isnan(IncompleteBeta(0, 1, 0.5)));
  EXPECT_TRUE(std::isnan(IncompleteBeta(1, 1, 1.1)));
  EXPECT_TRUE(std::isnan(BetaQuantile(1, 1, -0.1)));
}

}  // namespace
}  // namespace sw::stats
