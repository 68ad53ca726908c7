#include "monitor/estimated_loss.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"

namespace sw::monitor {
namespace {

using base::kDayUs;

TEST(EstimatedLoss, IsTheExpectationUnderTheCalibrator) {
  EstimatedLoss estimated(kDayUs, {.scores = {0, 1}, .values = {0.1, 0.9}});
  estimated.Predicted(5, 0.5);
  estimated.Predicted(6, 1);
  const auto blocks = estimated.Blocks({}, 0.05);
  ASSERT_EQ(blocks.size(), 1U);
  EXPECT_DOUBLE_EQ(blocks[0].loss, (0.25 + 0.1) / 2);  // a score of 1 is wrong once in ten
  EXPECT_EQ(blocks[0].predictions, 2U);
  EXPECT_FALSE(blocks[0].interval.has_value());
}

TEST(EstimatedLoss, LeavesOutWhatIsNoProbability) {
  EstimatedLoss estimated(kDayUs, {});
  for (const double score : {std::nan(""), -0.1, 1.1, HUGE_VAL}) estimated.Predicted(0, score);
  EXPECT_TRUE(estimated.Blocks({}, 0.05).empty());
}

// Days that share a shock: scores promise `p`, a day's truth is p plus its own shift.
double CoverageOf(double shock, std::uint64_t seed) {
  base::Random random(seed);
  constexpr int kDays = 400, kRows = 200;
  EstimatedLoss estimated(kDayUs, {});
  std::vector<LossBlock> realised;
  for (int day = 0; day < kDays; ++day) {
    const double shift = shock * (random.NextDouble() < 0.5 ? -1 : 1);
    double loss = 0;
    for (int row = 0; row < kRows; ++row) {
      const double score = 0.2 + 0.4 * random.NextDouble();
      estimated.Predicted(day * kDayUs + row, score);
      const double label = random.NextDouble() < score + shift ? 1 : 0;
      loss += (score - label) * (score - label) / kRows;
    }
    realised.push_back({.from = day * kDayUs, .to = (day + 1) * kDayUs, .predictions = kRows, .labelled = kRows, .loss = loss});
  }
  const auto blocks = estimated.Blocks(realised, 0.05);
  double covered = 0, judged = 0;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (!blocks[i].interval) continue;
    ++judged;
    covered += blocks[i].interval->low <= realised[i].loss && realised[i].loss <= blocks[i].interval->high ? 1 : 0;
  }
  EXPECT_EQ(judged, kDays - static_cast<int>(EstimatedLoss::kResidualsMin));
  return covered / judged;
}

TEST(EstimatedLoss, TheIntervalHoldsTheRealisedLossWhetherRowsOrDaysVary) {
  for (const double shock : {0.0, 0.05, 0.15}) EXPECT_THAT(CoverageOf(shock, 7), testing::AllOf(testing::Ge(0.92), testing::Le(1.0))) << shock;
}

}  // namespace
}  // namespace sw::monitor
