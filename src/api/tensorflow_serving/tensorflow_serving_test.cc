#include "api/tensorflow_serving/tensorflow_serving.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/dispatch.h"
#include "serve/fakes.h"

namespace sw::tensorflow_serving {
namespace {

using testing::HasSubstr;

class TensorflowServingTest : public testing::Test {
 protected:
  TensorflowServingTest() : router_(net::Router::Make(TensorflowServingRoutes(serve_.endpoints.get())).value()) {}

  std::string Get(std::string path, int status = 200) {
    const net::Response answer = net::Dispatch(router_, {.path = std::move(path)});
    EXPECT_EQ(answer.status, status) << answer.body;
    return answer.body;
  }
  std::string Post(std::string path, std::string body, int status = 200) {
    const net::Response answer = net::Dispatch(router_, {.method = net::Method::kPost, .path = std::move(path), .body = std::move(body)});
    EXPECT_EQ(answer.status, status) << answer.body;
    return answer.body;
  }

  serve::ServeFixture serve_;
  net::Router router_;
};

TEST_F(TensorflowServingTest, AnswersStatusesOfBothProtocols) {
  EXPECT_EQ(Get("/"), R"({"status":"alive"})");
  EXPECT_EQ(Get("/v1/models"), R"({"models":["late"]})");
  const std::string status = Get("/v1/models/late");
  EXPECT_THAT(status, HasSubstr(R"("model_version_status":[{"version":"1","state":"AVAILABLE")"));
  EXPECT_THAT(status, HasSubstr(R"("name":"late","ready":true)"));
  EXPECT_EQ(Get("/v1/models/late/versions/1"), status);
  EXPECT_EQ(Get("/v1/models/late/labels/live"), status);
  EXPECT_THAT(Get("/v1/models/late/metadata"), HasSubstr(R"("delay":{"dtype":"DT_DOUBLE")"));
  EXPECT_THAT(Get("/v1/models/early", 404), HasSubstr(R"({"error":"unknown model early; served are late"})"));
  EXPECT_THAT(Get("/v1/models/late/versions/2", 404), HasSubstr("no version 2"));
  EXPECT_THAT(Get("/v1/models/late/labels/canary", 404), HasSubstr("no arm canary"));
}

TEST_F(TensorflowServingTest, PredictsInstancesAndInputs) {
  const std::string rows = R"({"instances": [{"delay": 20, "tailnum": "N1", "origin": "EWR"}, ["N2", 3.5, null]]})";
  for (const char* path : {"/v1/models/late:predict", "/v1/models/late/versions/1:predict", "/v1/models/late/labels/live:predict"}) {
    EXPECT_EQ(Post(path, rows), R"({"predictions":[20.0,3.5]})") << path;
  }
  EXPECT_EQ(Post("/v1/models/late:predict", R"({"signature_name": "serving_default",
      "inputs": {"delay": [[20], [3]], "tailnum": ["N1", "N2"], "origin": ["EWR", "JFK"]}})"), R"({"outputs":[20.0,3.0]})");
}

TEST_F(TensorflowServingTest, RegressesAndClassifiesExamples) {
  const std::string examples = R"({"context": {"origin": "EWR"}, "examples": [{"delay": 0.25, "tailnum": "N1"}]})";
  EXPECT_EQ(Post("/v1/models/late:regress", examples), R"({"results":[0.25]})");
  EXPECT_EQ(Post("/v1/models/late:classify", examples), R"({"results":[[["0",0.75],["1",0.25]]]})");
}

TEST_F(TensorflowServingTest, NestsSeveralOutputsAndNamesClasses) {
  ASSERT_TRUE(serve_.endpoints->Replace(serve::LateEndpoint(serve::ClassesPackage())));
  EXPECT_THAT(Get("/v1/models/late/metadata"),
              HasSubstr(R"("dtype":"DT_DOUBLE","tensor_shape":{"dim":[{"size":"-1","name":""},{"size":"3","name":""}])"));
  EXPECT_EQ(Post("/v1/models/late:predict", R"({"instances": [["N1", 3, "EWR"], ["N2", 20, "JFK"]]})"),
            R"({"predictions":[[0.5,0.5,0.0],[0.0,1.0,0.0]]})");
  EXPECT_EQ(Post("/v1/models/late:predict", R"({"inputs": {"delay": [3], "tailnum": ["N1"], "origin": ["EWR"]}})"),
            R"({"outputs":[[0.5,0.5,0.0]]})");
  const std::string examples = R"({"examples": [{"delay": 20, "tailnum": "N1", "origin": "EWR"}]})";
  EXPECT_EQ(Post("/v1/models/late:classify", examples), R"({"results":[[["early",0.0],["on time",1.0],["late",0.0]]]})");
  EXPECT_THAT(Post("/v1/models/late:regress", examples, 400), HasSubstr("regress answers one value a row, and late predicts 3"));
}

TEST_F(TensorflowServingTest, NamesBothClassesOfOneScore) {
  model::PackageContent content = serve::StumpsContent("binary sigmoid:1", {{0, 800}});
  content.output_names = {"on time", "late"};
  ASSERT_TRUE(serve_.endpoints->Replace(serve::LateEndpoint(serve::MakePackage(content))));
  EXPECT_EQ(Post("/v1/models/late:classify", R"({"examples": [{"delay": 20, "tailnum": "N1", "origin": "EWR"}]})"),
            R"({"results":[[["on time",0.0],["late",1.0]]]})");
}

TEST_F(TensorflowServingTest, TellsWhatIsWrongInItsOwnForm) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "error"}, {"[]", "must be an object"}, {"{}", "either instances or inputs"},
      {R"({"instances": [], "inputs": []})", "either instances or inputs"},
      {R"({"instances": [[1]]})", "has 1 values, the model reads 3"},
      {R"({"instances": [{"dely": 1}]})", "did you mean delay?"},
      {R"({"signature_name": "other", "instances": []})", "there is only serving_default"},
      {R"({"inputs": {"delay": [1]}})", "is missing"},
  };
  for (const auto& [body, message] : cases) {
    EXPECT_THAT(Post("/v1/models/late:predict", body, 400), HasSubstr(message)) << body;
  }
  EXPECT_THAT(Post("/v1/models/late:guess", "{}", 404), HasSubstr("no verb guess"));
  EXPECT_THAT(Post("/v1/models/late:explain", "{}", 501), HasSubstr("--contributions"));
  EXPECT_THAT(Post("/v1/models/early:predict", "{}", 404), HasSubstr("unknown model early"));
}

}  // namespace
}  // namespace sw::tensorflow_serving
