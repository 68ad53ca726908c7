#include "feature/time_zone.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace sw::feature {
namespace {

using base::FormatTime;

TimeZone Zone(std::string_view name) { return TimeZone::Find(name).value(); }

struct Case {
  const char* zone;
  CivilTime civil;
  const char* utc;
};

// Expected values: Python's zoneinfo, fold=0.
TEST(TimeZone, GivesTheSameInstantsAsPython) {
  const Case cases[] = {
      {"America/New_York", {2013, 1, 1, 5, 15, 0}, "2013-01-01T10:15:00Z"},
      {"America/New_York", {2013, 7, 1, 5, 15, 0}, "2013-07-01T09:15:00Z"},
      {"America/Phoenix", {2013, 7, 1, 12, 0, 0}, "2013-07-01T19:00:00Z"},  // no daylight saving
      {"America/Phoenix", {2013, 1, 1, 12, 0, 0}, "2013-01-01T19:00:00Z"},
      {"Pacific/Honolulu", {2013, 7, 1, 12, 0, 0}, "2013-07-01T22:00:00Z"},
      {"Asia/Kathmandu", {2013, 7, 1, 0, 0, 0}, "2013-06-30T18:15:00Z"},
      {"UTC", {1969, 12, 31, 23, 59, 59}, "1969-12-31T23:59:59Z"},
  };
  for (const Case& each : cases) {
    const TimeUs time = Zone(each.zone).TimeOf(each.civil).value();
    EXPECT_EQ(FormatTime(time), each.utc) << each.zone;
    EXPECT_EQ(Zone(each.zone).CivilOf(time), each.civil) << each.zone;
  }
}

TEST(TimeZone, ATimeInTheGapGoesByTheOffsetBeforeIt) {
  const TimeZone zone = Zone("America/New_York");
  EXPECT_EQ(FormatTime(zone.TimeOf({2013, 3, 10, 1, 59, 59}).value()), "2013-03-10T06:59:59Z");
  const TimeUs skipped = zone.TimeOf({2013, 3, 10, 2, 30, 0}).value();
  EXPECT_EQ(FormatTime(skipped), "2013-03-10T07:30:00Z");
  EXPECT_EQ(zone.CivilOf(skipped), (CivilTime{2013, 3, 10, 3, 30, 0}));
  EXPECT_EQ(FormatTime(zone.TimeOf({2013, 3, 10, 3, 0, 0}).value()), "2013-03-10T07:00:00Z");
}

TEST(TimeZone, ARepeatedTimeIsItsFirstOccurrence) {
  const TimeZone zone = Zone("America/New_York");
  EXPECT_EQ(FormatTime(zone.TimeOf({2013, 11, 3, 1, 30, 0}).value()), "2013-11-03T05:30:00Z");
  EXPECT_EQ(FormatTime(zone.TimeOf({2013, 11, 3, 2, 0, 0}).value()), "2013-11-03T07:00:00Z");
  EXPECT_EQ(zone.CivilOf(base::ParseTime("2013-11-03T06:30:00Z").value()),
            (CivilTime{2013, 11, 3, 1, 30, 0}));
}

TEST(TimeZone, FieldsOverflowIntoTheNext) {
  const TimeZone zone = Zone("America/New_York");
  const auto at = [&](const CivilTime& civil) { return FormatTime(zone.TimeOf(civil).value()); };
  EXPECT_EQ(at({2013, 4, 31, 0, 0, 0}), at({2013, 5, 1, 0, 0, 0}));
  EXPECT_EQ(at({2013, 12, 32, 0, 5, 0}), at({2014, 1, 1, 0, 5, 0}));
  EXPECT_EQ(at({2012, 2, 30, 0, 0, 0}), at({2012, 3, 1, 0, 0, 0}));
  EXPECT_EQ(at({2013, 3, 9, 24, 0, 0}), at({2013, 3, 10, 0, 0, 0}));
  EXPECT_EQ(at({2013, 0, 1, 0, -1, 0}), at({2012, 11, 30, 23, 59, 0}));
}

TEST(TimeZone, RefusesTimesThatHaveNoForm) {
  constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();
  for (const CivilTime& civil :
       {CivilTime{kHuge, 1, 1}, CivilTime{2013, -kHuge, 1}, CivilTime{2013, 1, kHuge},
        CivilTime{10000, 1, 1}, CivilTime{0, 12, 31}, CivilTime{9999, 12, 32}}) {
    EXPECT_FALSE(Zone("UTC").TimeOf(civil).has_value()) << civil.year;
  }
}

TEST(TimeZone, NamesStayInsideOfTheFolderOfZones) {
  const std::string long_name(10'000, 'A');
  const std::string_view names[] = {"",
                                    "/etc/passwd",
                                    "../../../etc/passwd",
                                    "America/../America/New_York",
                                    "./UTC",
                                    "America//New_York",
                                    "America/",
                                    "America",
                                    "file:/etc/passwd",
                                    "localtime\n",
                                    "zone.tab",
                                    "Fixed/UTC+05:00:00",
                                    "EST5EDT,M3.2.0",
                                    std::string_view("UTC\0x", 5),
                                    long_name};
  for (const std::string_view name : names) {
    EXPECT_FALSE(TimeZone::Find(name).has_value()) << name;
  }
}

TEST(TimeZone, AnUnknownNameComesWithNearMisses) {
  const auto zone = TimeZone::Find("America/New_Yrok");
  ASSERT_FALSE(zone.has_value());
  EXPECT_EQ(zone.error().message,
            "no time zone \"America/New_Yrok\"; did you mean America/New_York?");
}

TEST(TimeZone, WeeksBeginOnMonday) {
  EXPECT_EQ(Weekday({2013, 1, 1}), 1);  // a Tuesday
  EXPECT_EQ(Weekday({2013, 1, 6}), 6);
  EXPECT_EQ(Weekday({2013, 1, 7}), 0);
}

TEST(TimeZone, FarTimesHaveACivilTime) {
  EXPECT_GT(Zone("America/New_York").CivilOf(std::numeric_limits<TimeUs>::max()).year, 9999);
  EXPECT_LT(Zone("America/New_York").CivilOf(std::numeric_limits<TimeUs>::min()).year, 0);
}

}  // namespace
}  // namespace sw::feature
