#include "api/open_inference/open_inference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "api/open_inference/infer.h"
#include "api/open_inference/quick_infer.h"
#include "net/dispatch.h"
#include "serve/fakes.h"

namespace sw::open_inference {
namespace {

using testing::HasSubstr;

class OpenInferenceTest : public testing::Test {
 protected:
  OpenInferenceTest() : router_(net::Router::Make(OpenInferenceRoutes({serve_.endpoints.get(), "1.2.3"})).value()) {}

  net::Response Send(net::Method method, std::string path, std::string body = "", net::Headers headers = {}) {
    return net::Dispatch(router_, {.method = method, .path = std::move(path), .headers = std::move(headers), .body = std::move(body)});
  }
  Json Get(std::string path, int status = 200) {
    const net::Response answer = Send(net::Method::kGet, std::move(path));
    EXPECT_EQ(answer.status, status) << answer.body;
    return Json::Parse(answer.body).value();
  }
  net::Response Infer(std::string body, net::Headers headers = {}) {
    return Send(net::Method::kPost, "/v2/models/late/infer", std::move(body), std::move(headers));
  }
  std::string ErrorOf(const std::string& body, int status = 400) {
    const net::Response answer = Infer(body);
    EXPECT_EQ(answer.status, status) << body << "\n" << answer.body;
    return Json::Parse(answer.body)->StringOr("error", "no error: " + answer.body);
  }

  serve::ServeFixture serve_;
  net::Router router_;
};

constexpr const char* kTwoRows =
    R"({"id": "mine", "inputs": [
        {"name": "delay", "datatype": "FP32", "shape": [2, 1], "data": [[20], [3]]},
        {"name": "tailnum", "datatype": "BYTES", "shape": [2], "data": ["N1", "N2"]},
        {"name": "origin", "datatype": "BYTES", "shape": [2], "data": ["EWR", "JFK"]}])";

TEST_F(OpenInferenceTest, TakesAPriorityByWordOrByTritonsNumber) {
  const auto with = [](const char* priority) {
    std::string body = kTwoRows;
    return body + R"(, "parameters": {"priority": )" + priority + "}}";
  };
  for (const char* fine : {R"("high")", R"("low")", "0", "1", "7"}) EXPECT_EQ(Infer(with(fine)).status, 200) << fine;
  EXPECT_EQ(ErrorOf(with(R"("urgent")")), R"(unknown priority "urgent"; use high, normal or low)");
  EXPECT_THAT(ErrorOf(with("-1")), HasSubstr("parameters.priority must be"));
  EXPECT_EQ(Infer(std::string(kTwoRows) + "}", {{"X-Seaworthy-Priority", "low"}}).status, 200);
  EXPECT_EQ(Infer(std::string(kTwoRows) + "}", {{"X-Seaworthy-Priority", "urgent"}}).status, 400);
  EXPECT_EQ(PriorityOfNumber(0), serve::Priority::kNormal);
  EXPECT_EQ(PriorityOfNumber(1), serve::Priority::kHigh);
  EXPECT_EQ(PriorityOfNumber(3), serve::Priority::kLow);
}

TEST_F(OpenInferenceTest, DescribesServerAndModels) {
  EXPECT_EQ(Get("/v2").StringOr("version", ""), "1.2.3");
  EXPECT_TRUE(Get("/v2/health/ready").BoolOr("ready", false));
  EXPECT_TRUE(Get("/v2/health/live").BoolOr("live", false));
  EXPECT_EQ(Get("/v2/models").Dump(), R"({"models":["late"]})");
  const Json late = Get("/v2/models/late");
  EXPECT_EQ(late.Find("versions")->Dump(), R"(["1"])");
  EXPECT_EQ(late.Find("inputs")->AsArray()[1].Dump(), R"({"name":"delay","datatype":"FP64","shape":[-1]})");
  EXPECT_EQ(late.Find("outputs")->AsArray()[0].Dump(), R"({"name":"prediction","datatype":"FP64","shape":[-1]})");
  EXPECT_EQ(Get("/v2/models/late/config").Find("input")->AsArray()[2].StringOr("data_type", ""), "TYPE_STRING");
  EXPECT_TRUE(Get("/v2/models/late/versions/1/ready").BoolOr("ready", false));
  EXPECT_THAT(Get("/v2/models/early", 404).StringOr("error", ""), HasSubstr("unknown model early; served are late"));
  EXPECT_THAT(Get("/v2/models/late/versions/9", 404).StringOr("error", ""), HasSubstr("no version 9"));
  EXPECT_THAT(Get("/v2/models/late/versions/x", 400).StringOr("error", ""), HasSubstr("x is no number"));
}

TEST_F(OpenInferenceTest, ScoresRowsOfColumns) {
  const Json answer = Json::Parse(Infer(std::string(kTwoRows) + "}").body).value();
  EXPECT_EQ(answer.StringOr("model_name", ""), "late");
  EXPECT_EQ(answer.StringOr("model_version", ""), "1");
  EXPECT_EQ(answer.StringOr("id", ""), "mine");
  EXPECT_EQ(answer.Find("outputs")->Dump(), R"([{"name":"prediction","datatype":"FP64","shape":[2],"data":[20.0,3.0]}])");
}

TEST_F(OpenInferenceTest, GivesTheOutputsThatAreAskedFor) {
  const std::string body = std::string(kTwoRows) +
      R"(, "parameters": {"prediction_id": "p", "unit": "N9"}, "outputs": [{"name": "decision"}, {"name": "version"}, {"name": "prediction_id"}]})";
  const Json answer = Json::Parse(Infer(body).body).value();
  const Json::Array& outputs = answer.Find("outputs")->AsArray();
  EXPECT_EQ(outputs[0].Find("data")->Dump(), "[true,false]");
  EXPECT_EQ(outputs[1].Find("data")->Dump(), "[1,1]");
  EXPECT_EQ(outputs[2].Find("data")->Dump(), R"(["p-0","p-1"])");
}

TEST_F(OpenInferenceTest, SpeaksTheBinaryExtension) {
  const std::string json = R"({"parameters": {"binary_data_output": true}, "inputs": [
      {"name": "delay", "datatype": "FP32", "shape": [1], "parameters": {"binary_data_size": 4}},
      {"name": "tailnum", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 6}},
      {"name": "origin", "datatype": "BYTES", "shape": [1], "data": ["EWR"]}]})";
  const float delay = 20.5F;
  std::string binary(4, '\0');
  std::memcpy(binary.data(), &delay, 4);
  binary += std::string("\2\0\0\0N1", 6);
  const auto send = [&](const std::string& length, const std::string& tail) {
    return Infer(json + tail, {{"Inference-Header-Content-Length", length}});
  };
  const std::string length = std::to_string(json.size());
  const net::Response answer = send(length, binary);
  ASSERT_EQ(answer.status, 200) << answer.body;
  const std::size_t head = std::stoul(std::string(answer.headers.Get("inference-header-content-length")));
  EXPECT_EQ(answer.headers.Get("content-type"), "application/octet-stream");
  EXPECT_THAT(answer.body.substr(0, head), HasSubstr(R"("binary_data_size":8)"));
  double score = 0;
  ASSERT_EQ(answer.body.size(), head + 8);
  std::memcpy(&score, answer.body.data() + head, 8);
  EXPECT_EQ(score, 20.5);
  for (const char* wrong : {"-1", "x", "", "99999999999999999999", "0"}) EXPECT_EQ(send(wrong, binary).status, 400) << wrong;
  EXPECT_THAT(send(std::to_string(json.size() + 11), binary).body, HasSubstr("of a body of"));
  EXPECT_THAT(send(length, binary + "x").body, HasSubstr("1 bytes are left"));
  EXPECT_THAT(send(length, binary.substr(0, 7)).body, HasSubstr("binary_data_size is 6, 3 bytes are left"));
}

TEST_F(OpenInferenceTest, AnswersAMatrixOfSeveralOutputs) {
  ASSERT_TRUE(serve_.endpoints->Replace(serve::LateEndpoint(serve::ClassesPackage())));
  const Json::Array outputs = Get("/v2/models/late").Find("outputs")->AsArray();
  EXPECT_EQ(outputs[0].Dump(), R"({"name":"prediction","datatype":"FP64","shape":[-1,3]})");
  EXPECT_EQ(outputs[1].Dump(), R"({"name":"class","datatype":"BYTES","shape":[-1]})");
  EXPECT_EQ(Get("/v2/models/late/config").Find("output")->AsArray()[0].Find("dims")->Dump(), "[-1,3]");
  const Json answer = Json::Parse(Infer(std::string(kTwoRows) + R"(, "outputs": [{"name": "prediction"}, {"name": "class"}]})").body).value();
  EXPECT_EQ(answer.Find("outputs")->Dump(),
            R"([{"name":"prediction","datatype":"FP64","shape":[2,3],"data":[0.0,1.0,0.0,0.5,0.5,0.0]},)"
            R"({"name":"class","datatype":"BYTES","shape":[2],"data":["on time","early"]}])");
  EXPECT_THAT(ErrorOf(std::string(kTwoRows) + R"(, "outputs": [{"name": "decision"}]})"),
              HasSubstr("unexpected output decision; there are prediction, class, version, prediction_id"));
}

TEST_F(OpenInferenceTest, AnswersAMatrixInBinaryRowAfterRow) {
  ASSERT_TRUE(serve_.endpoints->Replace(serve::LateEndpoint(serve::TargetsPackage())));
  const net::Response answer = Infer(std::string(kTwoRows) + R"(, "parameters": {"binary_data_output": true}})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const std::size_t head = std::stoul(std::string(answer.headers.Get("inference-header-content-length")));
  EXPECT_THAT(answer.body.substr(0, head), HasSubstr(R"("shape":[2,2],"parameters":{"binary_data_size":32})"));
  std::array<double, 4> scores = {};
  ASSERT_EQ(answer.body.size(), head + sizeof scores);
  std::memcpy(scores.data(), answer.body.data() + head, sizeof scores);
  EXPECT_THAT(scores, testing::ElementsAre(2.5, -3, 1.5, -2));
  EXPECT_THAT(ErrorOf(std::string(kTwoRows) + R"(, "outputs": [{"name": "class"}]})"), HasSubstr("unexpected output class"));
}

TEST_F(OpenInferenceTest, TellsWhatIsWrongInItsOwnForm) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("JSON"));
  EXPECT_THAT(ErrorOf("[]"), HasSubstr("must be an object"));
  EXPECT_THAT(ErrorOf("{}"), HasSubstr("inputs"));
  EXPECT_THAT(ErrorOf(R"({"inputs": []})"), HasSubstr("no inputs"));
  EXPECT_THAT(ErrorOf(R"({"inputs": [1]})"), HasSubstr("must hold objects"));
  EXPECT_THAT(ErrorOf(R"({"inputs": [{"name": "delay", "datatype": "FP31", "shape": [1], "data": [1]}]})"), HasSubstr("FP31"));
  EXPECT_THAT(ErrorOf(R"({"inputs": [{"name": "delay", "datatype": "FP32", "shape": [1]}]})"), HasSubstr("neither data nor"));
  EXPECT_THAT(ErrorOf(R"({"inputs": [{"name": "delay", "datatype": "FP32", "data": [1]}]})"), HasSubstr("shape must be"));
  EXPECT_THAT(ErrorOf(R"({"inputs": [{"name": "delay", "datatype": "FP32", "shape": [1], "data": [1]}]})"), HasSubstr("is missing"));
  EXPECT_THAT(ErrorOf(std::string(kTwoRows) + R"(, "outputs": [{"name": "score"}]})"), HasSubstr("unexpected output score"));
  EXPECT_THAT(ErrorOf(std::string(kTwoRows) + R"(, "outputs": [{"name": "version"}, {"name": "version"}]})"), HasSubstr("asked for twice"));
  EXPECT_THAT(ErrorOf(std::string(kTwoRows) + R"(, "parameters": {"binary_data_output": 1}})"), HasSubstr("true or false"));
  EXPECT_EQ(Send(net::Method::kPost, "/v2/models/early/infer", "{}").status, 404);
  EXPECT_EQ(Send(net::Method::kPost, "/v2/models/late/versions/2/infer", std::string(kTwoRows) + "}").status, 404);
  EXPECT_EQ(Send(net::Method::kPost, "/v2/models/late/versions/1/infer", std::string(kTwoRows) + "}").status, 200);
}

// What the quick reader takes is what the other makes of the same body; what it does not take, the other judges.
TEST(QuickRows, ReadsWhatTheOtherReads) {
  const auto schema = std::make_shared<const data::Schema>(
      data::Schema{{{"delay", data::Type::kFloat64}, {"hour", data::Type::kInt64}, {"origin", data::Type::kString}}});
  const auto numbers = std::make_shared<const data::Schema>(data::Schema{{{"a", data::Type::kFloat64}, {"b", data::Type::kFloat64}}});
  const serve::Outputs outputs;
  const auto check = [&](const std::shared_ptr<const data::Schema>& of, const std::string& body, bool is_taken) {
    const std::optional<QuickRequest> quick = QuickRows(body, of);
    EXPECT_EQ(quick.has_value(), is_taken) << body;
    Result<InferRequest> infer = ParseInfer({.body = body}, outputs);
    if (!quick) return;
    ASSERT_TRUE(infer) << body;
    const Result<data::Batch> rows = wire::RowsFromTensors(*of, std::move(infer->inputs));
    ASSERT_TRUE(rows) << body;
    EXPECT_EQ(quick->rows, *rows) << body;
    EXPECT_EQ(quick->id, infer->id) << body;
  };
  const std::string hour = R"({"name":"hour","datatype":"INT64","shape":[2],"data":[5,null]},)";
  const std::string origin = R"({"shape":[2,1],"name":"origin","datatype":"BYTES","data":[["EWR"],["a\"b"]]})";
  check(schema, R"({"id":"7","inputs":[{"name":"delay","datatype":"FP32","shape":[2],"data":[0.1,-3e2]},)" + hour + origin + "]}", true);
  check(schema, R"({"inputs":[)" + hour + origin + R"(,{"name":"delay","datatype":"FP64","shape":[2,1],"data":[[1],[2.5]]}],"id":"x"})", true);
  check(numbers, R"({"inputs":[{"name":"input","shape":[2,2],"datatype":"FP64","data":[1,2,3.5,null]}]})", true);
  check(numbers, R"({"inputs":[{"name":"input-0","shape":[2,2],"datatype":"FP32","data":[[1,2],[3,16777217]]}]})", true);
  const std::string matrix = R"({"inputs":[{"name":"input","shape":[1,2],"datatype":"FP64","data":)";
  for (const char* rest : {"[1]}]}", "[1,2,3]}]}", "[[1],[2]]}]}", "[1,2]", "[1,2]}],\"parameters\":{}}", "[1,\"2\"]}]}", "[1,2],\"parameters\":{}}]}",
                           "[1,true]}]}", "[1,1e999]}]}", "[1,2]}]}x", "[1,2]},{\"name\":\"a\",\"shape\":[1],\"datatype\":\"FP64\",\"data\":[1]}]}", "[]}]}"}) {
    check(numbers, matrix + rest, false);
  }
  for (const char* body :
       {R"({"inputs":[{"name":"a","shape":[1],"datatype":"FP64","data":[1]}]})",                                                       // b is missing
        R"({"inputs":[{"name":"a","shape":[1],"datatype":"FP64","data":[1]},{"name":"a","shape":[1],"datatype":"FP64","data":[1]}]})",  // twice
        R"({"inputs":[{"name":"a","shape":[1],"datatype":"FP64","data":[1]},{"name":"b","shape":[2],"datatype":"FP64","data":[1,2]}]})",
        R"({"inputs":[{"name":"c","shape":[1],"datatype":"FP64","data":[1]}]})", R"({"inputs":[{"data":[1],"name":"a","shape":[1],"datatype":"FP64"}]})",
        R"({"inputs":[{"name":"input","shape":[1,2],"datatype":"INT64","data":[1,2]}]})", R"({"inputs":[{"name":"input","shape":[-1,2],"datatype":"FP64","data":[1,2]}]})",
        R"({"inputs":[{"name":"input","shape":[0,2],"datatype":"FP64","data":[]}]})", R"({"inputs":[]})", "{}", "", "[]", R"({"id":7,"inputs":[]})"}) {
    check(numbers, body, false);
  }
}

}  // namespace
}  // namespace sw::open_inference
