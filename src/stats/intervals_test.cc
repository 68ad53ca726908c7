// Reference values: src/stats/reference_values.py.
#include "stats/intervals.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "stats/reference_rows.h"

namespace sw::stats {
namespace {

TEST(Intervals, HostileInputIsRefused) {
  base::Random random(1);
  const std::vector<double> nan{1, std::nan(""), 2};
  const std::vector<double> two{1, 2};
  const std::vector<std::uint64_t> one_key{1};
  const std::vector<std::uint64_t> same_keys{1, 1};
  const std::vector<std::uint8_t> labels{0, 1};
  EXPECT_EQ(BootstrapMean(nan, {}, {}, random).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(BootstrapMean(two, one_key, {}, random).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(BootstrapMean(two, same_keys, {}, random).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(BootstrapMean({}, {}, {}, random).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_FALSE(BootstrapMean(two, {}, {.resamples = 1}, random).has_value());
  EXPECT_FALSE(BootstrapMean(two, {}, {.confidence = 1}, random).has_value());
  EXPECT_FALSE(BootstrapDifference(two, nan, {}, {}, random).has_value());
  EXPECT_EQ(DelongAuc({two, labels}, 0.95).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_FALSE(DelongAuc({kFirst, kLabels}, 95).has_value());
  EXPECT_FALSE(ClopperPearson(3, 2, 0.95).has_value());
}

TEST(Intervals, DelongAgreesWithItsDefinition) {
  const Estimate auc = *DelongAuc({kFirst, kLabels}, 0.95);
  EXPECT_NEAR(auc.value, 0.5833333333333333, 1e-14);
  EXPECT_NEAR(auc.standard_error, 0.10469071079869614, 1e-14);
  EXPECT_NEAR(auc.interval.low, 0.3781433106519904, 1e-13);
}

TEST(Intervals, PairedDelongAgreesWithItsDefinition) {
  const AucDifference d = *DelongDifference(kFirst, kSecond, kLabels, 0.95);
  EXPECT_NEAR(d.difference.value, 0.7057291666666666 - 0.5833333333333333, 1e-14);
  EXPECT_NEAR(d.difference.standard_error, 0.06332021430438421, 1e-14);
  EXPECT_NEAR(d.p_value, 0.053240363073910835, 1e-12);
}

TEST(Intervals, DelongOfTheSameScoresIsAPoint) {
  const AucDifference d = *DelongDifference(kFirst, kFirst, kLabels, 0.95);
  EXPECT_EQ(d.difference, Estimate{});
  EXPECT_EQ(d.p_value, 1);
}

TEST(Intervals, ClopperPearsonAgreesWithScipy) {
  const auto expect = [](std::uint64_t k, std::uint64_t n, double confidence, Interval expected) {
    const Interval actual = *ClopperPearson(k, n, confidence);
    EXPECT_NEAR(actual.low, expected.low, 1e-11);
    EXPECT_NEAR(actual.high, expected.high, 1e-11);
  };
  expect(0, 10, 0.95, {0, 0.30849710781876294});
  expect(3, 20, 0.95, {0.03207093718554477, 0.37892682654529564});
  expect(20, 20, 0.9, {0.8608916593316243, 1});
  expect(57, 12345, 0.99, {0.0031962239650941806, 0.006433060783338614});
  EXPECT_EQ(*ClopperPearson(0, 0, 0.95), (Interval{0, 1}));
}

TEST(Intervals, BcaAgreesWithScipyOnSkewedValues) {
  const std::vector<double> values{0.1, 0.2, 0.2, 0.9, 1.5, 0.05, 0.3, 4.0, 0.7, 0.35, 2.2, 0.15};
  base::Random random(3);
  const Estimate mean = *BootstrapMean(values, {}, {.resamples = 200'000}, random);
  EXPECT_NEAR(mean.value, 10.65 / 12, 1e-14);
  EXPECT_NEAR(mean.standard_error, 0.32618, 0.002);
  EXPECT_NEAR(mean.interval.low, 0.425, 0.006);
  EXPECT_NEAR(mean.interval.high, 1.861, 0.015);
}

TEST(Intervals, ClustersOfCopiesGiveTheIntervalOfTheirOriginals) {
  // Given 50 values, and the same values each written ten times under one key.
  base::Random random(5);
  std::vector<double> originals;
  std::vector<double> copies;
  std::vector<std::uint64_t> keys;
  for (std::uint64_t i = 0; i < 50; ++i) {
    originals.push_back(random.NextDouble());
    copies.insert(copies.end(), 10, originals.back());
    keys.insert(keys.end(), 10, i * 1'000'003);
  }
  base::Random one(9);
  base::Random same(9);
  const Estimate expected = *BootstrapMean(originals, {}, {}, one);
  const Estimate clustered = *BootstrapMean(copies, keys, {}, same);
  EXPECT_NEAR(clustered.interval.low, expected.interval.low, 1e-12);
  EXPECT_NEAR(clustered.interval.high, expected.interval.high, 1e-12);
}

TEST(Intervals, PairedDifferenceIsSecondMinusFirst) {
  const std::vector<double> first{1, 2, 3, 4};
  const std::vector<double> second{2, 3, 4, 5};
  base::Random random(1);
  const Estimate d = *BootstrapDifference(first, second, {}, {}, random);
  EXPECT_EQ(d, (Estimate{1, 0, {1, 1}}));
}

TEST(Intervals, BootstrapCoversTheMeanAboutAsOftenAsItSays) {
  base::Random random(11);
  int covered = 0;
  constexpr int kRounds = 400;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> values;
    std::vector<std::uint64_t> keys;
    for (std::uint64_t cluster = 0; cluster < 60; ++cluster) {
      const double shared = random.NextDouble();
      for (int i = 0; i < 3; ++i) {
        values.push_back(shared + random.NextDouble());
        keys.push_back(cluster);
      }
    }
    covered +=
        BootstrapMean(values, keys, {.resamples = 400}, random)->interval.Contains(1) ? 1 : 0;
  }
  EXPECT_GE(covered, 0.91 * kRounds);
  EXPECT_LE(covered, 0.985 * kRounds);
}

}  // namespace
}  // namespace sw::stats
