#include "api/sagemaker/sagemaker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/dispatch.h"
#include "serve/fakes.h"

namespace sw::sagemaker {
namespace {

using testing::HasSubstr;

class SagemakerTest : public testing::Test {
 protected:
  SagemakerTest() : router_(net::Router::Make(SagemakerRoutes(serve_.endpoints.get())).value()) {}

  net::Response Send(std::string body, net::Headers headers, std::string endpoint = "late") {
    return net::Dispatch(router_, {.method = net::Method::kPost,
                                   .path = "/endpoints/" + endpoint + "/invocations",
                                   .headers = std::move(headers),
                                   .body = std::move(body)});
  }
  std::string Invoke(std::string body, std::string type, std::string accept = "*/*") {
    return Send(std::move(body), {{"Content-Type", std::move(type)}, {"Accept", std::move(accept)}}).body;
  }

  serve::ServeFixture serve_;
  net::Router router_;
};

TEST_F(SagemakerTest, ReadsAndAnswersEveryContentType) {
  EXPECT_EQ(Invoke("N1,20,EWR\nN2,3.5,JFK\n", "text/csv"), "20\n3.5\n");
  EXPECT_EQ(Invoke("N1,20,EWR", "text/csv", "application/json"), R"({"predictions":[{"score":20.0,"predicted_label":1}]})");
  const std::string expected = R"({"predictions":[{"score":20.0,"predicted_label":1},{"score":3.0,"predicted_label":0}]})";
  EXPECT_EQ(Invoke(R"({"instances": [{"features": ["N1", 20, "EWR"]}, {"tailnum": "N2", "delay": 3, "origin": null}]})", "application/json"), expected);
  EXPECT_EQ(Invoke(R"([["N1", 20, "EWR"], ["N2", 3, "EWR"]])", "application/json"), expected);
  EXPECT_EQ(Invoke(R"({"tailnum": "N1", "delay": 20, "origin": "EWR"})", "application/json", "text/csv"), "20\n");
  EXPECT_EQ(Invoke("{\"features\": [\"N1\", 20, \"EWR\"]}\n\n[\"N2\", 3, null]\n", "application/jsonlines"), "{\"score\":20.0}\n{\"score\":3.0}\n");
}

TEST_F(SagemakerTest, AnswersAsAcceptSays) {
  const auto type_of = [&](std::string accept) {
    const net::Response answer = Send("N1,20,EWR", {{"Content-Type", "text/csv"}, {"Accept", std::move(accept)}});
    return answer.status == 200 ? std::string(answer.headers.Get("Content-Type")) : std::to_string(answer.status);
  };
  EXPECT_EQ(type_of(""), "text/csv; charset=utf-8");
  EXPECT_EQ(type_of("*/*"), "text/csv; charset=utf-8");
  EXPECT_EQ(type_of("image/png, application/jsonlines;q=0.5"), "application/jsonlines");
  EXPECT_EQ(type_of("application/x-recordio-protobuf"), "application/x-recordio-protobuf");
  EXPECT_EQ(type_of("image/png"), "406");
  EXPECT_EQ(type_of("text/libsvm"), "406");
}

TEST_F(SagemakerTest, CustomAttributesComeBack) {
  const auto send = [&](std::string attributes) {
    return Send("N1,20,EWR", {{"Content-Type", "text/csv"}, {"X-Amzn-SageMaker-Custom-Attributes", std::move(attributes)}});
  };
  EXPECT_EQ(send("trace=7").headers.Get("X-Amzn-SageMaker-Custom-Attributes"), "trace=7");
  EXPECT_EQ(send("").headers.Find("X-Amzn-SageMaker-Custom-Attributes"), nullptr);
  EXPECT_EQ(send(std::string(1025, 'a')).status, 400);
}

TEST_F(SagemakerTest, TakesInferenceIdsAndVariants) {
  const net::Response answer = Send("N1,20,EWR", {{"Content-Type", "text/csv"}, {"X-Amzn-SageMaker-Inference-Id", "mine"},
                                                  {"X-Amzn-SageMaker-Target-Variant", "1"}});
  EXPECT_EQ(answer.headers.Get("x-amzn-invoked-production-variant"), "1");
  const auto logged = serve_.Logged("predictions/late");
  ASSERT_EQ(logged.size(), 1U);
  EXPECT_EQ(logged[0].id, std::vector<std::string>{"mine"});
}

TEST_F(SagemakerTest, MakesErrorsThatBoto3Understands) {
  const auto error = [&](std::string body, net::Headers headers, int status, std::string endpoint = "late") {
    const net::Response answer = Send(std::move(body), std::move(headers), std::move(endpoint));
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(answer.headers.Get("x-amzn-errortype"), "ValidationError");
    return answer.body;
  };
  EXPECT_THAT(error("1", {{"Content-Type", "text/csv"}}, 400), HasSubstr("line 1 has 1 cells"));
  EXPECT_THAT(error("", {{"Content-Type", "text/csv"}}, 400), HasSubstr("no rows"));
  EXPECT_THAT(error("{}", {{"Content-Type", "application/json"}}, 400), HasSubstr("instance 0 has no"));
  EXPECT_THAT(error("x\n", {{"Content-Type", "application/jsonlines"}}, 400), HasSubstr("line 1"));
  EXPECT_THAT(error("1", {{"Content-Type", "application/x-npy"}}, 415), HasSubstr("application/x-npy is not read"));
  EXPECT_THAT(error("1", {}, 415), HasSubstr("(none)"));
  EXPECT_THAT(error("1", {{"Content-Type", "text/csv"}, {"X-Amzn-SageMaker-Target-Model", "a"}}, 400), HasSubstr("is one model"));
  EXPECT_THAT(error("1", {{"Content-Type", "text/csv"}}, 400, "early"), HasSubstr("unknown model early"));
}

class SagemakerClassesTest : public SagemakerTest {
 protected:
  void Serve(serve::EndpointSnapshot snapshot) { ASSERT_TRUE(serve_.endpoints->Replace(std::move(snapshot))); }
};

TEST_F(SagemakerClassesTest, AnswersEveryScoreAndTheClass) {
  Serve(serve::LateEndpoint(serve::ClassesPackage()));
  const std::string rows = "N1,3,EWR\nN2,20,JFK\n";
  EXPECT_EQ(Invoke(rows, "text/csv"), "0.5,0.5,0\n0,1,0\n");
  EXPECT_EQ(Invoke(rows, "text/csv", "application/json"),
            R"({"predictions":[{"score":[0.5,0.5,0.0],"predicted_label":"early"},{"score":[0.0,1.0,0.0],"predicted_label":"on time"}]})");
  EXPECT_EQ(Invoke("N2,20,JFK", "text/csv", "application/jsonlines"), "{\"score\":[0.0,1.0,0.0]}\n");
}

TEST_F(SagemakerClassesTest, NumbersClassesWithoutNamesAndLeavesTargetsAlone) {
  Serve(serve::LateEndpoint(serve::ClassesPackage({})));
  EXPECT_EQ(Invoke("N2,20,JFK", "text/csv", "application/json"), R"({"predictions":[{"score":[0.0,1.0,0.0],"predicted_label":1}]})");
  Serve(serve::LateEndpoint(serve::TargetsPackage()));
  EXPECT_EQ(Invoke("N2,20,JFK", "text/csv", "application/json"), R"({"predictions":[{"score":[2.5,-3.0]}]})");
}

}  // namespace
}  // namespace sw::sagemaker
