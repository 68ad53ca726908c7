#include "monitor/realised_loss.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/random.h"

namespace sw::monitor {
namespace {

using base::kDayUs;
using base::kHourUs;

MonitorPolicy Policy() {
  return {.name = "late", .endpoint = "late", .tolerance = 0.05, .alpha = 0.05, .block = kDayUs,
          .censor_after = 2 * kDayUs, .block_rows_min = 2};
}

// Days of predictions at one score, labelled six hours later.
void PlayDay(RealisedLoss& loss, int day, double score, int rows = 20) {
  for (int i = 0; i < rows; ++i) {
    const std::string id = fmt::format("{}-{}", day, i);
    loss.Predicted(id, day * kDayUs + i, score);
    loss.Labelled(id, 0);
  }
  ASSERT_TRUE(loss.AdvanceTo((day + 1) * kDayUs));
}

TEST(RealisedLoss, ABlockWaitsForItsLastLabel) {
  RealisedLoss loss = RealisedLoss::Create(Policy(), 0.1).value();
  for (const char* id : {"a", "b", "c"}) loss.Predicted(id, kHourUs, 0.5);
  EXPECT_TRUE(loss.Labelled("a", 1));
  EXPECT_TRUE(loss.Labelled("b", 0));
  ASSERT_TRUE(loss.AdvanceTo(kDayUs + kHourUs));
  EXPECT_TRUE(loss.blocks().empty());
  EXPECT_TRUE(loss.Labelled("c", 0));
  ASSERT_TRUE(loss.AdvanceTo(kDayUs + kHourUs));
  ASSERT_EQ(loss.blocks().size(), 1U);
  EXPECT_EQ(loss.blocks()[0].labelled, 3U);
  EXPECT_EQ(loss.blocks()[0].loss, 0.25);
}

TEST(RealisedLoss, WhatIsNeverLabelledIsCensoredAndNothingWaitsForIt) {
  RealisedLoss loss = RealisedLoss::Create(Policy(), 0.1).value();
  loss.Predicted("cancelled", 0, 0.9);
  loss.Predicted("landed", 0, 0.5);
  EXPECT_TRUE(loss.Labelled("landed", 0));
  ASSERT_TRUE(loss.AdvanceTo(2 * kDayUs));
  ASSERT_EQ(loss.blocks().size(), 1U);
  EXPECT_EQ(loss.blocks()[0].censored, 1U);
  EXPECT_FALSE(loss.Labelled("cancelled", 1)) << "given up already";
}

TEST(RealisedLoss, AnUnknownOrRepeatedLabelCountsForNothing) {
  RealisedLoss loss = RealisedLoss::Create(Policy(), 0.1).value();
  EXPECT_FALSE(loss.Labelled("nobody", 1));
  loss.Predicted("a", 0, 0.5);
  EXPECT_TRUE(loss.Labelled("a", 1));
  EXPECT_FALSE(loss.Labelled("a", 0));
}

TEST(RealisedLoss, AlarmsOnALossAboveWhatIsTolerated) {
  RealisedLoss loss = RealisedLoss::Create(Policy(), 0.1).value();
  for (int day = 0; day < 10; ++day) PlayDay(loss, day, 0.3);  // 0.09: fine
  EXPECT_FALSE(loss.IsAlarmed());
  int day = 10;
  while (!loss.IsAlarmed() && day < 40) PlayDay(loss, day++, 0.8);  // 0.64
  EXPECT_LT(day, 16);
  EXPECT_GE(loss.SinceChange().front().from, 9 * kDayUs);
}

TEST(RealisedLoss, AtTheToleratedLossAlarmsAreNoMoreThanPromised) {
  base::Random random(5);
  int alarms = 0;
  constexpr int kYears = 40;
  for (int year = 0; year < kYears; ++year) {
    RealisedLoss loss = RealisedLoss::Create(Policy(), 0.2).value();  // alarms above 0.25
    for (int day = 0; day < 100; ++day) {
      PlayDay(loss, day, random.Below(2) == 0 ? 0.0 : 0.7071, 2);     // mean 0.25
      if (!loss.IsAlarmed()) continue;
      ++alarms;
      ASSERT_TRUE(loss.Restart(0.2));
    }
  }
  EXPECT_LE(alarms, kYears * 100 * 0.05);  // one in 1 / alpha blocks
}

}  // namespace
}  // namespace sw::monitor
