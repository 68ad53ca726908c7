// Endpoints with packages that wait for another process: a Python model, run by a fake interpreter.
#include <gtest/gtest.h>

#include "model/engines/python_fakes.h"
#include "serve/fakes.h"

namespace sw::serve {
namespace {

// Hands out executors that tests run, as if they were threads.
struct Pools {
  std::vector<FakeExecutor*> made;
  BlockingPools::Make Make() {
    return [this] {
      auto pool = std::make_unique<FakeExecutor>();
      made.push_back(pool.get());
      return pool;
    };
  }
};

class EndpointsBlockingTest : public model::PythonEngineTest {
 protected:
  // Scores x, as the rows say.
  std::shared_ptr<const model::Package> PythonPackage(const std::string& script = "ready(); echo() while 1;") {
    WriteFake(script);
    model::PackageContent content;
    content.format = "python";
    content.model = Json::MakeObject({{"python", Json::MakeObject({{"environment", "fake"}, {"folder", "m"},
                                       {"content", model::FolderHash(root_ + "/models/m").value()}})}}).Dump();
    content.inputs = {"x"};
    content.contract.columns = {{.name = "x", .type = data::Type::kFloat64, .nullable = true, .min = {}, .max = {}, .categories = {}}};
    return model::LoadInMemory(content, {.onnxruntime = {}, .columns = {}, .python = host_}).value();
  }

  EndpointSnapshot Endpoint(const std::string& name, std::vector<Arm> arms) {
    EndpointSnapshot snapshot;
    snapshot.name = name;
    snapshot.request = data::Schema{{{"x", data::Type::kFloat64}}};
    snapshot.arms = std::move(arms);
    return snapshot;
  }
  static Arm ArmOf(std::int64_t version, std::shared_ptr<const model::Package> package, ArmMode mode = ArmMode::kLive) {
    return {.version = version, .package = std::move(package), .mode = mode, .share = 0, .threshold = {}};
  }
  // Scores 2 x without another process.
  static std::shared_ptr<const model::Package> PlainPackage() {
    model::PackageContent content = DelayContent(2, 0);
    content.model = model::PrintLinear({.terms = {{"x", 0, 1, 2}}, .intercept = 0, .transform = model::Transform::kIdentity});
    content.inputs = {"x"};
    content.encoding = {};
    content.contract.columns = {{.name = "x", .type = data::Type::kFloat64, .nullable = true, .min = {}, .max = {}, .categories = {}}};
    return MakePackage(content);
  }

  void Start(const EndpointSnapshot& snapshot) {
    Endpoints::Options options = serve_.Options();
    options.blocking = pools_.Make();
    serve_.Start(options, snapshot);
  }
  // What was answered so far.
  struct Answer {
    Result<PredictResult> result = Internal("no answer");
  };
  std::shared_ptr<Answer> Ask(const std::string& endpoint, double x, std::optional<std::int64_t> version = {}) {
    PredictRequest request{.endpoint = endpoint, .rows = data::Batch(data::Schema{{{"x", data::Type::kFloat64}}})};
    request.rows.column(0).AppendDouble(x);
    request.version = version;
    auto answer = std::make_shared<Answer>();
    serve_.endpoints->Predict(std::move(request), [answer](Result<PredictResult> result) { answer->result = std::move(result); });
    return answer;
  }

  Pools pools_;  // outlive what uses them
  ServeFixture serve_;
};

TEST_F(EndpointsBlockingTest, AnswerOnThreadsOfTheirOwn) {
  Start(Endpoint("python", {ArmOf(1, PythonPackage())}));
  ASSERT_TRUE(serve_.endpoints->Replace(Endpoint("plain", {ArmOf(1, PlainPackage())})));
  const auto waiting = Ask("python", 3);
  EXPECT_FALSE(waiting->result.has_value());
  EXPECT_EQ(Ask("plain", 3)->result->scores[0], 6);  // at once, on this thread
  ASSERT_EQ(pools_.made.size(), 1U);
  pools_.made[0]->RunAll();
  EXPECT_EQ(waiting->result->scores[0], 3);
}

TEST_F(EndpointsBlockingTest, SaySoWhenTheirThreadsAreBusy) {
  Start(Endpoint("python", {ArmOf(1, PythonPackage())}));
  pools_.made[0]->queue_max = 1;
  const auto first = Ask("python", 1), second = Ask("python", 2);
  EXPECT_EQ(second->result.error().code, ErrorCode::kResourceExhausted);
  pools_.made[0]->RunAll();
  EXPECT_EQ(first->result->scores[0], 1);
}

TEST_F(EndpointsBlockingTest, TakeNoPlaceFromOthers) {
  Endpoints::Options options = serve_.Options();
  options.blocking = pools_.Make();
  options.limits.requests_in_flight_max = options.limits.own_requests_in_flight_max = 1;
  serve_.Start(options, Endpoint("python", {ArmOf(1, PythonPackage())}));
  ASSERT_TRUE(serve_.endpoints->Replace(Endpoint("plain", {ArmOf(1, PlainPackage())})));
  const auto waiting = Ask("python", 3), second = Ask("python", 4);
  EXPECT_EQ(second->result.error().code, ErrorCode::kResourceExhausted);
  EXPECT_NE(second->result.error().message.find("limit own_requests_in_flight_max: 1 "), std::string::npos);
  EXPECT_EQ(serve_.Count("serve_refused_total", {{"limit", "own_requests_in_flight_max"}}), 1);
  EXPECT_EQ(Ask("plain", 3)->result->scores[0], 6);
  EXPECT_EQ(serve_.Count("serve_requests_in_flight"), 1);
  pools_.made[0]->RunAll();
  EXPECT_EQ(waiting->result->scores[0], 3);
}

TEST_F(EndpointsBlockingTest, AFlushDoesNotWaitForTheirShadows) {
  Start(Endpoint("mixed", {ArmOf(1, PlainPackage()), ArmOf(2, PythonPackage(), ArmMode::kShadow)}));
  ASSERT_TRUE(Ask("mixed", 5)->result.has_value());
  ASSERT_TRUE(serve_.endpoints->Flush());
  EXPECT_EQ(serve_.log.Rows("predictions/mixed"), 1U);
  pools_.made[0]->RunAll();
  ASSERT_TRUE(serve_.endpoints->Drain());
  EXPECT_EQ(serve_.log.Rows("shadow/mixed"), 1U);
}

TEST_F(EndpointsBlockingTest, AnswerAtOnceWhatNeedsNoOtherProcess) {
  Start(Endpoint("mixed", {ArmOf(1, PlainPackage()), ArmOf(2, PythonPackage(), ArmMode::kShadow)}));
  EXPECT_EQ(Ask("mixed", 5)->result->scores[0], 10);
  EXPECT_TRUE(serve_.shadow.tasks.empty());  // the shadow waits where it holds up nobody else's
  pools_.made[0]->RunAll();
  EXPECT_EQ(serve_.Count("serve_rows_total", {{"endpoint", "mixed"}, {"arm", "shadow"}}), 1);
  const auto pinned = Ask("mixed", 5, 2);
  EXPECT_FALSE(pinned->result.has_value());
  pools_.made[0]->RunAll();
  EXPECT_EQ(pinned->result->scores[0], 5);
}

TEST_F(EndpointsBlockingTest, ACrashIsTheErrorOfItsOwnRequests) {
  Start(Endpoint("python", {ArmOf(1, PythonPackage("ready(); take(); exit 3;"))}));
  ASSERT_TRUE(serve_.endpoints->Replace(Endpoint("plain", {ArmOf(1, PlainPackage())})));
  const auto crashed = Ask("python", 1), behind = Ask("python", 2);
  pools_.made[0]->RunAll();
  EXPECT_EQ(crashed->result.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(crashed->result.error().message.find("exited with code 3"), std::string::npos);
  EXPECT_NE(behind->result.error().message.find("down until"), std::string::npos);
  EXPECT_EQ(Ask("plain", 1)->result->scores[0], 2);
}

TEST(BlockingPools, AreReusedAndBounded) {
  Pools made;
  base::Counters counters;
  BlockingPools pools(made.Make(), {.requests_max = 1, .rows_max = 1, .shadow_rows_max = 1}, counters);
  BlockingPool* first = pools.For("a");
  EXPECT_EQ(pools.For("a"), first);
  EXPECT_NE(pools.For("b"), first);
  pools.Release("a");
  pools.Release("a");
  EXPECT_EQ(pools.For("c"), first);
  for (int i = 0; i < 1000; ++i) EXPECT_NE(pools.For("e" + std::to_string(i)), nullptr);
  EXPECT_EQ(made.made.size(), BlockingPools::kPoolsMax);
  EXPECT_EQ(BlockingPools({}, {}, counters).For("a"), nullptr);
}

}  // namespace
}  // namespace sw::serve
