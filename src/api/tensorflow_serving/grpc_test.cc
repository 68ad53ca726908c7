#include "api/tensorflow_serving/grpc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <proto/tensorflow_serving.pb.h>

#include "api/grpc/fakes.h"
#include "net/dispatch.h"
#include "serve/fakes.h"

namespace sw::tensorflow_serving {
namespace {

namespace tf = tensorflow::serving;
using testing::ElementsAre;
using testing::HasSubstr;

class GrpcTest : public testing::Test {
 protected:
  GrpcTest() : router_(net::Router::Make(GrpcRoutes(serve_.endpoints.get(), serve_.clock)).value()) {}

  template <typename Request>
  net::Response Send(const std::string& path, const std::string& text) {
    return net::Dispatch(router_, grpc::CallOf("/tensorflow.serving." + path, grpc::FromText<Request>(text)));
  }
  template <typename Request, typename Answer>
  Answer Ask(const std::string& path, const std::string& text) {
    return grpc::AnswerOf<Answer>(Send<Request>(path, text));
  }
  template <typename Request>
  std::string Refused(const std::string& path, const std::string& text) {
    return grpc::RefusalOf(Send<Request>(path, text));
  }
  std::string RefusedPredict(const std::string& text) { return Refused<tf::PredictRequest>("PredictionService/Predict", text); }

  static std::string Example(double delay) {
    return fmt::format("examples {{ features {{ feature {{ key: 'delay' value {{ float_list {{ value: {} }} }} }} "
                       "feature {{ key: 'tailnum' value {{ bytes_list {{ value: 'N1' }} }} }} feature {{ key: 'origin' value {{ }} }} }} }} ", delay);
  }

  serve::ServeFixture serve_;
  net::Router router_;
  const std::string late_ = "model_spec { name: 'late' } ";
  const std::string inputs_ = R"(inputs { key: 'delay' value { dtype: DT_DOUBLE tensor_shape { dim { size: 2 } } double_val: [20, 3.5] } }
    inputs { key: 'tailnum' value { dtype: DT_STRING tensor_shape { dim { size: 2 } } string_val: ['N1', 'N2'] } }
    inputs { key: 'origin' value { dtype: DT_STRING tensor_shape { dim { size: 2 } } string_val: 'EWR' } } )";
};

TEST_F(GrpcTest, PredictsTheModelTheVersionAndTheLabel) {
  for (const char* spec : {"", "version { value: 1 }", "version_label: 'live'", "signature_name: 'serving_default'"}) {
    const auto answer = Ask<tf::PredictRequest, tf::PredictResponse>("PredictionService/Predict", fmt::format("model_spec {{ name: 'late' {} }}", spec) + inputs_);
    ASSERT_EQ(answer.outputs().size(), 1U);
    const tensorflow::TensorProto& prediction = answer.outputs().at("prediction");
    EXPECT_EQ(prediction.dtype(), tensorflow::DT_DOUBLE);
    ASSERT_EQ(prediction.tensor_shape().dim_size(), 1);
    EXPECT_EQ(prediction.tensor_shape().dim(0).size(), 2);
    EXPECT_THAT(prediction.double_val(), ElementsAre(20, 3.5));
    EXPECT_EQ(answer.model_spec().ShortDebugString(), R"(name: "late" version { value: 1 } signature_name: "serving_default")");
  }
}

TEST_F(GrpcTest, ReadsThePriorityFromItsMetadata) {
  net::Request call = grpc::CallOf("/tensorflow.serving.PredictionService/Predict", grpc::FromText<tf::PredictRequest>(late_ + inputs_));
  call.headers.Add("x-seaworthy-priority", "urgent");
  EXPECT_THAT(grpc::RefusalOf(net::Dispatch(router_, call)), HasSubstr("urgent"));
}

TEST_F(GrpcTest, AnswersTheOutputsThatAreAskedFor) {
  const auto answer = Ask<tf::PredictRequest, tf::PredictResponse>(
      "PredictionService/Predict", late_ + inputs_ + "output_filter: ['decision', 'version', 'prediction_id']");
  EXPECT_EQ(answer.outputs().size(), 3U);
  EXPECT_THAT(answer.outputs().at("decision").bool_val(), ElementsAre(true, false));
  EXPECT_THAT(answer.outputs().at("version").int64_val(), ElementsAre(1, 1));
  EXPECT_EQ(answer.outputs().at("prediction_id").string_val_size(), 2);
  EXPECT_EQ(RefusedPredict(late_ + inputs_ + "output_filter: 'class'"), "3 unexpected output class; there are prediction, decision, version, prediction_id");
  EXPECT_EQ(RefusedPredict(late_ + inputs_ + "output_filter: ['version', 'version']"), "3 output version is asked for twice");
}

TEST_F(GrpcTest, RegressesAndClassifiesExamples) {
  const std::string input = late_ + "input { example_list { " + Example(0.25) + "} }";
  const auto regressed = Ask<tf::RegressionRequest, tf::RegressionResponse>("PredictionService/Regress", input);
  EXPECT_EQ(regressed.result().ShortDebugString(), "regressions { value: 0.25 }");
  EXPECT_EQ(regressed.model_spec().version().value(), 1);
  const auto classified = Ask<tf::ClassificationRequest, tf::ClassificationResponse>("PredictionService/Classify", input);
  EXPECT_EQ(classified.result().ShortDebugString(), R"(classifications { classes { label: "0" score: 0.75 } classes { label: "1" score: 0.25 } })");
}

TEST_F(GrpcTest, DoesBothInOneMultiInference) {
  const std::string input = "input { example_list { " + Example(0.25) + "} }";
  const auto task = [&](std::string_view method, std::string_view spec = "name: 'late'") {
    return fmt::format("tasks {{ model_spec {{ {} }} method_name: 'tensorflow/serving/{}' }} ", spec, method);
  };
  const auto ask = [&](const std::string& text) { return Refused<tf::MultiInferenceRequest>("PredictionService/MultiInference", text); };
  const auto answer = Ask<tf::MultiInferenceRequest, tf::MultiInferenceResponse>("PredictionService/MultiInference", task("regress") + task("classify") + input);
  ASSERT_EQ(answer.results_size(), 2);
  EXPECT_EQ(answer.results(0).regression_result().regressions(0).value(), 0.25);
  EXPECT_EQ(answer.results(1).classification_result().classifications(0).classes(1).score(), 0.25);
  EXPECT_EQ(serve_.endpoints->Statistics("late")[0].rows, 1);  // scored once
  EXPECT_EQ(ask(input), "3 there are no tasks");
  EXPECT_EQ(ask(task("regress") + task("regress") + input), "3 there are two tasks of tensorflow/serving/regress");
  EXPECT_THAT(ask(task("predict") + input), HasSubstr("3 method_name tensorflow/serving/predict: there are"));
  EXPECT_THAT(ask(task("regress") + task("classify", "name: 'late' version { value: 1 }") + input), HasSubstr("3 the tasks must be of one model and version"));
}

TEST_F(GrpcTest, NestsSeveralOutputsAndNamesClasses) {
  ASSERT_TRUE(serve_.endpoints->Replace(serve::LateEndpoint(serve::ClassesPackage())));
  const auto answer = Ask<tf::PredictRequest, tf::PredictResponse>("PredictionService/Predict", late_ + inputs_ + "output_filter: ['prediction', 'class']");
  const tensorflow::TensorProto& prediction = answer.outputs().at("prediction");
  ASSERT_EQ(prediction.tensor_shape().dim_size(), 2);
  EXPECT_EQ(prediction.tensor_shape().dim(1).size(), 3);
  EXPECT_THAT(prediction.double_val(), ElementsAre(0, 1, 0, 0.5, 0.5, 0));
  EXPECT_THAT(answer.outputs().at("class").string_val(), ElementsAre("on time", "early"));
  const std::string input = late_ + "input { example_list { " + Example(20) + "} }";
  const auto classified = Ask<tf::ClassificationRequest, tf::ClassificationResponse>("PredictionService/Classify", input);
  EXPECT_EQ(classified.result().classifications(0).classes(1).ShortDebugString(), R"(label: "on time" score: 1)");
  EXPECT_THAT(Refused<tf::RegressionRequest>("PredictionService/Regress", input), HasSubstr("3 regress answers one value a row, and late predicts 3"));
  EXPECT_THAT(RefusedPredict(late_ + inputs_ + "output_filter: 'decision'"), HasSubstr("3 unexpected output decision"));
}

TEST_F(GrpcTest, DescribesAModel) {
  const auto metadata = Ask<tf::GetModelMetadataRequest, tf::GetModelMetadataResponse>("PredictionService/GetModelMetadata", late_ + "metadata_field: 'signature_def'");
  EXPECT_EQ(metadata.model_spec().ShortDebugString(), R"(name: "late" version { value: 1 })");
  tf::SignatureDefMap map;
  ASSERT_TRUE(metadata.metadata().at("signature_def").UnpackTo(&map));
  const tensorflow::SignatureDef& signature = map.signature_def().at("serving_default");
  EXPECT_EQ(signature.method_name(), "tensorflow/serving/predict");
  EXPECT_EQ(signature.inputs().at("delay").ShortDebugString(), R"(name: "delay:0" dtype: DT_DOUBLE tensor_shape { dim { size: -1 } })");
  EXPECT_EQ(signature.inputs().at("origin").dtype(), tensorflow::DT_STRING);
  EXPECT_EQ(signature.outputs().at("prediction").dtype(), tensorflow::DT_DOUBLE);
  EXPECT_EQ(Refused<tf::GetModelMetadataRequest>("PredictionService/GetModelMetadata", late_ + "metadata_field: 'graph'"),
            "3 metadata_field graph: there is only signature_def");
  EXPECT_THAT(Refused<tf::GetModelMetadataRequest>("PredictionService/GetModelMetadata", late_), HasSubstr("3 metadata_field is empty"));
  EXPECT_EQ((Ask<tf::GetModelStatusRequest, tf::GetModelStatusResponse>("ModelService/GetModelStatus", late_)).ShortDebugString(),
            "model_version_status { version: 1 state: AVAILABLE status { } }");
}

TEST_F(GrpcTest, TellsWhatIsWrong) {
  EXPECT_EQ(RefusedPredict("model_spec { name: 'early' } " + inputs_), "5 unknown model early; served are late");
  EXPECT_EQ(RefusedPredict(inputs_), "5 unknown model ; served are late");
  EXPECT_EQ(RefusedPredict("model_spec { name: 'late' version { value: 2 } } " + inputs_), "5 model late has no version 2");
  EXPECT_EQ(RefusedPredict("model_spec { name: 'late' version { } } " + inputs_), "5 model late has no version 0");
  EXPECT_EQ(RefusedPredict("model_spec { name: 'late' version_label: 'canary' } " + inputs_), "5 model late has no arm canary");
  EXPECT_EQ(RefusedPredict("model_spec { name: 'late' signature_name: 'other' } " + inputs_), "3 signature_name other: there is only serving_default");
  EXPECT_EQ(RefusedPredict(late_ + "inputs { key: 'delay' value { dtype: DT_STRING } }"), "3 input delay: 0 values, its shape [] is of 1");
  EXPECT_THAT(Refused<tf::ReloadConfigRequest>("ModelService/HandleReloadConfigRequest", ""), HasSubstr("12 models are not configured over this wire: apply"));
}

}  // namespace
}  // namespace sw::tensorflow_serving
