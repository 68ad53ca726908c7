#include "api/tensorflow_serving/grpc.h"

#include <proto/tensorflow_serving.pb.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "api/grpc/service.h"
#include "api/tensorflow_serving/grpc_rows.h"
#include "api/tensorflow_serving/signature.h"
#include "base/errors.h"

namespace sw::tensorflow_serving {
namespace {

// Their messages; functions here are named as those.
namespace tf = tensorflow::serving;
using grpc::Call;
using grpc::Reply;
using grpc::Scratch;

constexpr std::string_view kClassifyMethod = "tensorflow/serving/classify";
constexpr std::string_view kRegressMethod = "tensorflow/serving/regress";
constexpr std::string_view kSignatureField = "signature_def";

Result<wire::Target> TargetOf(const serve::Endpoints& endpoints, const tf::ModelSpec& spec) {
  SW_TRY(CheckSignatureName(spec.signature_name()));
  switch (spec.version_choice_case()) {
    case tf::ModelSpec::kVersionLabel: return FindLabel(endpoints, spec.name(), spec.version_label());
    case tf::ModelSpec::kVersion: {
      wire::Target target = SW_TRY(wire::FindTarget(endpoints, spec.name()));
      target.version = spec.version().value();
      if (target.endpoint->FindVersion(*target.version) != nullptr) return target;
      return NotFound("model {} has no version {}", spec.name(), *target.version);
    }
    case tf::ModelSpec::VERSION_CHOICE_NOT_SET: return wire::FindTarget(endpoints, spec.name());
  }
  return wire::FindTarget(endpoints, spec.name());
}

void FillSpec(std::string_view model, const serve::PredictResult& result, tf::ModelSpec& spec) {
  spec.set_name(std::string(model));
  spec.set_signature_name(std::string(kSignature));
  if (!result.versions.empty()) spec.mutable_version()->set_value(result.versions.front());
}

// Answers with what `fill` makes of the result.
template <typename Response, typename Fill>
void Score(serve::Endpoints& endpoints, Result<serve::PredictRequest> predict, const Reply<Response>& reply, Fill fill) {
  if (!predict) return reply.Fail(predict.error());
  endpoints.Predict(*std::move(predict), grpc::ReplyWith(reply, std::move(fill)));
}

struct Output {
  std::string_view name;
  tensorflow::DataType type;
};
constexpr std::array<Output, 5> kOutputs = {{{"prediction", tensorflow::DT_DOUBLE},
                                             {"decision", tensorflow::DT_BOOL},
                                             {"class", tensorflow::DT_STRING},
                                             {"version", tensorflow::DT_INT64},
                                             {"prediction_id", tensorflow::DT_STRING}}};

bool Has(const serve::Outputs& outputs, std::string_view name) {
  if (name == "decision") return outputs.count == 1;
  if (name == "class") return outputs.are_classes;
  return std::ranges::find(kOutputs, name, &Output::name) != kOutputs.end();
}

Status CheckFilter(const serve::Outputs& outputs, const google::protobuf::RepeatedPtrField<std::string>& filter) {
  for (int i = 0; i < filter.size(); ++i) {
    if (std::find(filter.begin(), filter.begin() + i, filter[i]) != filter.begin() + i) {
      return InvalidArgument("output {} is asked for twice", filter[i]);
    }
    if (Has(outputs, filter[i])) continue;
    std::vector<std::string_view> names;
    for (const Output& output : kOutputs) {
      if (Has(outputs, output.name)) names.push_back(output.name);
    }
    return InvalidArgument("unexpected output {}; there are {}", std::string_view(filter[i]).substr(0, 64), fmt::join(names, ", "));
  }
  return Ok();
}

void FillTensor(const Output& output, const serve::PredictResult& result, tensorflow::TensorProto& tensor) {
  tensor.set_dtype(output.type);
  tensor.mutable_tensor_shape()->add_dim()->set_size(static_cast<std::int64_t>(result.rows()));
  if (output.name == "prediction") {
    if (result.outputs->count > 1) tensor.mutable_tensor_shape()->add_dim()->set_size(static_cast<std::int64_t>(result.outputs->count));
    tensor.mutable_double_val()->Add(result.scores.begin(), result.scores.end());
    return;
  }
  for (std::size_t row = 0; row < result.rows(); ++row) {
    if (output.name == "decision") tensor.add_bool_val(result.decisions[row]);
    if (output.name == "version") tensor.add_int64_val(result.versions[row]);
    if (output.name == "prediction_id") tensor.add_string_val(result.ids[row]);
    if (output.name == "class") tensor.add_string_val(result.ClassOf(row).value_or(""));
  }
}

void Predict(serve::Endpoints& endpoints, const Call& call, const tf::PredictRequest& request, const Reply<tf::PredictResponse>& reply) {
  const auto begin = [&]() -> Result<serve::PredictRequest> {
    const wire::Target target = SW_TRY(TargetOf(endpoints, request.model_spec()));
    SW_TRY(CheckFilter(*target.endpoint->outputs, request.output_filter()));
    serve::PredictRequest predict = SW_TRY(wire::Begin(target, call.caller, call.metadata));
    predict.rows = SW_TRY(RowsFromInputs(target.Schema(), request));
    return predict;
  };
  std::vector<std::string> wanted(request.output_filter().begin(), request.output_filter().end());
  if (wanted.empty()) wanted.emplace_back("prediction");
  Score(endpoints, begin(), reply,
        [model = request.model_spec().name(), wanted = std::move(wanted)](const serve::PredictResult& result, tf::PredictResponse& response) -> Status {
          FillSpec(model, result, *response.mutable_model_spec());
          for (const std::string& name : wanted) {
            if (!Has(*result.outputs, name)) return Unavailable("{} has other outputs now; retry", model);
            FillTensor(*std::ranges::find(kOutputs, name, &Output::name), result, (*response.mutable_outputs())[name]);
          }
          return Ok();
        });
}

void Fill(const serve::PredictResult& result, tf::ClassificationResult& classification) {
  for (std::size_t row = 0; row < result.rows(); ++row) {
    auto& classes = *classification.add_classifications();
    for (auto& [label, score] : ClassesOf(result, row)) {
      tf::Class& one = *classes.add_classes();
      one.set_label(label);
      one.set_score(static_cast<float>(score));
    }
  }
}

Status Fill(const serve::PredictResult& result, tf::RegressionResult& regression) {
  if (result.outputs->count != 1) return Unavailable("the model has other outputs now; retry");
  for (const double score : result.scores) regression.add_regressions()->set_value(static_cast<float>(score));
  return Ok();
}

Result<serve::PredictRequest> Examples(const wire::Target& target, const tf::Input& input, const Call& call) {
  serve::PredictRequest predict = SW_TRY(wire::Begin(target, call.caller, call.metadata));
  predict.rows = SW_TRY(RowsFromExamples(target.Schema(), input));
  return predict;
}

void Classify(serve::Endpoints& endpoints, const Call& call, const tf::ClassificationRequest& request,
              const Reply<tf::ClassificationResponse>& reply) {
  const auto begin = [&]() -> Result<serve::PredictRequest> {
    return Examples(SW_TRY(TargetOf(endpoints, request.model_spec())), request.input(), call);
  };
  Score(endpoints, begin(), reply,
        [model = request.model_spec().name()](const serve::PredictResult& result, tf::ClassificationResponse& response) -> Status {
          FillSpec(model, result, *response.mutable_model_spec());
          Fill(result, *response.mutable_result());
          return Ok();
        });
}

void Regress(serve::Endpoints& endpoints, const Call& call, const tf::RegressionRequest& request, const Reply<tf::RegressionResponse>& reply) {
  const auto begin = [&]() -> Result<serve::PredictRequest> {
    const wire::Target target = SW_TRY(TargetOf(endpoints, request.model_spec()));
    SW_TRY(CheckRegress(*target.endpoint));
    return Examples(target, request.input(), call);
  };
  Score(endpoints, begin(), reply, [model = request.model_spec().name()](const serve::PredictResult& result, tf::RegressionResponse& response) {
    FillSpec(model, result, *response.mutable_model_spec());
    return Fill(result, *response.mutable_result());
  });
}

// What one task asks of the model that all tasks ask, each once.
Result<serve::PredictRequest> Tasks(const serve::Endpoints& endpoints, const Call& call, const tf::MultiInferenceRequest& request) {
  if (request.tasks().empty()) return InvalidArgument("there are no tasks");
  const wire::Target first = SW_TRY(TargetOf(endpoints, request.tasks(0).model_spec()));
  std::vector<std::string_view> methods;
  for (const tf::InferenceTask& task : request.tasks()) {
    const wire::Target target = SW_TRY(TargetOf(endpoints, task.model_spec()));
    if (target.endpoint->name != first.endpoint->name || target.version != first.version) {
      return InvalidArgument("the tasks must be of one model and version; {} and {} are asked", first.endpoint->name, target.endpoint->name);
    }
    const std::string_view method = task.method_name();
    if (method != kClassifyMethod && method != kRegressMethod) {
      return InvalidArgument("method_name {}: there are {} and {}", method.substr(0, 64), kClassifyMethod, kRegressMethod);
    }
    if (std::ranges::find(methods, method) != methods.end()) return InvalidArgument("there are two tasks of {}", method);
    methods.push_back(method);
    if (method == kRegressMethod) SW_TRY(CheckRegress(*target.endpoint));
  }
  return Examples(first, request.input(), call);
}

void MultiInference(serve::Endpoints& endpoints, const Call& call, const tf::MultiInferenceRequest& request,
                    const Reply<tf::MultiInferenceResponse>& reply) {
  std::vector<std::pair<std::string, bool>> tasks;  // each model and whether it regresses
  Result<serve::PredictRequest> predict = Tasks(endpoints, call, request);
  if (!predict) return reply.Fail(predict.error());
  for (const tf::InferenceTask& task : request.tasks()) tasks.emplace_back(task.model_spec().name(), task.method_name() == kRegressMethod);
  Score(endpoints, std::move(predict), reply,
        [tasks = std::move(tasks)](const serve::PredictResult& result, tf::MultiInferenceResponse& response) -> Status {
          for (const auto& [model, is_regression] : tasks) {
            tf::InferenceResult& answer = *response.add_results();
            FillSpec(model, result, *answer.mutable_model_spec());
            if (is_regression) {
              SW_TRY(Fill(result, *answer.mutable_regression_result()));
            } else {
              Fill(result, *answer.mutable_classification_result());
            }
          }
          return Ok();
        });
}

void FillInfo(std::string_view name, std::string_view type, std::size_t width, tensorflow::TensorInfo& info) {
  info.set_name(fmt::format("{}:0", name));
  tensorflow::DataType parsed = tensorflow::DT_INVALID;
  tensorflow::DataType_Parse(std::string(type), &parsed);
  info.set_dtype(parsed);
  info.mutable_tensor_shape()->add_dim()->set_size(-1);
  if (width > 1) info.mutable_tensor_shape()->add_dim()->set_size(static_cast<std::int64_t>(width));
}

Status Metadata(const serve::Endpoints& endpoints, const tf::GetModelMetadataRequest& request, tf::GetModelMetadataResponse& response) {
  const wire::Target target = SW_TRY(TargetOf(endpoints, request.model_spec()));
  if (request.metadata_field().empty()) return InvalidArgument("metadata_field is empty; there is {}", kSignatureField);
  for (const std::string& field : request.metadata_field()) {
    if (field != kSignatureField) return InvalidArgument("metadata_field {}: there is only {}", std::string_view(field).substr(0, 64), kSignatureField);
  }
  const serve::EndpointSnapshot& endpoint = *target.endpoint;
  response.mutable_model_spec()->set_name(endpoint.name);
  const serve::Arm* live = endpoint.Live();
  const std::optional<std::int64_t> version = target.version || live == nullptr ? target.version : std::optional(live->version);
  if (version) response.mutable_model_spec()->mutable_version()->set_value(*version);
  Scratch<tf::SignatureDefMap> map;
  tensorflow::SignatureDef& signature = (*map->mutable_signature_def())[std::string(kSignature)];
  signature.set_method_name(std::string(kPredictMethod));
  for (const data::Field& field : endpoint.request.fields) FillInfo(field.name, TensorType(field.type), 1, (*signature.mutable_inputs())[field.name]);
  FillInfo("prediction", "DT_DOUBLE", endpoint.outputs->count, (*signature.mutable_outputs())["prediction"]);
  (*response.mutable_metadata())[std::string(kSignatureField)].PackFrom(*map);
  return Ok();
}

Status ModelStatus(const serve::Endpoints& endpoints, const tf::GetModelStatusRequest& request, tf::GetModelStatusResponse& response) {
  const wire::Target target = SW_TRY(TargetOf(endpoints, request.model_spec()));
  for (const serve::Arm& arm : target.endpoint->arms) {
    if (target.version && *target.version != arm.version) continue;
    tf::ModelVersionStatus& status = *response.add_model_version_status();
    status.set_version(arm.version);
    status.set_state(tf::ModelVersionStatus::AVAILABLE);
    status.mutable_status();  // OK
  }
  return Ok();
}

std::string PredictionPath(std::string_view method) { return fmt::format("/tensorflow.serving.PredictionService/{}", method); }
std::string ModelPath(std::string_view method) { return fmt::format("/tensorflow.serving.ModelService/{}", method); }

// A method that scores.
template <typename Request, typename Response>
net::Route ScoreRoute(serve::Endpoints* endpoints, const base::Clock& clock, std::string_view method,
                      void (*score)(serve::Endpoints&, const Call&, const Request&, const Reply<Response>&)) {
  return grpc::Unary<Request, Response>(
      clock, PredictionPath(method), "predict",
      [endpoints, score](const Call& call, const Request& request, const Reply<Response>& reply) { score(*endpoints, call, request, reply); });
}

}  // namespace

std::vector<net::Route> GrpcRoutes(serve::Endpoints* endpoints, const base::Clock& clock) {
  std::vector<net::Route> routes;
  routes.push_back(ScoreRoute(endpoints, clock, "Predict", Predict));
  routes.push_back(ScoreRoute(endpoints, clock, "Classify", Classify));
  routes.push_back(ScoreRoute(endpoints, clock, "Regress", Regress));
  routes.push_back(ScoreRoute(endpoints, clock, "MultiInference", MultiInference));
  routes.push_back(grpc::Unary<tf::GetModelMetadataRequest, tf::GetModelMetadataResponse>(
      clock, PredictionPath("GetModelMetadata"), "predict",
      [endpoints](const Call&, const tf::GetModelMetadataRequest& request, tf::GetModelMetadataResponse& response) {
        return Metadata(*endpoints, request, response);
      }));
  routes.push_back(grpc::Unary<tf::GetModelStatusRequest, tf::GetModelStatusResponse>(
      clock, ModelPath("GetModelStatus"), "predict", [endpoints](const Call&, const tf::GetModelStatusRequest& request, tf::GetModelStatusResponse& response) {
        return ModelStatus(*endpoints, request, response);
      }));
  routes.push_back(grpc::Unary<tf::ReloadConfigRequest, tf::ReloadConfigResponse>(
      clock, ModelPath("HandleReloadConfigRequest"), "predict", [](const Call&, const tf::ReloadConfigRequest&, tf::ReloadConfigResponse&) -> Status {
        return Unimplemented("models are not configured over this wire: apply a seaworthy.toml, register a version, and roll it out");
      }));
  return routes;
}

}  // namespace sw::tensorflow_serving
