// The example's definitions on the real tables: what is served as flights land is what the join says.
#include <gtest/gtest.h>

#include <algorithm>

#include "feature/feature_store_fixture.h"
#include "feature/flights_for_tests.h"
#include "feature/source.h"

namespace sw::feature {
namespace {

using base::kHourUs;

const std::vector<std::string> kInputs = {"departs", "origin", "carrier", "dest", "tailnum", "distance"};

// Rows of the source's table, and when each departs and lands.
struct Timetable {
  data::Batch raw, derived;
  explicit Timetable(const SourceDef& source) {
    raw = ReadSourceTable(source, FlightsTables()).value();
    raw = raw.Slice(0, 12'000);  // the first two weeks of January
    derived = DeriveRows(source, raw, LoadLookups(source, FlightsTables()).value()).value();
  }
  // Rows whose time in `column` lies in [from, to).
  std::vector<std::size_t> Between(std::string_view column, TimeUs from, TimeUs to) const {
    const data::Column& times = *derived.Find(column);
    std::vector<std::size_t> rows;
    for (std::size_t row = 0; row < times.size(); ++row) {
      if (!times.IsNull(row) && times.Int(row) >= from && times.Int(row) < to) rows.push_back(row);
    }
    return rows;
  }
};

TEST(FeatureFlights, WhatIsServedAsFlightsLandIsWhatTheJoinSays) {
  StoreStory story(FlightsDefinitions(), {.tables_folder = FlightsTables()});
  const Timetable flights(story.definitions()->sources.at("flights"));
  ASSERT_GT(story.store().Load("planes", FlightsTables(), 0)->rows, 3000u);
  ASSERT_GT(story.store().Load("weather", FlightsTables(), base::ParseTime("2013-01-16T00:00:00Z").value())->rows, 1000u);
  data::Batch requests, served, read;
  std::vector<TimeUs> moments;
  TimeUs before = 0;
  for (TimeUs now = base::ParseTime("2013-01-09T00:00:00Z").value(), i = 0; i < 8; ++i, now += 5 * kHourUs) {
    const std::vector<std::size_t> landed = flights.Between("landed", before, now + 1);
    before = now + 1;
    ASSERT_TRUE(story.store().Push("flights", flights.raw.Take(landed), {.durability = store::Durability::kBuffered}).has_value());
    std::vector<std::size_t> leaving = flights.Between("departs", now, now + 2 * kHourUs);
    leaving.resize(std::min<std::size_t>(leaving.size(), 60));
    const data::Batch asked = flights.derived.Take(leaving).Select(kInputs).value();
    const FeatureRead answer = story.Read("late_v1", asked, now);
    const data::Batch& answered = answer.features;
    const data::Batch noted = answer.read.Take(std::vector<std::size_t>(asked.num_rows(), 0));
    i == 0 ? void(requests = asked) : requests.AppendAll(asked);
    i == 0 ? void(served = answered) : served.AppendAll(answered);
    i == 0 ? void(read = noted) : read.AppendAll(noted);
    moments.insert(moments.end(), asked.num_rows(), now);
    if (i == 4) story.Restart();
  }
  const AuditReport report = story.store().Audit("late_v1", {requests, moments, served, read}).value();
  EXPECT_EQ(report.audited, requests.num_rows());
  EXPECT_GT(report.compared, 200u * 30u);
  EXPECT_EQ(report.different, 0u) << (report.examples.empty() ? "" : report.examples[0]);
  for (const char* name : {"origin_delays.mean_24h", "dest_delays.count_7d", "aircraft_delays.last", "weather_now.temp", "plane.seats"}) {
    EXPECT_LT(served.Find(name)->null_count(), served.num_rows() / 2) << name;
  }
}

TEST(FeatureFlights, LoadTakesWhatWasKnownByThenAndNoMore) {
  StoreStory story(FlightsDefinitions(), {.tables_folder = FlightsTables()});
  const TimeUs until = base::ParseTime("2013-01-03T00:00:00Z").value();
  ASSERT_GT(story.store().Load("weather", FlightsTables(), until)->rows, 100u);
  const data::Batch rows = story.store().Rows("weather", {}).value();
  const std::vector<TimeUs> known = AvailabilityOf(rows).value();
  EXPECT_LE(*std::max_element(known.begin(), known.end()), until);
  const TimeUs last = rows.Find("time_hour")->Int(rows.num_rows() - 1);
  EXPECT_EQ(last, until - kHourUs);  // published an hour later
  EXPECT_EQ(story.store().Load("weather", FlightsTables(), until)->rows, 0u);
}

}  // namespace
}  // namespace sw::feature
