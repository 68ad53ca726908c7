#include <gtest/gtest.h>

#include "serve/endpoints.h"
#include "serve/fakes.h"
#include "serve/split.h"

namespace sw::serve {
namespace {

std::vector<DelayRow> ManyRows(int count) {
  std::vector<DelayRow> rows;
  for (int i = 0; i < count; ++i) rows.push_back({"N" + std::to_string(i), static_cast<double>(i % 90)});
  return rows;
}

EndpointSnapshot With(std::initializer_list<Arm> arms) {
  EndpointSnapshot snapshot = LateEndpoint();
  snapshot.arms.insert(snapshot.arms.end(), arms);
  return snapshot;
}

TEST(Arms, ACanaryAnswersItsUnitsInABatchAsAlone) {
  ServeFixture serve(With({MakeArm(2, 2, ArmMode::kCanary, 0.25)}));
  const std::vector<DelayRow> rows = ManyRows(400);
  const PredictResult batch = serve.Predict({.endpoint = "late", .rows = DelayRows(rows)}).value();
  int canary = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const PredictResult one = serve.Predict({.endpoint = "late", .rows = DelayRows({rows[i]})}).value();
    EXPECT_EQ(one.versions[0], batch.versions[i]);
    EXPECT_EQ(one.scores[0], batch.scores[i]);
    EXPECT_EQ(batch.scores[i], rows[i].delay * static_cast<double>(batch.versions[i]));
    canary += batch.arms[i] == ServedAs::kCanary ? 1 : 0;
  }
  EXPECT_NEAR(canary, 100, 44);  // five standard deviations
  EXPECT_EQ(serve.Count("serve_rows_total", {{"endpoint", "late"}, {"arm", "canary"}}), 2 * canary);
}

TEST(Arms, ACanarysRowsAreScoredByTheLiveArmToo) {
  ServeFixture serve(With({MakeArm(2, 2, ArmMode::kCanary, 0.5)}));
  const std::vector<DelayRow> rows = ManyRows(50);
  const PredictResult result = serve.Predict({.endpoint = "late", .rows = DelayRows(rows)}).value();
  EXPECT_EQ(serve.log.Rows("shadow/late"), 0U);  // not before the answer
  const LoggedRows pairs = serve.Logged("shadow/late").at(0);
  std::size_t pair = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (result.arms[i] != ServedAs::kCanary) continue;
    EXPECT_EQ(pairs.id[pair], result.ids[i]);
    EXPECT_EQ(pairs.columns.Find("version")->Int(pair), 1);
    EXPECT_EQ(pairs.columns.Find("arm")->String(pair), "live");
    EXPECT_EQ(pairs.columns.Find("score")->Double(pair), rows[i].delay);
    ++pair;
  }
  EXPECT_EQ(pairs.num_rows(), pair);
}

TEST(Arms, AShadowScoresEveryRowAndAnswersNone) {
  ServeFixture serve(With({MakeArm(2, 2, ArmMode::kShadow), MakeArm(3, 3, ArmMode::kWarm)}));
  const PredictResult result = serve.Predict({.endpoint = "late", .rows = DelayRows({{"N1", 20}, {"N2", 30}})}).value();
  EXPECT_EQ(result.scores, (std::vector<double>{20, 30}));
  const LoggedRows shadow = serve.Logged("shadow/late").at(0);
  EXPECT_EQ(shadow.id, AllOf(result.ids));
  EXPECT_EQ(shadow.event_time, std::vector<TimeUs>(2, serve.clock.Now()));
  EXPECT_EQ(shadow.columns.Find("arm")->String(1), "shadow");
  EXPECT_EQ(shadow.columns.Find("version")->Int(1), 2);
  EXPECT_EQ(shadow.columns.Find("score")->Double(1), 60);
  EXPECT_EQ(shadow.columns.num_columns(), 3U);
}

TEST(Arms, APinnedVersionAnswersWhateverItsModeAndIsNoPair) {
  ServeFixture serve(With({MakeArm(2, 2, ArmMode::kShadow), MakeArm(3, 3, ArmMode::kWarm)}));
  PredictRequest request{.endpoint = "late", .rows = DelayRows({{"N1", 20}})};
  request.version = 3;
  const PredictResult result = serve.Predict(request).value();
  EXPECT_EQ(result.scores[0], 60);
  EXPECT_EQ(result.arms[0], ServedAs::kPinned);
  EXPECT_TRUE(serve.Logged("shadow/late").empty());
  EXPECT_EQ(serve.Logged("predictions/late")[0].columns.Find("arm")->String(0), "pinned");
  request.version = 4;
  EXPECT_EQ(serve.Predict(request).error().message, "endpoint \"late\" has not loaded version 4; it has 1, 2, 3");
}

// Reads a column that no request brings.
std::shared_ptr<const model::Package> BrokenPackage() {
  model::PackageContent broken = DelayContent(2, 0);
  broken.inputs[0] = "delay_minutes";
  broken.model = model::PrintLinear({.terms = {{"delay_minutes", 0, 1, 2}, {"origin", 0, 1, 0}}, .intercept = 0,
                                     .transform = model::Transform::kIdentity});
  return MakePackage(broken);
}

EndpointSnapshot WithBrokenArms() {
  return With({{.version = 2, .package = BrokenPackage(), .mode = ArmMode::kCanary, .share = 1, .threshold = {}},
               {.version = 3, .package = BrokenPackage(), .mode = ArmMode::kShadow, .share = 0, .threshold = {}}});
}

TEST(Arms, NobodyAnswersForAPinnedCanary) {
  ServeFixture serve(WithBrokenArms());
  PredictRequest request{.endpoint = "late", .rows = DelayRows({{"N1", 20}})};
  request.version = 2;
  const Error error = serve.Predict(request).error();
  EXPECT_EQ(error.code, ErrorCode::kFailedPrecondition);
  EXPECT_NE(error.message.find("version 2 cannot score: no column \"delay_minutes\""), std::string::npos) << error.message;
}

TEST(Arms, TheLiveArmAnswersForACanaryThatCannot) {
  ServeFixture serve(WithBrokenArms());
  const PredictResult result = serve.Predict({.endpoint = "late", .rows = DelayRows({{"N1", 20}})}).value();
  EXPECT_EQ(result.scores[0], 20);
  EXPECT_EQ(result.versions[0], 1);
  EXPECT_EQ(result.arms[0], ServedAs::kLive);
  EXPECT_EQ(serve.Count("serve_canary_failed_rows_total", {{"endpoint", "late"}}), 1);
  EXPECT_TRUE(serve.Logged("shadow/late").empty());
  EXPECT_EQ(serve.Count("serve_pairs_censored_total", {{"endpoint", "late"}, {"reason", "score"}}), 1);
}

TEST(Arms, ACanarysNarrowerContractRefusesNobody) {
  model::PackageContent narrow = DelayContent(2, 0);
  narrow.contract.columns[0].max = 10;
  EndpointSnapshot snapshot =
      With({{.version = 2, .package = MakePackage(narrow), .mode = ArmMode::kCanary, .share = 1, .threshold = {}}});
  snapshot.policy = ContractPolicy::FromJson(Json::MakeObject({{"out_of_range", "refuse"}})).value();
  ServeFixture serve(snapshot);
  const PredictResult result = serve.Predict({.endpoint = "late", .rows = DelayRows({{"N1", 20}})}).value();
  EXPECT_EQ(result.versions[0], 2);
  EXPECT_EQ(result.violations[0], 1);
  EXPECT_EQ(serve.Count("serve_contract_violations_total", {{"endpoint", "late"}, {"kind", "out_of_range"}}), 1);
  EXPECT_FALSE(serve.Predict({.endpoint = "late", .rows = DelayRows({{"N1", 101}})}).has_value());
}

TEST(Arms, ShedShadowsAreCountedAsCensored) {
  ServeFixture serve(With({MakeArm(2, 2, ArmMode::kShadow)}));
  const PredictRequest request{.endpoint = "late", .rows = DelayRows({{"N1", 20}, {"N2", 30}})};
  const base::Labels queue{{"endpoint", "late"}, {"reason", "queue"}};
  serve.shadow.queue_max = 0;
  EXPECT_TRUE(serve.Predict(request));
  EXPECT_EQ(serve.Count("serve_pairs_censored_total", queue), 2);
  EXPECT_TRUE(serve.endpoints->Flush());  // a shed task is not waited for

  Endpoints::Options options = serve.Options();
  options.limits.shadow_rows_max = 3;
  serve.shadow.queue_max = 10;
  serve.Start(options, With({MakeArm(2, 2, ArmMode::kShadow)}));
  EXPECT_TRUE(serve.Predict(request));
  EXPECT_TRUE(serve.Predict(request));  // two rows more do not fit
  EXPECT_EQ(serve.Count("serve_pairs_censored_total", queue), 4);
  EXPECT_EQ(serve.Logged("shadow/late").at(0).num_rows(), 2U);
}

TEST(Arms, ARowWithoutAUnitIsSplitByTheHeaderOrItsId) {
  EndpointSnapshot snapshot = With({MakeArm(2, 2, ArmMode::kCanary, 0.5)});
  ServeFixture serve(snapshot);
  data::Batch rows(DelaySchema());
  rows.column(0).AppendNull();
  rows.column(1).AppendDouble(1);
  rows.column(2).AppendString("EWR");
  PredictRequest request{.endpoint = "late", .rows = rows};
  const std::uint64_t seed = SplitSeed("late", "r1");
  for (int i = 0; i < 20; ++i) {
    request.unit = "header-" + std::to_string(i);
    EXPECT_EQ(serve.Predict(request)->versions[0], PickArm(snapshot, SplitPoint(request.unit, seed))->version);
  }
  EXPECT_EQ(serve.Count("serve_unit_missing_rows_total", {{"endpoint", "late"}}), 0);
  request.unit.clear();
  const PredictResult result = serve.Predict(request).value();
  EXPECT_EQ(result.versions[0], PickArm(snapshot, SplitPoint(result.ids[0], seed))->version);
  EXPECT_EQ(serve.Count("serve_unit_missing_rows_total", {{"endpoint", "late"}}), 1);
}

TEST(Arms, ARequestInFlightKeepsTheSnapshotItBeganWith) {
  EndpointSnapshot snapshot = LateEndpoint();
  snapshot.service = "late_v1";
  ServeFixture serve(snapshot);
  serve.features.hold = true;
  serve.features.make = [](const data::Batch& rows) { return rows; };
  Result<PredictResult> answer = Internal("no answer");
  serve.endpoints->Predict({.endpoint = "late", .rows = DelayRows({{"N1", 20}})},
                           [&](Result<PredictResult> result) { answer = std::move(result); });
  snapshot.arms = {MakeArm(7, 7, ArmMode::kLive)};
  ASSERT_TRUE(serve.endpoints->Replace(snapshot));
  ASSERT_TRUE(serve.endpoints->Remove("late"));
  serve.features.AnswerAll();
  EXPECT_EQ(answer->versions[0], 1);
  EXPECT_EQ(answer->scores[0], 20);
}

}  // namespace
}  // namespace sw::serve
