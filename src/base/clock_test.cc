#include "base/clock.h"

#include <gtest/gtest.h>

#include <limits>

namespace sw::base {
namespace {

TEST(Clock, TimesPrintAndReadBack) {
  for (const char* text :
       {"1970-01-01T00:00:00Z", "2013-06-01T05:00:00Z", "2000-02-29T23:59:59.999999Z",
        "1969-12-31T23:59:59.500Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"}) {
    EXPECT_EQ(FormatTime(ParseTime(text).value()), text);
  }
  EXPECT_EQ(ParseTime("2013-06-01T05:00:00Z").value(), 1370062800 * kSecondUs);
  EXPECT_EQ(FormatTime(std::numeric_limits<TimeUs>::min()), "-9223372036854775808us");
}

TEST(Clock, TakesOffsetsDatesAndSpaces) {
  const TimeUs five = ParseTime("2013-06-01T05:00:00Z").value();
  for (const char* text :
       {"2013-06-01T01:00:00-04:00", "2013-06-01t10:30:00+05:30", "2013-06-01 05:00:00",
        "2013-06-01T05:00:00", "2013-06-01T05:00:00.0000001Z", "2013-06-01T04:59:60Z"}) {
    EXPECT_EQ(ParseTime(text).value(), five) << text;
  }
  EXPECT_EQ(ParseTime("2013-06-01").value(), five - 5 * kHourUs);
  EXPECT_EQ(ParseTime("2013-06-01 05:00:00.25").value(), five + 250 * kMillisecondUs);
}

TEST(Clock, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "2013", "2013-6-1", "2013-02-30", "2013-13-01", "2013-00-01", "2013-01-00", "2013-06-01T",
        "2013-06-01T24:00:00Z", "2013-06-01T05:60:00Z", "2013-06-01T05:00:61Z", "2013-06-01T05:00Z",
        "2013-06-01T05:00:00.Z", "2013-06-01T05:00:00.1234567890Z", "2013-06-01T05:00:00+5:00",
        "2013-06-01T05:00:00Z ", " 2013-06-01", "-013-06-01", "2013-06-01T05:00:00+24:00", "NaT"}) {
    EXPECT_FALSE(ParseTime(text)) << text;
  }
}

TEST(Clock, DurationsPrintTheLargestUnitThatDivides) {
  for (const char* text : {"0", "250ms", "90s", "5m", "1h", "7d", "7us", "36h"}) {
    EXPECT_EQ(FormatDuration(ParseDuration(text).value()), text);
  }
  EXPECT_EQ(FormatDuration(ParseDuration("24h").value()), "1d");
  for (const char* text : {"", "5", "-5m", "5 m", "m", "1.5h", "5mm", "99999999999999999999s", "9223372036854775807d"}) {
    EXPECT_FALSE(ParseDuration(text)) << text;
  }
}

TEST(Clock, ManualClockMovesOnlyForward) {
  ManualClock clock(100);
  EXPECT_TRUE(clock.AdvanceTo(150));
  EXPECT_EQ(clock.AdvanceTo(149).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(clock.Now(), 150);
}

}  // namespace
}  // namespace sw::base
