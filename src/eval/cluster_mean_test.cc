#include "eval/cluster_mean.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/random.h"
#include "eval/losses.h"
#include "eval/reference_rows.h"
#include "stats/distributions.h"

namespace sw::eval {
namespace {

std::vector<std::size_t> AllRows(std::size_t count) {
  std::vector<std::size_t> rows(count);
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  return rows;
}

TEST(StudentQuantile, EqualsScipy) {
  const struct {
    double probability, freedom, t;
  } cases[] = {{0.95, 1, 6.313751514675037},    {0.975, 5, 2.5705818356363146},
               {0.999, 30, 3.3851848668293045}, {0.05, 9, -1.8331129326562376},
               {0.6, 200, 0.25368437919014747}, {0.9999, 3, 22.203742273205}};
  for (const auto& [probability, freedom, t] : cases) {
    EXPECT_NEAR(StudentQuantile(probability, freedom), t, 1e-9 * std::abs(t));
  }
  EXPECT_EQ(StudentQuantile(0.5, 4), 0);
}

TEST(MeanOverClusters, EqualsTheJackknifeFromItsDefinition) {
  const ReferenceRows rows;
  std::vector<double> difference = BrierLosses({rows.other, rows.labels});
  const std::vector<double> champion = BrierLosses({rows.scores, rows.labels});
  std::vector<std::uint64_t> uneven;
  for (std::size_t i = 0; i < difference.size(); ++i) {
    difference[i] -= champion[i];
    uneven.push_back(std::min<std::uint64_t>(i / 7, 9));
  }
  const ClusterMean mean = MeanOverClusters(difference, uneven, AllRows(240));
  EXPECT_EQ(mean.clusters, 10U);
  EXPECT_NEAR(mean.mean, 0.16661666666666666, 1e-14);
  EXPECT_NEAR(mean.standard_error, 0.014229308512054634, 1e-14);
  EXPECT_NEAR(mean.Upper(0.05), 0.1927005961228695, 1e-12);
}

TEST(MeanOverClusters, OneClusterHasNoError) {
  const std::vector<double> values = {1, 2, 3};
  const std::vector<std::uint64_t> keys = {7, 7, 7};
  const ClusterMean mean = MeanOverClusters(values, keys, AllRows(3));
  EXPECT_EQ(mean.mean, 2);
  EXPECT_EQ(mean.clusters, 1U);
  EXPECT_EQ(MeanOverClusters(values, keys, {}).rows, 0U);
}

// Days that differ more than their rows do: rows taken as independent would be wrong half the time.
TEST(MeanOverClusters, BoundsAreWrongAsOftenAsTheySay) {
  base::Random random(20130601);
  const auto normal = [&] { return stats::NormalQuantile(random.NextDouble() * 0.999999 + 5e-7); };
  constexpr int kTrials = 4000;
  int above = 0;
  int below = 0;
  int independent_above = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> values;
    std::vector<std::uint64_t> days;
    for (std::uint64_t day = 0; day < 10; ++day) {
      const double shift = 0.3 * normal();
      const std::uint64_t rows = 10 + random.Below(20);
      for (std::uint64_t row = 0; row < rows; ++row) {
        values.push_back(shift + 0.5 * normal());
        days.push_back(day);
      }
    }
    const auto rows = AllRows(values.size());
    const ClusterMean mean = MeanOverClusters(values, days, rows);
    above += mean.Upper(0.05) < 0;
    below += mean.Lower(0.05) > 0;
    independent_above += MeanOverClusters(values, {}, rows).Upper(0.05) < 0;
  }
  EXPECT_GT(above, kTrials * 0.035);
  EXPECT_LT(above, kTrials * 0.06);
  EXPECT_GT(below, kTrials * 0.035);
  EXPECT_LT(below, kTrials * 0.06);
  EXPECT_GT(independent_above, kTrials * 0.2) << "the days matter in this simulation";
}

}  // namespace
}  // namespace sw::eval
