#include "serve/endpoints.h"

#include <gtest/gtest.h>

#include "base/ids.h"
#include "serve/fakes.h"

namespace sw::serve {
namespace {

PredictRequest OneRow(double delay = 20) { return {.endpoint = "late", .rows = DelayRows({{"N1", delay}})}; }

EndpointSnapshot WithService() {
  EndpointSnapshot snapshot = LateEndpoint();
  snapshot.service = "late_v1";
  snapshot.request = data::Schema{{{"tailnum", data::Type::kString}}};
  return snapshot;
}

PredictRequest OneUnit() {
  PredictRequest request{.endpoint = "late", .rows = data::Batch(data::Schema{{{"tailnum", data::Type::kString}}})};
  request.rows.column(0).AppendString("N1");
  return request;
}

TEST(Endpoints, ScoreEachRowAndDecide) {
  ServeFixture serve;
  const PredictResult result = serve.Predict({.endpoint = "late", .rows = DelayRows({{"N1", 20}, {"N2", 15}, {"N3", 14}})}).value();
  EXPECT_EQ(result.scores, (std::vector<double>{20, 15, 14}));
  EXPECT_EQ(result.decisions, (std::vector<bool>{true, true, false}));
  EXPECT_EQ(result.versions, (std::vector<std::int64_t>{1, 1, 1}));
  EXPECT_EQ(result.arms, std::vector<ServedAs>(3, ServedAs::kLive));
  EXPECT_TRUE(result.logged);
  EXPECT_TRUE(base::IsUuid(result.request_id));
  EXPECT_EQ(result.ids[2], result.request_id + "-2");
}

TEST(Endpoints, AnArmsOwnThresholdDecides) {
  EndpointSnapshot snapshot = LateEndpoint();
  snapshot.arms[0].threshold = 30;
  ServeFixture serve(snapshot);
  EXPECT_FALSE(serve.Predict(OneRow(29))->decisions[0]);
  EXPECT_TRUE(serve.Predict(OneRow(30))->decisions[0]);
}

TEST(Endpoints, LogWhatWasServed) {
  ServeFixture serve;
  PredictRequest request = OneRow(20);
  request.ids = {"UA1545-EWR-2013-1-1-515"};
  request.time = 900 * base::kSecondUs;
  const PredictResult result = serve.Predict(request).value();
  const std::vector<LoggedRows> logged = serve.Logged("predictions/late");
  ASSERT_EQ(logged.size(), 1U);
  EXPECT_EQ(logged[0].id, request.ids);
  EXPECT_EQ(logged[0].event_time, std::vector<TimeUs>{900 * base::kSecondUs});
  std::string names;
  for (const data::Field& field : logged[0].columns.schema().fields) names += field.name + " ";
  EXPECT_EQ(names, "version arm score decision unit request_id violations latency_us "
                   "in.tailnum in.delay in.origin x.tailnum x.delay x.origin ");
  const auto text = [&](const char* column) { return logged[0].columns.Find(column)->ToText(0); };
  EXPECT_EQ(text("version"), "1");
  EXPECT_EQ(text("arm"), "live");
  EXPECT_EQ(text("score"), "20.0");
  EXPECT_EQ(text("decision"), "true");
  EXPECT_EQ(text("unit"), "N1");
  EXPECT_EQ(text("request_id"), result.request_id);
  EXPECT_EQ(text("violations"), "0");
  EXPECT_EQ(text("x.delay"), "20.0");
}

TEST(Endpoints, TakeTheClocksTimeWhereARequestHasNone) {
  ServeFixture serve;
  ASSERT_TRUE(serve.Predict(OneRow()));
  EXPECT_EQ(serve.Logged("predictions/late")[0].event_time[0], serve.clock.Now());
}

TEST(Endpoints, AnswerThatAFullRingDidNotLog) {
  ServeFixture serve;
  Endpoints::Options options = serve.Options();
  options.ring.rows_max = 1;
  serve.Start(options, LateEndpoint());
  EXPECT_TRUE(serve.Predict(OneRow())->logged);
  EXPECT_FALSE(serve.Predict(OneRow())->logged);
  EXPECT_EQ(serve.Count("serve_log_dropped_rows_total", {{"kind", "prediction"}}), 1);
}

TEST(Endpoints, ThatKeepNoLogSayThatNothingWasLogged) {
  EndpointSnapshot snapshot = LateEndpoint();
  snapshot.is_logged = false;
  snapshot.arms.push_back(MakeArm(2, 2, ArmMode::kShadow));
  ServeFixture serve(snapshot);
  const PredictResult result = serve.Predict(OneRow()).value();
  EXPECT_FALSE(result.logged);
  EXPECT_EQ(result.scores[0], 20);
  serve.shadow.RunAll();
  ASSERT_TRUE(serve.endpoints->Flush());
  EXPECT_TRUE(serve.log.appended.empty());
  EXPECT_EQ(serve.Count("serve_log_dropped_rows_total", {{"kind", "prediction"}}), 0);
}

EndpointSnapshot Durable() {
  EndpointSnapshot snapshot = LateEndpoint();
  snapshot.is_durable = true;
  return snapshot;
}

TEST(Endpoints, ThatAreDurableAnswerWhenTheRecordIsOnDisk) {
  ServeFixture serve(Durable());
  std::optional<Result<PredictResult>> answer;
  serve.endpoints->Predict(OneRow(), [&](Result<PredictResult> result) {
    EXPECT_EQ(serve.log.Rows("predictions/late"), 1U);
    EXPECT_EQ(serve.log.syncs, 1);
    answer = std::move(result);
  });
  EXPECT_FALSE(answer) << "and nobody waited";
  ASSERT_TRUE(serve.endpoints->Flush());
  ASSERT_TRUE(answer && *answer);
  EXPECT_TRUE((*answer)->logged);
  EXPECT_EQ((*answer)->scores[0], 20);
}

TEST(Endpoints, ThatAreDurableFailWhatDidNotGetToTheDisk) {
  ServeFixture serve(Durable());
  serve.log.refuse_sync = true;
  std::optional<Result<PredictResult>> answer;
  serve.endpoints->Predict(OneRow(), [&](Result<PredictResult> result) { answer = std::move(result); });
  EXPECT_FALSE(serve.endpoints->Flush());
  ASSERT_TRUE(answer && !*answer);
  EXPECT_EQ(answer->error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(answer->error().message, "the prediction was scored, and its record is not on disk: syncing the logbook: the disk broke; retry with the same id");
  Endpoints::Options options = serve.Options();
  options.ring.rows_max = 0;
  serve.Start(options, Durable());
  EXPECT_EQ(serve.Predict(OneRow()).error().code, ErrorCode::kResourceExhausted);
}

TEST(Endpoints, NameNearMissesOfAnUnknownEndpoint) {
  ServeFixture serve;
  const auto answer = serve.Predict({.endpoint = "lates", .rows = DelayRows({{"N1", 1}})});
  EXPECT_EQ(answer.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(answer.error().message, "no endpoint \"lates\"; did you mean late?");
  EXPECT_EQ(serve.Count("serve_unknown_endpoint_total"), 1);
}

TEST(Endpoints, RefuseBadRequestsAndCountThem) {
  ServeFixture serve;
  PredictRequest no_rows{.endpoint = "late", .rows = data::Batch(DelaySchema())};
  PredictRequest no_columns{.endpoint = "late", .rows = {}};
  PredictRequest wrong_column{.endpoint = "late", .rows = data::Batch(data::Schema{{{"tail", data::Type::kString}}})};
  wrong_column.rows.column(0).AppendString("N1");
  PredictRequest wrong_ids = OneRow();
  wrong_ids.ids = {"a", "b"};
  PredictRequest long_unit = OneRow();
  long_unit.unit = std::string(2'000, 'u');
  for (const PredictRequest& request : {no_rows, no_columns, wrong_column, wrong_ids, long_unit}) {
    EXPECT_EQ(serve.Predict(request).error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(serve.Count("serve_errors_total", {{"endpoint", "late"}, {"code", "INVALID_ARGUMENT"}}), 5);
  EXPECT_TRUE(serve.Logged("predictions/late").empty());
}

TEST(Endpoints, NameTheLimitOfRowsInARequest) {
  ServeFixture serve;
  Endpoints::Options options = serve.Options();
  options.limits.rows_per_request_max = 1;
  serve.Start(options, LateEndpoint());
  const auto answer = serve.Predict({.endpoint = "late", .rows = DelayRows({{"N1", 1}, {"N2", 1}})});
  EXPECT_EQ(answer.error().message, "limit rows_per_request_max: 2 rows, at most 1; send fewer at a time");
  EXPECT_EQ(serve.Count("serve_refused_total", {{"limit", "rows_per_request_max"}}), 1);
}

TEST(Endpoints, SayWhyOneIsNotServed) {
  ServeFixture serve;
  serve.endpoints->Explain("early", Unavailable("its model is being started").error());
  EXPECT_EQ(serve.endpoints->Explained("early")->code, ErrorCode::kUnavailable);
  PredictRequest request = OneRow();
  request.endpoint = "early";
  EXPECT_EQ(serve.Predict(request).error().message, "its model is being started");
  EndpointSnapshot early = LateEndpoint();
  early.name = "early";
  ASSERT_TRUE(serve.endpoints->Replace(early));
  EXPECT_TRUE(serve.Predict(request));
  EXPECT_FALSE(serve.endpoints->Explained("early"));
  serve.endpoints->Explain("later", Unavailable("x").error());
  EXPECT_TRUE(serve.endpoints->Remove("later"));
  EXPECT_FALSE(serve.endpoints->Explained("later"));
}

TEST(Endpoints, NameTheLimitOfRequestsInFlight) {
  ServeFixture serve;
  Endpoints::Options options = serve.Options();
  options.limits.requests_in_flight_max = 1;
  serve.Start(options, WithService());
  serve.features.hold = true;
  serve.features.make = [](const data::Batch&) { return DelayRows({{"N1", 20}}); };
  Result<PredictResult> first = Internal("no answer");
  serve.endpoints->Predict(OneUnit(), [&](Result<PredictResult> result) { first = std::move(result); });
  const auto second = serve.Predict(OneUnit());
  EXPECT_EQ(second.error().code, ErrorCode::kResourceExhausted);
  EXPECT_NE(second.error().message.find("requests_in_flight_max"), std::string::npos);
  EXPECT_EQ(serve.Count("serve_refused_total", {{"limit", "requests_in_flight_max"}}), 1);
  EXPECT_EQ(serve.Count("serve_requests_in_flight"), 1);
  serve.features.AnswerAll();
  EXPECT_TRUE(first.has_value());
  EXPECT_EQ(serve.Count("serve_requests_in_flight"), 0);
}

TEST(Endpoints, StopAtTheCallersDeadline) {
  ServeFixture serve(WithService());
  PredictRequest request = OneUnit();
  request.caller.deadline = serve.clock.Now() + base::kSecondUs;
  serve.features.make = [&](const data::Batch&) -> Result<data::Batch> {
    SW_CHECK(serve.clock.AdvanceTo(serve.clock.Now() + base::kSecondUs).has_value(), "forward");
    return DelayRows({{"N1", 20}});
  };
  EXPECT_EQ(serve.Predict(request).error().code, ErrorCode::kDeadlineExceeded);  // after the features
  EXPECT_EQ(serve.Predict(request).error().code, ErrorCode::kDeadlineExceeded);  // before them
  EXPECT_EQ(serve.features.services.size(), 1U);
  EXPECT_EQ(serve.Count("serve_refused_total", {{"limit", "deadline"}}), 2);
  EXPECT_TRUE(serve.Logged("predictions/late").empty());
}

TEST(Endpoints, ReadFeaturesAsOfTheRequestAndLogThemAsServed) {
  ServeFixture serve(WithService());
  serve.features.make = [](const data::Batch& rows) { return DelayRows({{std::string(rows.column(0).String(0)), 42, "JFK"}}); };
  PredictRequest request = OneUnit();
  request.time = 5;
  EXPECT_EQ(serve.Predict(request)->scores[0], 42);
  EXPECT_EQ(serve.features.services, std::vector<std::string>{"late_v1"});
  EXPECT_EQ(serve.features.times, std::vector<TimeUs>{5});
  const LoggedRows logged = serve.Logged("predictions/late")[0];
  EXPECT_EQ(logged.columns.Find("x.delay")->Double(0), 42);
  EXPECT_EQ(logged.columns.Find("in.tailnum")->String(0), "N1");
  EXPECT_EQ(logged.columns.Find("in.delay"), nullptr);
}

TEST(Endpoints, AnswerOnceWhateverFeaturesDo) {
  ServeFixture serve(WithService());
  serve.features.make = [](const data::Batch&) -> Result<data::Batch> { return Unavailable("the store is down"); };
  EXPECT_EQ(serve.Predict(OneUnit()).error().message, "reading features: the store is down");
  serve.features.make = [](const data::Batch&) { return DelayRows({{"N1", 1}, {"N2", 2}}); };
  EXPECT_EQ(serve.Predict(OneUnit()).error().code, ErrorCode::kInternal);  // two rows for one
  serve.features.make = [](const data::Batch& rows) { return rows; };      // lacks the model's input
  EXPECT_EQ(serve.Predict(OneUnit()).error().code, ErrorCode::kFailedPrecondition);
  serve.features.hold = true;
  Result<PredictResult> dropped = Internal("no answer");
  serve.endpoints->Predict(OneUnit(), [&](Result<PredictResult> result) { dropped = std::move(result); });
  serve.features.held.clear();
  EXPECT_EQ(dropped.error().code, ErrorCode::kUnavailable);
}

TEST(Endpoints, RefuseAServiceThatNothingCanRead) {
  ServeFixture serve;
  Endpoints::Options options = serve.Options();
  options.features = nullptr;
  Endpoints endpoints(options);
  EXPECT_EQ(endpoints.Replace(WithService()).error().code, ErrorCode::kFailedPrecondition);
}

TEST(Endpoints, CountViolationsAndAllowThemByDefault) {
  ServeFixture serve;
  const PredictResult result = serve.Predict({.endpoint = "late", .rows = DelayRows({{"N1", 101}, {"N2", 1, "SFO"}, {"N3", 1}})}).value();
  EXPECT_EQ(result.violations, (std::vector<std::int64_t>{1, 1, 0}));
  EXPECT_EQ(serve.Count("serve_contract_violations_total", {{"endpoint", "late"}, {"kind", "out_of_range"}}), 1);
  EXPECT_EQ(serve.Count("serve_contract_violations_total", {{"endpoint", "late"}, {"kind", "unknown_category"}}), 1);
  EXPECT_EQ(serve.Logged("predictions/late")[0].columns.Find("violations")->Int(1), 1);
}

TEST(Endpoints, RefuseTheKindsOfViolationTheyAreToldTo) {
  EndpointSnapshot snapshot = LateEndpoint();
  snapshot.policy = ContractPolicy::FromJson(Json::MakeObject({{"out_of_range", "refuse"}})).value();
  ServeFixture serve(snapshot);
  EXPECT_TRUE(serve.Predict({.endpoint = "late", .rows = DelayRows({{"N1", 1, "SFO"}})}));
  const auto answer = serve.Predict({.endpoint = "late", .rows = DelayRows({{"N1", 1}, {"N2", 101}})});
  EXPECT_EQ(answer.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(answer.error().message,
            "row 1: out_of_range in \"delay\": found 101.0, the model's contract is non-null float64 from -100 to 100; "
            "this endpoint refuses it");
  EXPECT_EQ(serve.Count("serve_contract_violations_total", {{"endpoint", "late"}, {"kind", "out_of_range"}}), 1);
}

TEST(Endpoints, LogARetryUnderTheSameIds) {
  ServeFixture serve;
  PredictRequest request = OneRow();
  request.ids = {"mine"};
  const PredictResult first = serve.Predict(request).value(), again = serve.Predict(request).value();
  EXPECT_EQ(AllOf(first.ids), AllOf(again.ids));
  EXPECT_EQ(first.scores, again.scores);
  EXPECT_NE(first.request_id, again.request_id);
}

TEST(Endpoints, QueueSlowBatchesAndAnswerWhenTheQueueIsFull) {
  ServeFixture serve;
  FakeExecutor scoring;
  Endpoints::Options options = serve.Options();
  options.scoring = &scoring;
  options.limits.inline_us_max = -1;  // everything is slow
  serve.Start(options, LateEndpoint());
  Result<PredictResult> queued = Internal("no answer");
  serve.endpoints->Predict(OneRow(), [&](Result<PredictResult> result) { queued = std::move(result); });
  EXPECT_FALSE(queued.has_value());
  scoring.RunAll();
  EXPECT_EQ(queued->scores[0], 20);
  scoring.queue_max = 0;
  EXPECT_EQ(serve.Predict(OneRow()).error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(serve.Count("serve_refused_total", {{"limit", "scoring_queue_max"}}), 1);
}

TEST(Endpoints, ComeAndGoByName) {
  ServeFixture serve;
  EndpointSnapshot other = LateEndpoint();
  other.name = "early";
  ASSERT_TRUE(serve.endpoints->Replace(other));
  EXPECT_EQ(serve.endpoints->Names(), (std::vector<std::string>{"early", "late"}));
  ASSERT_TRUE(serve.endpoints->Remove("late"));
  EXPECT_EQ(serve.endpoints->Remove("late").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(serve.endpoints->Find("late"), nullptr);
  EXPECT_EQ(serve.Predict(OneRow()).error().code, ErrorCode::kNotFound);
}

// Loads as slowly as a large model: requests come meanwhile.
class SlowPackages final : public PackageSource {
 public:
  Result<std::shared_ptr<const model::Package>> Load(const std::string&) override {
    meanwhile();
    return package;
  }
  std::shared_ptr<const model::Package> package;
  std::function<void()> meanwhile;
};

TEST(Endpoints, TheOldVersionAnswersUntilTheNewOneHasReplayedItsGoldenRows) {
  ServeFixture serve;
  model::PackageContent content = DelayContent(2, 0);
  content.golden.inputs = DelayRows({{"N1", 1}, {"N2", 2}}).Select({"delay", "origin"}).value();
  content.golden.expected = {2, 4};
  SlowPackages packages;
  std::vector<std::int64_t> versions;
  const auto ask = [&] { versions.push_back(serve.Predict({.endpoint = "late", .rows = DelayRows({{"N1", 10}})})->versions[0]); };
  packages.meanwhile = [&] {
    ask();
    packages.package = MakePackage(content);  // replays them
    ask();
  };
  EndpointSnapshot base = LateEndpoint();
  ASSERT_TRUE(serve.endpoints->Apply(base, {{.version = 2, .package_id = "new", .threshold = {}}}, packages));
  ask();
  EXPECT_EQ(versions, (std::vector<std::int64_t>{1, 1, 2}));
}

TEST(Endpoints, SayWhatTheirVersionsHoldInMemory) {
  ServeFixture serve;
  const auto gauge = [&](const char* version) { return serve.Count("serve_version_memory_bytes", {{"endpoint", "late"}, {"version", version}}); };
  const auto bytes = static_cast<std::int64_t>(serve.endpoints->Find("late")->arms[0].package->memory_bytes());
  EXPECT_GT(bytes, 500);
  EXPECT_EQ(gauge("1"), bytes);
  EndpointSnapshot next = *serve.endpoints->Find("late");
  next.arms = {MakeArm(2, 1, ArmMode::kLive), {.version = 3, .package = next.arms[0].package, .mode = ArmMode::kWarm, .threshold = {}}};
  ASSERT_TRUE(serve.endpoints->Replace(next));
  EXPECT_EQ(gauge("1"), 0);
  EXPECT_EQ(gauge("3"), bytes);
  EndpointSnapshot other = next;
  other.name = "other";
  other.arms = {{.version = 7, .package = next.arms[1].package, .mode = ArmMode::kLive, .threshold = {}}};
  ASSERT_TRUE(serve.endpoints->Replace(other));
  std::vector<std::string> names;
  for (const model::MemoryHolder& holder : serve.endpoints->MemoryHolders()) names.push_back(holder.name);
  EXPECT_EQ(names, (std::vector<std::string>{"late/2 live", "late/3 warm"}));  // a package counts once
  ASSERT_TRUE(serve.endpoints->Remove("late"));
  EXPECT_EQ(gauge("3"), 0);
}

}  // namespace
}  // namespace sw::serve
