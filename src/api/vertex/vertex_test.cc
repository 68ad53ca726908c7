#include "api/vertex/vertex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST_F(VertexTest, TellsWhatIsWrongInGooglesForm) {
  EXPECT_THAT(Call("early:predict", "{}", 404), HasSubstr(R"({"error":{"code":404,"message":"unknown model early)"));
  EXPECT_THAT(Call("late:predict", "{}", 400), HasSubstr(R"("status":"INVALID_ARGUMENT")"));
  EXPECT_THAT(Call("late:predict", R"({"instances": [[1]]})", 400), HasSubstr("has 1 values, the model reads 3"));
  EXPECT_THAT(Call("late:predict", R"({"instances": [], "parameters": 1})", 400), HasSubstr("parameters must be"));
  EXPECT_THAT(Call("late:explain", "{}", 501), HasSubstr("no method explain"));
  EXPECT_THAT(Call("late", "{}", 501), HasSubstr("no method (none)"));
}

}  // namespace
}  // namespace sw::vertex
