// Reference values: src/stats/reference_values.py.
#include "stats/calibration.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "stats/reference_rows.h"

namespace sw::stats {
namespace {

const Scored kRows{kFirst, kLabels};

TEST(Calibration, HostileInputIsRefused) {
  const std::vector<double> scores{0.1, 0.2};
  const std::vector<std::uint8_t> positives{1, 1};
  EXPECT_FALSE(FitIsotonic({}).has_value());
  EXPECT_EQ(FitPlatt({scores, positives}).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_FALSE(CheckIsotonic({}).has_value());
  EXPECT_FALSE(CheckIsotonic({{1, 2}, {0.5}}).has_value());
  EXPECT_FALSE(CheckIsotonic({{2, 1}, {0.5, 0.6}}).has_value());
  EXPECT_FALSE(CheckIsotonic({{1, 2}, {0.6, 0.5}}).has_value());
  EXPECT_FALSE(CheckIsotonic({{1, std::nan("")}, {0.5, 0.6}}).has_value());
}

TEST(Calibration, IsotonicAgreesWithScikitLearn) {
  const IsotonicCalibrator c = *FitIsotonic(kRows);
  EXPECT_TRUE(CheckIsotonic(c).has_value());
  EXPECT_NEAR(c.Apply(-1), 0.0, 1e-14);
  EXPECT_NEAR(c.Apply(0.2), 0.5, 1e-14);
  EXPECT_NEAR(c.Apply(0.28), 0.6428571428571429, 1e-14);
  EXPECT_NEAR(c.Apply(0.33), 0.6428571428571429, 1e-14);
  EXPECT_NEAR(c.Apply(0.345), 0.6428571428571429, 1e-14);
  EXPECT_NEAR(c.Apply(0.5), 0.7058823529411765, 1e-14);
  EXPECT_NEAR(c.Apply(2), 0.7058823529411765, 1e-14);
  EXPECT_TRUE(std::isnan(c.Apply(std::nan(""))));
}

TEST(Calibration, IsotonicOfOneScoreIsTheShare) {
  const std::vector<double> scores{0.4, 0.4, 0.4, 0.4};
  const std::vector<std::uint8_t> labels{1, 0, 0, 0};
  const IsotonicCalibrator c = *FitIsotonic({scores, labels});
  EXPECT_EQ(c.Apply(0), 0.25);
  EXPECT_EQ(c.Apply(0.4), 0.25);
  EXPECT_EQ(c.Apply(1), 0.25);
}

TEST(Calibration, PlattAgreesWithScikitLearn) {
  const PlattCalibrator p = *FitPlatt(kRows);
  EXPECT_NEAR(p.slope, 0.769480258434489, 1e-5);
  EXPECT_NEAR(p.intercept, 0.10502215105539227, 1e-5);
}

TEST(Calibration, PlattStaysFiniteOnSeparableScoresFarFromZero) {
  const std::vector<double> scores{-1000, -999, 998, 1001};
  const std::vector<std::uint8_t> labels{0, 0, 1, 1};
  const PlattCalibrator p = *FitPlatt({scores, labels});
  EXPECT_TRUE(std::isfinite(p.slope));
  EXPECT_NEAR(p.Apply(1000), 0.75, 0.01);
  EXPECT_NEAR(p.Apply(-1000), 0.25, 0.01);
}

TEST(Calibration, RepairsScoresThatAreTooSure) {
  // Given scores whose true probability is drawn halfway towards a half.
  base::Random random(13);
  std::vector<double> scores;
  std::vector<std::uint8_t> labels;
  for (int i = 0; i < 20'000; ++i) {
    scores.push_back(random.NextDouble());
    labels.push_back(random.NextDouble() < 0.25 + scores.back() / 2 ? 1 : 0);
  }
  const Scored fit{std::span(scores).first(10'000), std::span(labels).first(10'000)};
  const Scored test{std::span(scores).last(10'000), std::span(labels).last(10'000)};
  const IsotonicCalibrator c = *FitIsotonic(fit);
  std::vector<double> calibrated;
  for (const double s : test.scores) calibrated.push_back(c.Apply(s));
  EXPECT_GT(ExpectedCalibrationError(*CalibrationTable(test)), 0.10);
  EXPECT_LT(ExpectedCalibrationError(*CalibrationTable({calibrated, test.labels})), 0.025);
}

TEST(CalibratorFromTable, PoolsBinsInTheWrongOrderByTheirCounts) {
  const std::vector<CalibrationBin> bins = {{.count = 10, .mean_score = 0.1, .positive_share = 0.2},
                                            {.count = 0},
                                            {.count = 30, .mean_score = 0.3, .positive_share = 0.1},
                                            {.count = 5, .mean_score = 0.8, .positive_share = 0.6}};
  const IsotonicCalibrator calibrator = CalibratorFromTable(bins);
  ASSERT_EQ(calibrator.scores.size(), 2U);
  EXPECT_DOUBLE_EQ(calibrator.scores[0], 0.25);
  EXPECT_DOUBLE_EQ(calibrator.values[0], 0.125);
  EXPECT_DOUBLE_EQ(calibrator.values[1], 0.6);
  EXPECT_TRUE(CheckIsotonic(calibrator));
  EXPECT_TRUE(CalibratorFromTable({}).scores.empty());
}

}  // namespace
}  // namespace sw::stats
