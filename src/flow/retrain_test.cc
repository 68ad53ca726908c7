#include "flow/retrain.h"

#include <gtest/gtest.h>

namespace sw::flow {
namespace {

TimeUs At(const char* text) { return base::ParseTime(text).value(); }

RetrainDef Monthly() { return {.name = "late", .recipe = "late", .endpoint = "late", .every = "month", .time_zone = "America/New_York"}; }

TEST(NextRetrain, AMonthEndsWhereItsTimeZoneSaysSo) {
  EXPECT_EQ(NextRetrain(Monthly(), At("2013-06-15T00:00:00Z")).value(), At("2013-07-01T04:00:00Z"));
  EXPECT_EQ(NextRetrain(Monthly(), At("2013-07-01T03:59:59Z")).value(), At("2013-07-01T04:00:00Z"));
  EXPECT_EQ(NextRetrain(Monthly(), At("2013-07-01T04:00:00Z")).value(), At("2013-08-01T04:00:00Z"));
}

TEST(NextRetrain, TheYearTurnsAndClocksGoBack) {
  EXPECT_EQ(NextRetrain(Monthly(), At("2013-12-20T00:00:00Z")).value(), At("2014-01-01T05:00:00Z"));
  EXPECT_EQ(NextRetrain(Monthly(), At("2013-10-20T00:00:00Z")).value(), At("2013-11-01T04:00:00Z"));
  EXPECT_EQ(NextRetrain(Monthly(), At("2013-11-20T00:00:00Z")).value(), At("2013-12-01T05:00:00Z"));
}

TEST(NextRetrain, APeriodCountsFromTheEpoch) {
  RetrainDef daily = Monthly();
  daily.every = "24h";
  EXPECT_EQ(NextRetrain(daily, At("2013-06-15T07:00:00Z")).value(), At("2013-06-16T00:00:00Z"));
  EXPECT_EQ(NextRetrain(daily, At("2013-06-16T00:00:00Z")).value(), At("2013-06-17T00:00:00Z"));
}

}  // namespace
}  // namespace sw::flow
