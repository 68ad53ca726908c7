#include "api/mlflow_scoring/mlflow_scoring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/dispatch.h"
#include "serve/fakes.h"

namespace sw::mlflow_scoring {
namespace {

using testing::HasSubstr;

class MlflowScoringTest : public testing::Test {
 protected:
  MlflowScoringTest() : router_(net::Router::Make(MlflowScoringRoutes({serve_.endpoints.get(), "", "1.2.3"})).value()) {}

  std::string Invoke(std::string body, int status = 200, std::string type = "application/json") {
    const net::Response answer = net::Dispatch(router_, {.method = net::Method::kPost,
                                                         .path = "/invocations",
                                                         .headers = {{"Content-Type", std::move(type)}},
                                                         .body = std::move(body)});
    EXPECT_EQ(answer.status, status) << answer.body;
    return answer.body;
  }

  serve::ServeFixture serve_;
  net::Router router_;
};

TEST_F(MlflowScoringTest, ScoresEveryForm) {
  const char* expected = R"({"predictions":[20.0,3.0]})";
  for (const char* body : {
           R"({"dataframe_split": {"columns": ["origin", "delay", "tailnum"], "index": [0, 1], "data": [["EWR", 20, "N1"], ["JFK", 3, "N2"]]}})",
           R"({"dataframe_records": [{"origin": "EWR", "delay": 20, "tailnum": "N1"}, {"origin": "JFK", "delay": 3, "tailnum": "N2"}], "params": {}})",
           R"({"instances": [["N1", 20, "EWR"], ["N2", 3, "JFK"]]})",
           R"({"inputs": {"origin": ["EWR", "JFK"], "delay": [20, 3], "tailnum": ["N1", "N2"]}})"}) {
    EXPECT_EQ(Invoke(body), expected) << body;
  }
  EXPECT_EQ(Invoke("origin,delay,tailnum\nEWR,20,N1\nJFK,3,N2\n", 200, "text/csv; charset=utf-8"), expected);
}

TEST_F(MlflowScoringTest, NestsSeveralOutputs) {
  ASSERT_TRUE(serve_.endpoints->Replace(serve::LateEndpoint(serve::ClassesPackage())));
  EXPECT_EQ(Invoke(R"({"instances": [["N1", 3, "EWR"], ["N2", 20, "JFK"]]})"), R"({"predictions":[[0.5,0.5,0.0],[0.0,1.0,0.0]]})");
}

TEST_F(MlflowScoringTest, TellsWhatIsWrongInItsOwnForm) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "BAD_REQUEST"}, {"[]", "must be an object"}, {"{}", "must have one of"},
      {R"({"instances": [], "inputs": []})", "exactly one of"}, {R"({"data": []})", "it has data"},
      {R"({"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}})", "array of 1 values"},
      {R"({"dataframe_split": {"columns": ["delay", "delay"], "data": [[1, 2]]}})", "delay twice"},
      {R"({"dataframe_records": [{"dely": 1}]})", "did you mean delay?"},
      {R"({"instances": [["N1", 20, "EWR"]], "params": 3})", "params must be an object"},
  };
  for (const auto& [body, message] : cases) EXPECT_THAT(Invoke(body, 400), HasSubstr(message)) << body;
  EXPECT_THAT(Invoke("N1,20,EWR\nN2,3,JFK\n", 400, "text/csv"), HasSubstr("the header names N1"));  // SageMaker's convention
  for (const char* type : {"", "application/parquet", "text/csv; charset=latin-1", "application/json; boundary=x"}) {
    EXPECT_THAT(Invoke("{}", 415, type), HasSubstr("is not read")) << type;
  }
}

TEST_F(MlflowScoringTest, OfSeveralEndpointsNeedsADefault) {
  serve::EndpointSnapshot other = serve::LateEndpoint();
  other.name = "early";
  ASSERT_TRUE(serve_.endpoints->Replace(other));
  const std::string body = R"({"instances": [["N1", 20, "EWR"]]})";
  const net::Request request{.method = net::Method::kPost, .path = "/invocations", .headers = {{"Content-Type", "application/json"}}, .body = body};
  EXPECT_THAT(net::Dispatch(router_, request).body, HasSubstr("early, late are served"));
  const auto named = net::Router::Make(MlflowScoringRoutes({serve_.endpoints.get(), "late", "1.2.3"})).value();
  EXPECT_EQ(net::Dispatch(named, request).status, 200);
}

TEST_F(MlflowScoringTest, Pings) {
  EXPECT_EQ(net::Dispatch(router_, {.path = "/ping"}).body, "\n");
  EXPECT_EQ(net::Dispatch(router_, {.path = "/version"}).body, "1.2.3");
  ASSERT_TRUE(serve_.endpoints->Remove("late"));
  EXPECT_EQ(net::Dispatch(router_, {.path = "/ping"}).status, 404);
}

}  // namespace
}  // namespace sw::mlflow_scoring
