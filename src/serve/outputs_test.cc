#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "serve/fakes.h"

namespace sw::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

PredictRequest Request(std::vector<DelayRow> rows) { return {.endpoint = "late", .rows = DelayRows(rows)}; }

std::vector<std::string> ColumnsOf(const LoggedRows& rows) {
  std::vector<std::string> names;
  for (const data::Field& field : rows.columns.schema().fields) names.push_back(field.name);
  return names;
}

TEST(Outputs, AreNamedOrNumbered) {
  const Outputs named{.count = 2, .names = {"no", "yes"}}, bare{.count = 2};
  EXPECT_EQ(named.Label(1), "yes");
  EXPECT_EQ(bare.Label(1), "1");
}

TEST(Outputs, TheGreatestIsTheFirstOfEqualsAndNothingBesideNaN) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto greatest = [](std::vector<double> scores) { return Outputs::Greatest(scores); };
  EXPECT_EQ(greatest({0.2, 0.5, 0.3}), 1U);
  EXPECT_EQ(greatest({0.1, 0.45, 0.45}), 1U);
  EXPECT_EQ(greatest({-1, -std::numeric_limits<double>::infinity()}), 0U);
  EXPECT_EQ(greatest({0.1, nan, 0.9}), std::nullopt);
  EXPECT_EQ(greatest({nan, 0.9}), std::nullopt);
}

TEST(Outputs, ARowCountsAsOneForEverySixtyFour) {
  EXPECT_EQ(Outputs{.count = 1}.weight(), 1U);
  EXPECT_EQ(Outputs{.count = 64}.weight(), 1U);
  EXPECT_EQ(Outputs{.count = 65}.weight(), 2U);
}

TEST(OutputsOfAnEndpoint, EveryRowIsAnsweredWithAllOfThem) {
  ServeFixture serve(LateEndpoint(ClassesPackage()));
  const PredictResult result = serve.Predict(Request({{"N1", 3}, {"N2", 20}})).value();
  EXPECT_EQ(result.outputs->names, (std::vector<std::string>{"early", "on time", "late"}));
  EXPECT_TRUE(result.outputs->are_classes);
  EXPECT_THAT(result.scores, ElementsAre(0.5, 0.5, 0, 0, 1, 0));
  EXPECT_THAT(result.ScoresOf(1), ElementsAre(0, 1, 0));
  EXPECT_THAT(result.decisions, IsEmpty());  // no threshold decides between three
}

TEST(OutputsOfAnEndpoint, OfTargetsAreNoClasses) {
  ServeFixture serve(LateEndpoint(TargetsPackage()));
  const PredictResult result = serve.Predict(Request({{"N1", 3}})).value();
  EXPECT_EQ(*result.outputs, (Outputs{.count = 2}));
  EXPECT_THAT(result.scores, ElementsAre(1.5, -2));
}

TEST(OutputsOfAnEndpoint, AreAllLogged) {
  ServeFixture serve(LateEndpoint(ClassesPackage()));
  ASSERT_TRUE(serve.Predict(Request({{"N1", 3}, {"N2", 20}})));
  const auto logged = serve.Logged("predictions/late");
  ASSERT_EQ(logged.size(), 1U);
  EXPECT_THAT(ColumnsOf(logged[0]), ElementsAre("version", "arm", "score_0", "score_1", "score_2", "unit", "request_id", "violations",
                                                "latency_us", "in.tailnum", "in.delay", "in.origin", "x.tailnum", "x.delay", "x.origin"));
  EXPECT_THAT(logged[0].columns.Find("score_1")->doubles(), ElementsAre(0.5, 1));
  EXPECT_EQ(logged[0].columns.Find("unit")->ToText(1), "N2");
  EXPECT_TRUE(logged[0].columns.Check());
}

TEST(OutputsOfAnEndpoint, StayWithTheirRowsWhereArmsSplitThem) {
  EndpointSnapshot snapshot = LateEndpoint(TargetsPackage());
  snapshot.arms.push_back({.version = 2, .package = MakePackage(StumpsContent("regression", {{10, 11}, {20, 21}})),
                           .mode = ArmMode::kCanary, .share = 0.5, .threshold = {}});
  ServeFixture serve(snapshot);
  std::vector<DelayRow> rows;
  for (int i = 0; i < 40; ++i) rows.push_back({fmt::format("N{}", i), i % 2 == 0 ? 3.0 : 20.0});
  const PredictResult result = serve.Predict(Request(rows)).value();
  std::size_t canaries = 0;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const bool is_late = row % 2 == 1, is_canary = result.arms[row] == ServedAs::kCanary;
    canaries += is_canary ? 1 : 0;
    const double first = is_canary ? (is_late ? 11 : 10) : is_late ? 2.5 : 1.5;
    const double second = is_canary ? (is_late ? 21 : 20) : is_late ? -3 : -2;
    EXPECT_THAT(result.ScoresOf(row), ElementsAre(first, second)) << row;
  }
  ASSERT_GT(canaries, 5U);
  ASSERT_LT(canaries, 35U);
  const auto shadow = serve.Logged("shadow/late");  // the live side of the canary's rows
  ASSERT_EQ(shadow.size(), 1U);
  EXPECT_THAT(ColumnsOf(shadow[0]), ElementsAre("version", "arm", "score_0", "score_1"));
  EXPECT_EQ(shadow[0].num_rows(), canaries);
  for (std::size_t i = 0; i < canaries; ++i) {
    const double first = shadow[0].columns.Find("score_0")->Double(i);
    EXPECT_EQ(shadow[0].columns.Find("score_1")->Double(i), first == 1.5 ? -2 : -3) << first;
  }
}

std::string Refusal(std::shared_ptr<const model::Package> one, std::shared_ptr<const model::Package> other) {
  EndpointSnapshot snapshot = LateEndpoint(std::move(one));
  snapshot.arms.push_back({.version = 2, .package = std::move(other), .mode = ArmMode::kWarm, .share = 0, .threshold = {}});
  const Status checked = CheckSnapshot(snapshot);
  return checked ? "" : checked.error().message;
}

TEST(OutputsOfAnEndpoint, AreTheSameOfAllItsArms) {
  EXPECT_THAT(Refusal(DelayPackage(1), ClassesPackage()), HasSubstr("version 2 predicts 3 numbers a row, version 1 predicts 1"));
  EXPECT_THAT(Refusal(ClassesPackage(), ClassesPackage({"late", "on time", "early"})),
              HasSubstr("version 2 predicts late, on time, early, version 1 predicts early, on time, late"));
  EXPECT_EQ(Refusal(ClassesPackage(), ClassesPackage()), "");
  EXPECT_EQ(Refusal(ClassesPackage({}), ClassesPackage()), "");  // a later version says the names
}

TEST(OutputsOfAnEndpoint, AreNamedByWhicheverArmKnows) {
  EndpointSnapshot snapshot = LateEndpoint(ClassesPackage({}));
  snapshot.arms.push_back({.version = 2, .package = ClassesPackage(), .mode = ArmMode::kShadow, .share = 0, .threshold = {}});
  EXPECT_EQ(OutputsOf(snapshot).Label(2), "late");
}

TEST(OutputsOfAnEndpoint, HaveALimit) {
  const auto package = [](std::size_t outputs) {
    return MakePackage(StumpsContent("regression", std::vector<std::pair<double, double>>(outputs, {1, 2})));
  };
  EXPECT_TRUE(CheckSnapshot(LateEndpoint(package(kOutputsMax))));
  const Status refused = CheckSnapshot(LateEndpoint(package(kOutputsMax + 1)));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("limit outputs_per_row_max: version 1 predicts 4097 numbers a row"));
}

TEST(OutputsOfAnEndpoint, CountInTheLimitsOfRows) {
  ServeFixture serve;
  Endpoints::Options options = serve.Options();
  options.limits.rows_per_request_max = 5;
  const auto package = MakePackage(StumpsContent("regression", std::vector<std::pair<double, double>>(129, {1, 2})));
  serve.Start(options, LateEndpoint(package));
  EXPECT_TRUE(serve.Predict(Request({{"N1", 3}})));
  const auto refused = serve.Predict(Request({{"N1", 3}, {"N2", 3}}));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("limit rows_per_request_max: 2 rows of 129 outputs count as 6, at most 5"));
}

TEST(OutputsOfAnEndpoint, CountInTheLimitsOfRowsInFlight) {
  ServeFixture serve;
  Endpoints::Options options = serve.Options();
  options.limits.rows_in_flight_max = 7;
  serve.Start(options, LateEndpoint(MakePackage(StumpsContent("regression", std::vector<std::pair<double, double>>(129, {1, 2})))));
  std::string refused;
  serve.endpoints->Predict(Request({{"N1", 3}}), [&](const Result<PredictResult>& first) {
    ASSERT_TRUE(first);
    const auto second = serve.Predict(Request({{"N1", 3}, {"N2", 3}}));
    refused = second ? "" : second.error().message;
  });
  EXPECT_THAT(refused, HasSubstr("limit rows_in_flight_max: 3 of 7 rows are being scored"));
}

}  // namespace
}  // namespace sw::serve
