// Reference values: src/stats/reference_values.py.
#include "stats/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"
#include "stats/reference_rows.h"

namespace sw::stats {
namespace {

const Scored kRows{kFirst, kLabels};

// Sums over all pairs: slow and obvious.
double SlowAuc(const Scored& rows) {
  double wins = 0;
  double pairs = 0;
  for (std::size_t i = 0; i < rows.scores.size(); ++i) {
    for (std::size_t j = 0; j < rows.scores.size(); ++j) {
      if (rows.labels[i] != 1 || rows.labels[j] != 0) continue;
      pairs += 1;
      wins += rows.scores[i] > rows.scores[j] ? 1.0 : rows.scores[i] == rows.scores[j] ? 0.5 : 0.0;
    }
  }
  return wins / pairs;
}

TEST(Metrics, HostileRowsAreRefused) {
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<double> good{0.1, 0.9};
  const std::vector<double> nan{0.1, std::nan("")};
  const std::vector<double> infinite{0.1, inf};
  const std::vector<double> log_odds{-3, 2};
  const std::vector<std::uint8_t> labels{0, 1};
  const std::vector<std::uint8_t> strange{0, 2};
  const std::vector<std::uint8_t> one_class{1, 1};
  EXPECT_EQ(Auc({}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Auc({nan, labels}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Auc({infinite, labels}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Auc({good, strange}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Auc({good, std::span(labels).first(1)}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Auc({good, one_class}).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(RocCurve({good, one_class}, 10).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_TRUE(Auc({log_odds, labels}).has_value());
  EXPECT_FALSE(Brier({log_odds, labels}).has_value());
  EXPECT_FALSE(LogLoss({log_odds, labels}).has_value());
  EXPECT_FALSE(CalibrationTable({good, labels}, 0).has_value());
  EXPECT_FALSE(ExpectedCost({good, labels}, 0.5, {.false_positive = inf}).has_value());
  EXPECT_FALSE(WeightedAuc(good, good, std::vector{-1.0, 1.0}).has_value());
}

TEST(Metrics, AgreeWithScikitLearn) {
  EXPECT_DOUBLE_EQ(*Auc(kRows), 0.5833333333333333);
  EXPECT_DOUBLE_EQ(*Auc({kSecond, kLabels}), 0.7057291666666666);
  EXPECT_NEAR(*LogLoss(kRows), 0.8274386921707155, 1e-14);
  EXPECT_NEAR(*Brier(kRows), 0.3067825, 1e-14);
}

TEST(Metrics, AucEqualsTheSlowReferenceWithManyTies) {
  base::Random random(7);
  for (int round = 0; round < 50; ++round) {
    std::vector<double> scores(100);
    std::vector<std::uint8_t> labels(100);
    const std::uint64_t distinct = 1 + random.Below(60);
    for (std::size_t i = 0; i < scores.size(); ++i) {
      scores[i] = static_cast<double>(random.Below(distinct)) / 7 - 2;
      labels[i] = static_cast<std::uint8_t>(random.Below(2));
    }
    labels[0] = 0;
    labels[1] = 1;
    const double expected = SlowAuc({scores, labels});
    EXPECT_NEAR(*Auc({scores, labels}), expected, 1e-14);
    const std::vector<double> positive(labels.begin(), labels.end());
    std::vector<double> negative;
    for (const double p : positive) negative.push_back(1 - p);
    EXPECT_NEAR(*WeightedAuc(scores, positive, negative), expected, 1e-14);
  }
}

TEST(Metrics, WeightedAucOfUninformativeWeightsIsAHalf) {
  const std::vector<double> half(kFirst.size(), 0.5);
  EXPECT_NEAR(*WeightedAuc(kFirst, half, half), 0.5, 1e-15);
}

TEST(Metrics, CalibrationTablePutsEdgesInTheUpperBin) {
  const std::vector<double> scores{0.0, 0.3, 0.29999, 0.7, 1.0, 1.0};
  const std::vector<std::uint8_t> labels{0, 1, 0, 1, 1, 0};
  const auto table = *CalibrationTable({scores, labels}, 10);
  ASSERT_EQ(table.size(), 10U);
  EXPECT_EQ(table[0].count, 1U);
  EXPECT_EQ(table[2].count, 1U);
  EXPECT_EQ(table[3].count, 1U);
  EXPECT_EQ(table[7].count, 1U);
  EXPECT_EQ(table[9].count, 2U);
  EXPECT_DOUBLE_EQ(table[9].positive_share, 0.5);
  EXPECT_NEAR(ExpectedCalibrationError(table), (0.7 + 0.29999 + 0.3 + 2 * 0.5) / 6, 1e-12);
  EXPECT_EQ(ExpectedCalibrationError({}), 0);
}

TEST(Metrics, BestThresholdIsNoWorseThanAnyOther) {
  for (const CostMatrix& costs : {CostMatrix{}, CostMatrix{0, 1, 5, 0}, CostMatrix{0, 5, 1, -1},
                                  CostMatrix{1, 0, 0, 1}, CostMatrix{0, 0, 0, 0}}) {
    const ThresholdChoice best = *BestThreshold(kRows, costs);
    EXPECT_NEAR(*ExpectedCost(kRows, best.threshold, costs), best.cost, 1e-14);
    for (double t = -0.05; t < 1.1; t += 0.005) {
      EXPECT_GE(*ExpectedCost(kRows, t, costs), best.cost - 1e-12);
    }
  }
}

TEST(Metrics, BestThresholdLiesBetweenScores) {
  const std::vector<double> scores{0.2, 0.4};
  const std::vector<std::uint8_t> labels{0, 1};
  const ThresholdChoice best = *BestThreshold({scores, labels}, {});
  EXPECT_NEAR(best.threshold, 0.3, 1e-15);
  EXPECT_EQ(best.cost, 0);
  EXPECT_EQ(*Accuracy({scores, labels}, best.threshold), 1);
}

TEST(Metrics, CalibratedThresholdFollowsElkan) {
  EXPECT_DOUBLE_EQ(*CalibratedThreshold({}), 0.5);
  EXPECT_DOUBLE_EQ(*CalibratedThreshold({0, 1, 4, 0}), 0.2);
  EXPECT_FALSE(CalibratedThreshold({1, 0, 1, 0}).has_value());
}

TEST(Metrics, RocCurveHasTheAreaOfTheAuc) {
  const auto curve = *RocCurve(kRows, 1000);
  double area = 0;
  for (std::size_t i = 1; i < curve.size(); ++i) {
    area += (curve[i].false_positive_rate - curve[i - 1].false_positive_rate) *
            (curve[i].true_positive_rate + curve[i - 1].true_positive_rate) / 2;
    EXPECT_LT(curve[i].threshold, curve[i - 1].threshold);
  }
  EXPECT_NEAR(area, *Auc(kRows), 1e-14);
}

TEST(Metrics, ThinnedRocCurveKeepsItsEnds) {
  const auto curve = *RocCurve(kRows, 5);
  ASSERT_EQ(curve.size(), 5U);
  EXPECT_EQ(curve.front().false_positive_rate, 0);
  EXPECT_EQ(curve.back().true_positive_rate, 1);
  EXPECT_EQ(curve.back().false_positive_rate, 1);
}

}  // namespace
}  // namespace sw::stats
