#include "api/vertex/vertex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "net/dispatch.h"
#include "serve/fakes.h"

namespace sw::vertex {
namespace {

using testing::HasSubstr;

class VertexTest : public testing::Test {
 protected:
  VertexTest() : router_(net::Router::Make(VertexRoutes(serve_.endpoints.get())).value()) {}

  std::string Call(std::string call, std::string body, int status = 200) {
    const net::Response answer = net::Dispatch(
        router_, {.method = net::Method::kPost, .path = "/v1/projects/p/locations/l/endpoints/" + call, .body = std::move(body)});
    EXPECT_EQ(answer.status, status) << answer.body;
    return answer.body;
  }

  serve::ServeFixture serve_;
  net::Router router_;
};

TEST_F(VertexTest, PredictsInstances) {
  const std::string body = R"({"instances": [["N1", 20, "EWR"], {"tailnum": "N2", "delay": 3, "origin": "JFK"}], "parameters": {}})";
  EXPECT_EQ(Call("late:predict", body),
            R"({"predictions":[20.0,3.0],"deployedModelId":"1","model":"projects/p/locations/l/models/late","modelVersionId":"1"})");
  EXPECT_EQ(Call("late:rawPredict", body), R"({"predictions":[20.0,3.0]})");
}

TEST_F(VertexTest, NestsSeveralOutputs) {
  ASSERT_TRUE(serve_.endpoints->Replace(serve::LateEndpoint(serve::ClassesPackage())));
  EXPECT_EQ(Call("late:rawPredict", R"({"instances": [["N1", 3, "EWR"], ["N2", 20, "JFK"]]})"),
            R"({"predictions":[[0.5,0.5,0.0],[0.0,1.0,0.0]]})");
}

TEST_F(VertexTest, TellsWhatIsWrongInGooglesForm) {
  EXPECT_THAT(Call("early:predict", "{}", 404), HasSubstr(R"({"error":{"code":404,"message":"unknown model early)"));
  EXPECT_THAT(Call("late:predict", "{}", 400), HasSubstr(R"("status":"INVALID_ARGUMENT")"));
  EXPECT_THAT(Call("late:predict", R"({"instances": [[1]]})", 400), HasSubstr("has 1 values, the model reads 3"));
  EXPECT_THAT(Call("late:predict", R"({"instances": [], "parameters": 1})", 400), HasSubstr("parameters must be"));
  EXPECT_THAT(Call("late:explain", "{}", 501), HasSubstr("no method explain"));
  EXPECT_THAT(Call("late", "{}", 501), HasSubstr("no method (none)"));
}

class VertexContainerTest : public testing::Test {
 protected:
  std::string Send(net::Method method, std::string path, std::string body = {}, net::Headers headers = {}) {
    const net::Response answer = net::Dispatch(
        router_, {.method = method, .path = std::move(path), .headers = std::move(headers), .body = std::move(body)});
    return fmt::format("{} {}", answer.status, answer.body);
  }

  serve::ServeFixture serve_;
  net::Router router_ = net::Router::Make(ContainerRoutes({serve_.endpoints.get(), "late", "/v1/endpoints/e/deployedModels/d",
                                                           "/v1/endpoints/e/deployedModels/d:predict"})).value();
  const std::string predict_ = "/v1/endpoints/e/deployedModels/d:predict";
};

TEST_F(VertexContainerTest, AnswersItsTwoRoutes) {
  EXPECT_EQ(Send(net::Method::kGet, "/v1/endpoints/e/deployedModels/d"), R"(200 {"status":"ok"})");
  const std::string body = R"({"instances": [["N1", 20, "EWR"]], "parameters": {"x": 1}})";
  EXPECT_EQ(Send(net::Method::kPost, predict_, body, {{"Content-Type", "application/json; charset=utf-8"}}), R"(200 {"predictions":[20.0]})");
  EXPECT_EQ(Send(net::Method::kPost, predict_, body), R"(200 {"predictions":[20.0]})");
}

TEST_F(VertexContainerTest, RefusesInGooglesForm) {
  EXPECT_THAT(Send(net::Method::kPost, predict_, "1", {{"Content-Type", "text/csv"}}), HasSubstr(R"(415 {"error":{"code":415)"));
  EXPECT_THAT(Send(net::Method::kPost, predict_, ""), HasSubstr("400 "));
  EXPECT_THAT(Send(net::Method::kPost, predict_, R"({"instances": []})"), HasSubstr("instances is empty"));
  EXPECT_THAT(Send(net::Method::kGet, predict_), HasSubstr("405 "));
}

TEST_F(VertexContainerTest, IsNotReadyBeforeItsModelAnswers) {
  ASSERT_TRUE(serve_.endpoints->Remove("late"));
  serve_.endpoints->Explain("late", Unavailable("it is being loaded").error());
  EXPECT_THAT(Send(net::Method::kGet, "/v1/endpoints/e/deployedModels/d"), HasSubstr(R"(503 {"error":{"code":503,"message":"it is being loaded")"));
  EXPECT_THAT(Send(net::Method::kPost, predict_, R"({"instances": [[]]})"), HasSubstr("503 "));
}

}  // namespace
}  // namespace sw::vertex
