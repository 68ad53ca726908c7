// What an endpoint serves is recomputed each night, and what is not as its rows say pages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "flow/flow_world.h"

namespace sw::flow {
namespace {

using base::kDayUs;
using base::kHourUs;
using data::Type;
using testing::HasSubstr;

constexpr const char* kAudited = R"json({
  "source": {"calls": {"event_time": "at", "types": {"ship": "string", "at": "timestamp", "crew": "int64"}}},
  "entity": {"ship": {"keys": {"ship": "string"}}},
  "view": {"crew": {"entity": "ship", "source": "calls", "features": {"sum_2h": {"agg": "sum(crew)", "window": "2h"}}}},
  "service": {"crew": {"features": ["crew.sum_2h"]}},
  "endpoint": {"late": {"service": "crew"}}})json";

class Nights {
 public:
  explicit Nights(const std::string& config = kAudited) : world_(config) {}

  void Push(TimeUs at, std::int64_t crew) {
    data::Batch rows(data::Schema{{{"ship", Type::kString}, {"at", Type::kTimestamp}, {"crew", Type::kInt64}}});
    rows.column(0).AppendString("Aida");
    rows.column(1).AppendInt(at);
    rows.column(2).AppendInt(crew);
    world_.features().Push("calls", rows, {}).value();
  }
  // As an endpoint would: reads the features, and logs them with what they are of. `flipped` bits change on the way.
  void Serve(std::int64_t flipped = 0) {
    data::Batch requests(data::Schema{{{"ship", Type::kString}}});
    requests.column(0).AppendString("Aida");
    feature::FeatureRead answer;
    world_.features().ReadOnline("crew", requests, now(), [&](Result<feature::FeatureRead> read) { answer = std::move(read).value(); });
    store::LogRows rows{.event_time = {now()}, .id = {fmt::format("request-{}", ++served_)}, .columns = {}};
    rows.columns.AddColumn({"in.ship", Type::kString}, requests.column(0));
    data::Column sum(Type::kInt64);
    answer.features.column(0).IsNull(0) ? sum.AppendNull() : sum.AppendInt(answer.features.column(0).Int(0) ^ flipped);
    rows.columns.AddColumn({"x.crew.sum_2h", Type::kInt64}, std::move(sum));
    for (std::size_t i = 0; i < answer.read.num_columns(); ++i) {
      const data::Field& field = answer.read.schema().fields[i];
      rows.columns.AddColumn({"read." + field.name, field.type}, answer.read.column(i));
    }
    world_.data().logbook().Declare({.name = "predictions/late"}).value();
    world_.data().logbook().Append({.stream = "predictions/late", .producer = {}, .rows = std::move(rows)}, store::Durability::kBuffered).value();
  }
  Json Night() {
    world_.Pass(kDayUs);
    world_.flow().RunDue(now()).value();
    const Json audits = world_.flow().Audits({}, "late").value();
    return audits.size() == 0 ? Json() : audits.AsArray()[0];
  }
  TimeUs now() { return world_.clock().Now(); }
  FlowWorld& world() { return world_; }

 private:
  FlowWorld world_;
  int served_ = 0;
};

TEST(Audits, ANightRecomputesWhatWasServedSinceTheLast) {
  Nights nights;
  nights.Push(nights.now() - kHourUs, 3);
  nights.Serve();
  Json report = nights.Night();
  EXPECT_EQ(report.IntOr("audited", 0), 1) << report.Dump();
  EXPECT_EQ(report.IntOr("different", -1), 0);
  EXPECT_EQ(report.Find("coverage")->AsDouble(), 1.0);
  nights.Serve();
  nights.Serve();
  report = nights.Night();
  EXPECT_EQ(report.IntOr("audited", 0), 2) << report.Dump();
  EXPECT_TRUE(nights.world().Incidents().empty());
  nights.world().Restart();
  nights.Serve();
  EXPECT_EQ(nights.Night().IntOr("audited", 0), 1);
}

TEST(Audits, OneFlippedBitPagesAndACleanNightClosesThePage) {
  Nights nights;
  nights.Push(nights.now() - kHourUs, 3);
  nights.Serve();
  nights.Serve(4);
  EXPECT_EQ(nights.Night().IntOr("different", 0), 1);
  const auto incidents = nights.world().Incidents();
  ASSERT_EQ(incidents.size(), 1u);
  const monitor::Incident& page = incidents.begin()->second;
  EXPECT_EQ(page.state, "open");
  EXPECT_EQ(page.severity, "page");
  EXPECT_EQ(page.stage, "feature");
  EXPECT_THAT(page.summary, HasSubstr("1 of 2 feature values that late served are not what the rows of the logbook give: "
                                      "request-2: crew.sum_2h was served as 7, recomputed as 3"));
  nights.world().Restart();
  ASSERT_TRUE(nights.world().Configure(kAudited).has_value());
  EXPECT_EQ(nights.world().Incidents().begin()->second.state, "open") << "no monitor watches it, and it is no monitor's";
  nights.Serve();
  nights.Night();
  EXPECT_EQ(nights.world().Incidents().begin()->second.state, "closed");
}

TEST(Audits, LateRowsAreToldByFeatureAndPageNobody) {
  Nights nights;
  nights.Push(nights.now() - kHourUs, 3);
  nights.Serve();
  nights.Push(nights.now() - kHourUs / 2, 5);
  const Json report = nights.Night();
  EXPECT_EQ(report.IntOr("different", -1), 0) << report.Dump();
  const Json& late = report.Find("changed_by_late_rows")->AsArray().at(0);
  EXPECT_EQ(late.StringOr("feature", ""), "crew.sum_2h");
  EXPECT_EQ(late.IntOr("changed", 0), 1);
  EXPECT_TRUE(nights.world().Incidents().empty());
}

TEST(Audits, ADefinitionThatChangedIsNotCalledEqual) {
  Nights nights;
  nights.Push(nights.now() - kHourUs, 3);
  nights.Serve();
  std::string changed = kAudited;
  changed.replace(changed.find("\"2h\""), 4, "\"3h\"");
  ASSERT_TRUE(nights.world().Configure(changed).has_value());
  const Json report = nights.Night();
  EXPECT_EQ(report.IntOr("of_other_definition", 0), 1) << report.Dump();
  EXPECT_EQ(report.IntOr("audited", -1), 0);
  EXPECT_EQ(report.Find("coverage")->AsDouble(), 0.0);
}

TEST(Audits, AreNotMadeWhereTheyAreTurnedOff) {
  std::string config = kAudited;
  config.replace(config.find("\"service\": \"crew\""), 17, "\"service\": \"crew\", \"audit\": false");
  Nights nights(config);
  nights.Push(nights.now() - kHourUs, 3);
  nights.Serve();
  EXPECT_TRUE(nights.Night().IsNull());
}

}  // namespace
}  // namespace sw::flow
