#include "api/open_inference/grpc.h"

#include <proto/open_inference.pb.h>

#include <memory>
#include <utility>

#include "api/grpc/stream.h"
#include "api/open_inference/grpc_infer.h"
#include "api/open_inference/statistics.h"
#include "api/wire/predict.h"
#include "base/errors.h"

namespace sw::open_inference {
namespace {

using grpc::Call;
using grpc::Reply;
using grpc::Scratch;
using inference::ModelInferRequest;
using inference::ModelInferResponse;
using inference::ModelStreamInferResponse;
using InferStream = grpc::Stream<ModelInferRequest, ModelStreamInferResponse>;

std::string PathOf(std::string_view method) { return fmt::format("/inference.GRPCInferenceService/{}", method); }

Result<serve::PredictRequest> Begin(const Context& context, const Call& call, const ModelInferRequest& request, InferRequest& infer) {
  const wire::Target target = SW_TRY(wire::FindTarget(*context.endpoints, request.model_name(), request.model_version()));
  serve::PredictRequest predict = SW_TRY(wire::Begin(target, call.caller, call.metadata));
  infer = SW_TRY(ParseInfer(request, *target.endpoint->outputs));
  SW_TRY(TakeInputs(infer, target, predict));
  return predict;
}

void Infer(const Context& context, const Call& call, const ModelInferRequest& request, const Reply<ModelInferResponse>& reply) {
  InferRequest infer;
  Result<serve::PredictRequest> predict = Begin(context, call, request, infer);
  if (!predict) return reply.Fail(predict.error());
  context.endpoints->Predict(*std::move(predict),
                             grpc::ReplyWith(reply, [infer = std::move(infer), model = request.model_name()](const serve::PredictResult& result, ModelInferResponse& response) {
                               return FillInferResponse(infer, model, result, response);
                             }));
}

// An error is a message, and the stream goes on.
void InferEach(const Context& context, const std::shared_ptr<InferStream>& stream) {
  grpc::AnswerEach(stream, [context, stream](const ModelInferRequest& request, auto write) {
    const auto answer = [write, id = request.id(), model = request.model_name()](const InferRequest& infer, const Result<serve::PredictResult>& result) {
      Scratch<ModelStreamInferResponse> response;
      const Status filled = result ? FillInferResponse(infer, model, *result, *response->mutable_infer_response()) : std::unexpected(result.error());
      if (!filled) {
        response->Clear();
        response->set_error_message(filled.error().message);
        response->mutable_infer_response()->set_id(id);
      }
      write(*response);
    };
    InferRequest infer;
    Result<serve::PredictRequest> predict = Begin(context, stream->GetCall(), request, infer);
    if (!predict) return answer(infer, std::unexpected(predict.error()));
    context.endpoints->Predict(*std::move(predict),
                               [answer, infer = std::move(infer)](const Result<serve::PredictResult>& result) { answer(infer, result); });
  });
}

template <typename Request>
Result<std::shared_ptr<const serve::EndpointSnapshot>> ModelOf(const Context& context, const Request& request) {
  return SW_TRY(wire::FindTarget(*context.endpoints, request.name(), request.version())).endpoint;
}

Status ServerMetadata(const Context& context, inference::ServerMetadataResponse& response) {
  response.set_name("seaworthy");
  response.set_version(context.program_version);
  for (const std::string_view extension : kExtensions) response.add_extensions(std::string(extension));
  return Ok();
}

Status Metadata(const Context& context, const inference::ModelMetadataRequest& request, inference::ModelMetadataResponse& response) {
  const auto snapshot = SW_TRY(ModelOf(context, request));
  response.set_name(snapshot->name);
  response.set_platform(std::string(kPlatform));
  for (const serve::Arm& arm : snapshot->arms) response.add_versions(fmt::format("{}", arm.version));
  const auto describe = [](auto& tensor, std::string_view name, wire::DataType type, std::size_t width) {
    tensor.set_name(std::string(name));
    tensor.set_datatype(std::string(wire::DataTypeName(type)));
    tensor.add_shape(-1);
    if (width > 1) tensor.add_shape(static_cast<std::int64_t>(width));
  };
  for (const data::Field& field : snapshot->request.fields) describe(*response.add_inputs(), field.name, wire::DataTypeOf(field.type), 1);
  for (const OutputSpec& output : OutputSpecs(*snapshot->outputs)) describe(*response.add_outputs(), output.name, output.type, output.width);
  return Ok();
}

inference::DataType ConfigType(wire::DataType type) {
  inference::DataType parsed = inference::TYPE_INVALID;
  inference::DataType_Parse(ConfigTypeName(type), &parsed);
  return parsed;
}

Status Config(const Context& context, const inference::ModelConfigRequest& request, inference::ModelConfigResponse& response) {
  const auto snapshot = SW_TRY(ModelOf(context, request));
  inference::ModelConfig& config = *response.mutable_config();
  config.set_name(snapshot->name);
  config.set_platform(std::string(kPlatform));
  config.set_backend(std::string(kPlatform));
  const auto describe = [](auto& tensor, std::string_view name, wire::DataType type, std::size_t width) {
    tensor.set_name(std::string(name));
    tensor.set_data_type(ConfigType(type));
    tensor.add_dims(-1);
    if (width > 1) tensor.add_dims(static_cast<std::int64_t>(width));
  };
  for (const data::Field& field : snapshot->request.fields) describe(*config.add_input(), field.name, wire::DataTypeOf(field.type), 1);
  for (const OutputSpec& output : OutputSpecs(*snapshot->outputs)) describe(*config.add_output(), output.name, output.type, output.width);
  return Ok();
}

Status Index(const Context& context, inference::RepositoryIndexResponse& response) {
  for (const std::string& name : context.endpoints->Names()) {
    const auto snapshot = context.endpoints->Find(name);
    if (snapshot == nullptr) continue;
    for (const serve::Arm& arm : snapshot->arms) {
      auto& model = *response.add_models();
      model.set_name(name);
      model.set_version(fmt::format("{}", arm.version));
      model.set_state("READY");
    }
  }
  return Ok();
}

void SetTimes(std::int64_t count, std::int64_t nanoseconds, inference::StatisticDuration& times) {
  times.set_count(static_cast<std::uint64_t>(count));
  times.set_ns(static_cast<std::uint64_t>(nanoseconds));
}

void AddStatistics(const std::string& name, const serve::VersionStatistics& version, inference::ModelStatistics& statistics) {
  statistics.set_name(name);
  statistics.set_version(fmt::format("{}", version.version));
  statistics.set_last_inference(static_cast<std::uint64_t>(version.last / base::kMillisecondUs));
  statistics.set_inference_count(static_cast<std::uint64_t>(version.rows));
  statistics.set_execution_count(static_cast<std::uint64_t>(version.requests));
  inference::InferStatistics& times = *statistics.mutable_inference_stats();
  SetTimes(version.requests, version.answered_ns(), *times.mutable_success());
  SetTimes(version.failed_requests, version.failed_ns, *times.mutable_fail());
  SetTimes(version.requests, version.queue_ns, *times.mutable_queue());
  SetTimes(version.requests, version.input_ns, *times.mutable_compute_input());
  SetTimes(version.requests, version.score_ns, *times.mutable_compute_infer());
  SetTimes(version.requests, version.output_ns, *times.mutable_compute_output());
}

Status Statistics(const Context& context, const inference::ModelStatisticsRequest& request, inference::ModelStatisticsResponse& response) {
  for (const auto& [model, version] : SW_TRY(StatisticsOf(*context.endpoints, request.name(), request.version()))) {
    AddStatistics(model, version, *response.add_model_stats());
  }
  return Ok();
}

}  // namespace

std::vector<net::Route> GrpcRoutes(const Context& context, const base::Clock& clock) {
  using namespace inference;  // NOLINT: the messages' own names
  std::vector<net::Route> routes;
  routes.push_back(grpc::Unary<ServerLiveRequest, ServerLiveResponse>(
      clock, PathOf("ServerLive"), "", [](const Call&, const ServerLiveRequest&, ServerLiveResponse& response) -> Status {
        response.set_live(true);
        return Ok();
      }));
  routes.push_back(grpc::Unary<ServerReadyRequest, ServerReadyResponse>(
      clock, PathOf("ServerReady"), "", [](const Call&, const ServerReadyRequest&, ServerReadyResponse& response) -> Status {
        response.set_ready(true);
        return Ok();
      }));
  routes.back().is_readiness = true;
  routes.push_back(grpc::Unary<ModelReadyRequest, ModelReadyResponse>(
      clock, PathOf("ModelReady"), "predict", [context](const Call&, const ModelReadyRequest& request, ModelReadyResponse& response) -> Status {
        response.set_ready(ModelOf(context, request).has_value());
        return Ok();
      }));
  routes.back().is_readiness = true;
  routes.push_back(grpc::Unary<ServerMetadataRequest, ServerMetadataResponse>(
      clock, PathOf("ServerMetadata"), "",
      [context](const Call&, const ServerMetadataRequest&, ServerMetadataResponse& response) { return ServerMetadata(context, response); }));
  routes.push_back(grpc::Unary<ModelMetadataRequest, ModelMetadataResponse>(
      clock, PathOf("ModelMetadata"), "predict",
      [context](const Call&, const ModelMetadataRequest& request, ModelMetadataResponse& response) { return Metadata(context, request, response); }));
  routes.push_back(grpc::Unary<ModelConfigRequest, ModelConfigResponse>(
      clock, PathOf("ModelConfig"), "predict",
      [context](const Call&, const ModelConfigRequest& request, ModelConfigResponse& response) { return Config(context, request, response); }));
  routes.push_back(grpc::Unary<ModelStatisticsRequest, ModelStatisticsResponse>(
      clock, PathOf("ModelStatistics"), "predict",
      [context](const Call&, const ModelStatisticsRequest& request, ModelStatisticsResponse& response) { return Statistics(context, request, response); }));
  routes.push_back(grpc::Unary<RepositoryIndexRequest, RepositoryIndexResponse>(
      clock, PathOf("RepositoryIndex"), "predict",
      [context](const Call&, const RepositoryIndexRequest&, RepositoryIndexResponse& response) { return Index(context, response); }));
  routes.push_back(grpc::Unary<RepositoryModelLoadRequest, RepositoryModelLoadResponse>(
      clock, PathOf("RepositoryModelLoad"), "predict",
      [context](const Call&, const RepositoryModelLoadRequest& request, RepositoryModelLoadResponse&) -> Status {
        SW_TRY(wire::FindTarget(*context.endpoints, request.model_name()));
        if (request.parameters().empty()) return Ok();
        return std::unexpected(LoadRefused(request.model_name()));
      }));
  routes.push_back(grpc::Unary<RepositoryModelUnloadRequest, RepositoryModelUnloadResponse>(
      clock, PathOf("RepositoryModelUnload"), "predict",
      [context](const Call&, const RepositoryModelUnloadRequest& request, RepositoryModelUnloadResponse&) -> Status {
        const wire::Target target = SW_TRY(wire::FindTarget(*context.endpoints, request.model_name()));
        return std::unexpected(UnloadRefused(target.endpoint->name));
      }));
  routes.push_back(grpc::Unary<ModelInferRequest, ModelInferResponse>(
      clock, PathOf("ModelInfer"), "predict",
      [context](const Call& call, const ModelInferRequest& request, const Reply<ModelInferResponse>& reply) { Infer(context, call, request, reply); }));
  routes.push_back(grpc::Streaming<ModelInferRequest, ModelStreamInferResponse>(
      clock, PathOf("ModelStreamInfer"), "predict", [context](const std::shared_ptr<InferStream>& stream) { InferEach(context, stream); }));
  return routes;
}

}  // namespace sw::open_inference
