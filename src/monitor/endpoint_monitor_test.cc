#include "monitor/endpoint_monitor.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/random.h"

namespace sw::monitor {
namespace {

using base::kDayUs;
using base::kHourUs;

// A world in which half of the rows are late, the score is right, and it leans on the pressure.
class World {
 public:
  static double Score(double pressure, double wind) { return pressure < 900 ? 0.9 : wind > 10 ? 0.6 : 0.2; }

  World() : monitor_(EndpointMonitor::Create(Policy(), MakeReference()).value()) {}

  static MonitorPolicy Policy() { return {.name = "late", .endpoint = "late", .tolerance = 0.05, .alpha = 0.01}; }

  static Reference MakeReference() {
    data::Batch table(Schema());
    base::Random random(1);
    for (int i = 0; i < 500; ++i) AppendFeatures(table, random, 1.0);
    Reference reference{.version = 3, .loss = 0.2, .calibrator = {}, .contract = {}, .profile = data::ProfileTable(table)};
    reference.contract = data::LearnContract(reference.profile, table);
    return reference;
  }

  // One hour of traffic: fifty rows, their labels, and the hourly look.
  void Hour(double pressure_scale, double late_more = 0, bool is_labelled = true) {
    store::LogRows rows, labels;
    rows.columns = data::Batch(LogSchema());
    labels.columns = data::Batch(data::Schema{{{"label", data::Type::kFloat64}}});
    data::Batch features(Schema());
    for (int i = 0; i < 50; ++i) {
      AppendFeatures(features, random_, pressure_scale);
      const double pressure = features.column(0).Double(features.num_rows() - 1);
      const double wind = features.column(1).Double(features.num_rows() - 1);
      const std::string id = fmt::format("{}-{}", hour_, i);
      rows.event_time.push_back(now_ + i);
      rows.id.push_back(id);
      rows.columns.column(0).AppendInt(3);
      rows.columns.column(1).AppendDouble(Score(pressure, wind));
      rows.columns.column(2).AppendDouble(pressure);
      rows.columns.column(3).AppendDouble(wind);
      labels.event_time.push_back(now_ + kHourUs);
      labels.id.push_back(id);
      const double truth = Score(pressure / pressure_scale, wind) + late_more;
      labels.columns.column(0).AppendDouble(random_.NextDouble() < truth ? 1 : 0);
    }
    ASSERT_TRUE(monitor_.Observe(rows));
    ++hour_;
    now_ += kHourUs;
    if (is_labelled) {
      ASSERT_TRUE(monitor_.ObserveLabels(labels));
    }
    const std::vector<Incident> changed = monitor_.Evaluate(now_, rescore_).value();
    for (const Incident& incident : changed) incidents_[incident.id] = incident;
  }

  std::size_t Pages() const {
    std::size_t pages = 0;
    for (const auto& [id, incident] : incidents_) pages += incident.severity == "page" ? 1 : 0;
    return pages;
  }

  EndpointMonitor& monitor() { return monitor_; }
  TimeUs now() const { return now_; }
  const std::map<std::string, Incident>& incidents() const { return incidents_; }

 private:
  static data::Schema Schema() { return {{{"pressure", data::Type::kFloat64}, {"wind", data::Type::kFloat64}}}; }
  static data::Schema LogSchema() {
    return {{{"version", data::Type::kInt64}, {"score", data::Type::kFloat64}, {"x.pressure", data::Type::kFloat64},
             {"x.wind", data::Type::kFloat64}}};
  }
  static void AppendFeatures(data::Batch& batch, base::Random& random, double pressure_scale) {
    batch.column(0).AppendDouble((1000 + 30 * random.NextDouble()) * pressure_scale);
    batch.column(1).AppendDouble(20 * random.NextDouble());
  }

  EndpointMonitor monitor_;
  base::Random random_{2};
  TimeUs now_ = 0;
  int hour_ = 0;
  std::map<std::string, Incident> incidents_;
  Rescore rescore_ = [](std::int64_t, const data::Batch& features) -> Result<std::vector<double>> {
    std::vector<double> scores;
    for (std::size_t i = 0; i < features.num_rows(); ++i) {
      scores.push_back(Score(features.column(0).Double(i), features.column(1).Double(i)));
    }
    return scores;
  };
};

constexpr double kInchesPerHectopascal = 1 / 33.8639;

TEST(EndpointMonitor, StaysSilentWhileNothingIsWrong) {
  World world;
  for (int hour = 0; hour < 24 * 30; ++hour) world.Hour(1);
  EXPECT_TRUE(world.incidents().empty());
  EXPECT_EQ(world.monitor().realised().blocks().size(), 30U);
}

TEST(EndpointMonitor, NamesAColumnThatChangedItsUnitWithinTheHour) {
  World world;
  for (int hour = 0; hour < 50; ++hour) world.Hour(1);
  const TimeUs fault_at = world.now();
  world.Hour(kInchesPerHectopascal);
  ASSERT_EQ(world.incidents().size(), 1U);
  const Incident& incident = world.incidents().begin()->second;
  EXPECT_EQ(incident.severity, "page");
  EXPECT_EQ(incident.culprits[0].name, "pressure");
  EXPECT_EQ(incident.since_hi, fault_at);
  EXPECT_LT(incident.since_lo, fault_at);
  EXPECT_EQ(incident.exposed, 50U);
  const double truth = 0.5 * 0.3 * 0.3 + 0.5 * 0.7 * 0.7;  // (p - q)^2 over the two winds
  EXPECT_NEAR(incident.harm, truth, 0.08);
  EXPECT_LT(incident.harm_lo, truth);
  EXPECT_GT(incident.harm_hi, truth);
}

// The last good value may have been a rare one; a week later it says nothing of what was lost.
TEST(EndpointMonitor, TheHarmIsMeasuredAgainstWhatTheColumnUsuallyIs) {
  World usual, rare;
  for (int hour = 0; hour < 50; ++hour) usual.Hour(1);
  for (int hour = 0; hour < 49; ++hour) rare.Hour(1);
  rare.Hour(0.985);  // pressures of 985 to 1014: low, and within the contract
  for (int hour = 0; hour < 10; ++hour) {
    usual.Hour(kInchesPerHectopascal);
    rare.Hour(kInchesPerHectopascal);
  }
  EXPECT_NEAR(usual.incidents().begin()->second.harm, rare.incidents().begin()->second.harm, 0.03);
}

TEST(TypicalValues, AreTheMiddlesOfEightEqualParts) {
  data::Batch table(data::Schema{{{"x", data::Type::kFloat64}, {"n", data::Type::kInt64}, {"s", data::Type::kString}}});
  for (int i = 0; i <= 1000; ++i) {
    table.column(0).AppendDouble(i);
    table.column(1).AppendInt(i);
    table.column(2).AppendString("a");
  }
  const data::Profile profile = data::ProfileTable(table);
  const data::Column x = TypicalValues(profile.columns[0]);
  ASSERT_EQ(x.size(), 8U);
  EXPECT_NEAR(x.Double(0), 62.5, 2);
  EXPECT_NEAR(x.Double(7), 937.5, 2);
  EXPECT_EQ(TypicalValues(profile.columns[1]).size(), 8U);
  EXPECT_EQ(TypicalValues(profile.columns[2]).size(), 0U);
}

TEST(EndpointMonitor, GoesOnCountingWhoWasExposedAndClosesWhenTheFaultEnds) {
  World world;
  for (int hour = 0; hour < 10; ++hour) world.Hour(1);
  for (int hour = 0; hour < 3; ++hour) world.Hour(kInchesPerHectopascal);
  EXPECT_EQ(world.incidents().begin()->second.exposed, 150U);
  EXPECT_TRUE(world.monitor().HasOpenPage());
  for (int hour = 0; hour < 30; ++hour) world.Hour(1);
  EXPECT_EQ(world.incidents().begin()->second.state, "closed");
  EXPECT_FALSE(world.monitor().HasOpenPage());
}

TEST(EndpointMonitor, PagesOnRealisedLossThatNoInputExplains) {
  World world;
  for (int hour = 0; hour < 24 * 5; ++hour) world.Hour(1);
  EXPECT_EQ(world.Pages(), 0U);
  for (int hour = 0; hour < 24 * 25; ++hour) world.Hour(1, 0.6);
  ASSERT_GE(world.Pages(), 1U);
  const Incident& page = world.incidents().begin()->second;
  EXPECT_EQ(page.stage, "drift");
  EXPECT_GT(page.evidence.DoubleOr("realised_loss", 0), 0.25);
  EXPECT_GT(page.harm, 0.05);
}

TEST(EndpointMonitor, BlocksWithoutLabelsDoNotCloseALossPage) {
  World world;
  for (int hour = 0; hour < 24 * 5; ++hour) world.Hour(1);
  for (int hour = 0; hour < 24 * 25; ++hour) world.Hour(1, 0.6);
  ASSERT_TRUE(world.monitor().HasOpenPage());
  for (int hour = 0; hour < 24 * 10; ++hour) world.Hour(1, 0, false);
  EXPECT_TRUE(world.monitor().HasOpenPage()) << "nothing was learnt about the loss";
  for (int hour = 0; hour < 24 * 6; ++hour) world.Hour(1);
  EXPECT_FALSE(world.monitor().HasOpenPage());
}

TEST(EndpointMonitor, AFaultStaysOpenWhenAnotherVersionGoesLive) {
  World world;
  for (int hour = 0; hour < 10; ++hour) world.Hour(1);
  for (int hour = 0; hour < 3; ++hour) world.Hour(kInchesPerHectopascal);
  const std::string id = world.incidents().begin()->first;
  Reference next = World::MakeReference();
  next.version = 4;
  ASSERT_TRUE(world.monitor().Replace(next));
  EXPECT_TRUE(world.monitor().HasOpenFault());
  world.Hour(kInchesPerHectopascal);
  ASSERT_EQ(world.incidents().size(), 1U);
  EXPECT_EQ(world.incidents().at(id).state, "open");
  EXPECT_EQ(world.incidents().at(id).exposed, 200U);
  for (int hour = 0; hour < 30; ++hour) world.Hour(1);
  EXPECT_EQ(world.incidents().at(id).state, "closed");
}

TEST(EndpointMonitor, AFaultClosesWhenItsRowsKeepTheNewContract) {
  World world;
  for (int hour = 0; hour < 10; ++hour) world.Hour(1);
  for (int hour = 0; hour < 3; ++hour) world.Hour(kInchesPerHectopascal);
  Reference next = World::MakeReference();
  for (data::ColumnContract& column : next.contract.columns) column.min = 0;
  ASSERT_TRUE(world.monitor().Replace(next));
  for (int hour = 0; hour < 5; ++hour) world.Hour(kInchesPerHectopascal);
  EXPECT_EQ(world.incidents().begin()->second.state, "closed");
}

TEST(EndpointMonitor, AnIdSaysWhatTheIncidentIsAboutAndNotHowManyCameBefore) {
  World world, other;
  for (int hour = 0; hour < 10; ++hour) world.Hour(1);
  world.Hour(1, 0, false);  // other labels, the same fault
  world.Hour(kInchesPerHectopascal);
  for (int hour = 0; hour < 11; ++hour) other.Hour(1);
  other.Hour(kInchesPerHectopascal);
  EXPECT_EQ(world.incidents().begin()->first, other.incidents().begin()->first);
  EXPECT_EQ(world.monitor().OpenIds(), std::set<std::string>{world.incidents().begin()->first});
}

TEST(EndpointMonitor, ReplayGivesTheSameIncidents) {
  const auto play = [] {
    World world;
    for (int hour = 0; hour < 5; ++hour) world.Hour(1);
    for (int hour = 0; hour < 5; ++hour) world.Hour(kInchesPerHectopascal);
    return world.incidents();
  };
  EXPECT_EQ(play(), play());
}

}  // namespace
}  // namespace sw::monitor
