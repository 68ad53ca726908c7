#include "api/open_inference/open_inference.h"

#include <charconv>
#include <memory>
#include <optional>
#include <utility>

#include "api/open_inference/infer.h"
#include "base/errors.h"

namespace sw::open_inference {
namespace {

using net::Request;
using Snapshot = std::shared_ptr<const serve::EndpointSnapshot>;

constexpr std::string_view kPlatform = "seaworthy";

// The wire's errors: {"error": "..."}.
net::Response RenderError(int status, const Error& error) {
  return net::JsonResponse(status, Json::MakeObject({{"error", error.message}}));
}

Result<Snapshot> ModelOf(const Context& context, const Request& request) {
  const std::string name(request.Param("model"));
  if (Snapshot snapshot = context.endpoints->Find(name)) return snapshot;
  const auto names = context.endpoints->Names();
  if (names.empty()) return NotFound("unknown model {}; none is served", name);
  return NotFound("unknown model {}; served are {}", name, fmt::join(names, ", "));
}

// The version in the URL, if there is one. NOT_FOUND for one that the endpoint does not have.
Result<std::optional<std::int64_t>> VersionOf(const Request& request, const serve::EndpointSnapshot& snapshot) {
  const std::string_view text = request.Param("version");
  if (text.empty()) return std::nullopt;
  std::int64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc() || end != text.data() + text.size() || version <= 0) {
    return InvalidArgument("version {} is no number", text.substr(0, 32));
  }
  if (snapshot.FindVersion(version) == nullptr) return NotFound("model {} has no version {}", snapshot.name, version);
  return version;
}

Json Versions(const serve::EndpointSnapshot& snapshot) {
  Json versions = Json::MakeArray();
  for (const serve::Arm& arm : snapshot.arms) versions.Append(fmt::format("{}", arm.version));
  return versions;
}

Json TensorJson(std::string_view name, wire::DataType type) {
  return Json::MakeObject({{"name", name}, {"datatype", wire::DataTypeName(type)}, {"shape", Json::MakeArray({-1})}});
}

Result<Json> Metadata(const Context& context, const Request& request) {
  const Snapshot snapshot = SW_TRY(ModelOf(context, request));
  SW_TRY(VersionOf(request, *snapshot));
  Json inputs = Json::MakeArray(), outputs = Json::MakeArray();
  for (const data::Field& field : snapshot->request.fields) inputs.Append(TensorJson(field.name, wire::DataTypeOf(field.type)));
  for (const OutputSpec& output : OutputSpecs()) outputs.Append(TensorJson(output.name, output.type));
  return Json::MakeObject({{"name", snapshot->name},
                           {"versions", Versions(*snapshot)},
                           {"platform", kPlatform},
                           {"inputs", std::move(inputs)},
                           {"outputs", std::move(outputs)}});
}

Json ConfigTensor(std::string_view name, wire::DataType type) {
  const std::string_view datatype = wire::DataTypeName(type);
  return Json::MakeObject({{"name", name},
                           {"data_type", type == wire::DataType::kBytes ? "TYPE_STRING" : fmt::format("TYPE_{}", datatype)},
                           {"dims", Json::MakeArray({-1})}});
}

// Triton's, as far as its clients ask.
Result<Json> Config(const Context& context, const Request& request) {
  const Snapshot snapshot = SW_TRY(ModelOf(context, request));
  SW_TRY(VersionOf(request, *snapshot));
  Json input = Json::MakeArray(), output = Json::MakeArray();
  for (const data::Field& field : snapshot->request.fields) input.Append(ConfigTensor(field.name, wire::DataTypeOf(field.type)));
  for (const OutputSpec& each : OutputSpecs()) output.Append(ConfigTensor(each.name, each.type));
  return Json::MakeObject({{"name", snapshot->name},
                           {"platform", kPlatform},
                           {"backend", kPlatform},
                           {"max_batch_size", 0},
                           {"input", std::move(input)},
                           {"output", std::move(output)}});
}

Result<Json> Ready(const Context& context, const Request& request) {
  const Snapshot snapshot = SW_TRY(ModelOf(context, request));
  SW_TRY(VersionOf(request, *snapshot));
  return Json::MakeObject({{"name", snapshot->name}, {"ready", true}});
}

Result<Json> Models(const Context& context, const Request&) {
  return Json::MakeObject({{"models", Json::FromRange(context.endpoints->Names())}});
}

// All of them are ready: what is not is not published.
Result<Json> Index(const Context& context, const Request&) {
  Json models = Json::MakeArray();
  for (const std::string& name : context.endpoints->Names()) {
    const Snapshot snapshot = context.endpoints->Find(name);
    if (snapshot == nullptr) continue;
    for (const serve::Arm& arm : snapshot->arms) {
      models.Append(Json::MakeObject(
          {{"name", name}, {"version", fmt::format("{}", arm.version)}, {"state", "READY"}, {"reason", ""}}));
    }
  }
  return models;
}

// An endpoint's model is always loaded; how it gets there is the registry's and the rollout's.
Result<Json> LoadModel(const Context& context, const Request& request) {
  SW_TRY(ModelOf(context, request));
  return Json::MakeObject();
}

Result<Json> Unload(const Context& context, const Request& request) {
  const Snapshot snapshot = SW_TRY(ModelOf(context, request));
  return Unimplemented("{} stays loaded for as long as seaworthy.toml has the endpoint; apply one without it", snapshot->name);
}

Result<serve::PredictRequest> PredictOf(const Context& context, const Request& request, InferRequest& infer) {
  const Snapshot snapshot = SW_TRY(ModelOf(context, request));
  serve::PredictRequest predict;
  predict.endpoint = snapshot->name;
  predict.caller = request.caller;
  predict.version = SW_TRY(VersionOf(request, *snapshot));
  infer = SW_TRY(ParseInfer(request));
  predict.rows = SW_TRY(wire::RowsFromTensors(snapshot->request, std::move(infer.inputs)));
  predict.unit = infer.unit;
  if (infer.prediction_id.empty()) return predict;
  const std::size_t rows = predict.rows.num_rows();
  for (std::size_t row = 0; row < rows; ++row) {
    predict.ids.push_back(rows == 1 ? infer.prediction_id : fmt::format("{}-{}", infer.prediction_id, row));
  }
  return predict;
}

void Infer(const Context& context, const Request& request, const net::Responder& responder) {
  InferRequest infer;
  Result<serve::PredictRequest> predict = PredictOf(context, request, infer);
  if (!predict) return responder.SendError(predict.error());
  std::string model = predict->endpoint;
  context.endpoints->Predict(*std::move(predict), [responder, infer = std::move(infer), model = std::move(model)](
                                                      const Result<serve::PredictResult>& result) {
    if (!result) return responder.SendError(result.error());
    Result<net::Response> response = InferResponse(infer, model, *result);
    if (!response) return responder.SendError(response.error());
    responder.Send(*std::move(response));
  });
}

Result<Json> Server(const Context& context, const Request&) {
  return Json::MakeObject({{"name", "seaworthy"},
                           {"version", context.program_version},
                           {"extensions", Json::MakeArray({"binary_tensor_data", "model_configuration", "model_repository"})}});
}

Result<Json> Live(const Context&, const Request&) { return Json::MakeObject({{"live", true}}); }
// The spec's own text calls the member of both "live": clients read either.
Result<Json> ServerReady(const Context&, const Request&) { return Json::MakeObject({{"ready", true}, {"live", true}}); }

struct JsonRoute {
  net::Method method;
  const char* pattern;
  const char* scope;
  Result<Json> (*answer)(const Context&, const Request&);
  const char* summary;
};

constexpr JsonRoute kRoutes[] = {
    {net::Method::kGet, "/v2", "", Server, "The server's name and the extensions that it speaks."},
    {net::Method::kGet, "/v2/health/live", "", Live, "200 while the process runs."},
    {net::Method::kGet, "/v2/health/ready", "", ServerReady, "200 once the server is ready."},
    {net::Method::kGet, "/v2/models", "predict", Models, "Names of all models: the endpoints."},
    {net::Method::kPost, "/v2/repository/index", "predict", Index, "Models with their versions and states."},
    {net::Method::kPost, "/v2/repository/models/{model}/load", "predict", LoadModel, "Does nothing for a model that is served."},
    {net::Method::kPost, "/v2/repository/models/{model}/unload", "predict", Unload, "Refused: apply says what is served."},
};
// Each also below /versions/{version}.
constexpr JsonRoute kModelRoutes[] = {
    {net::Method::kGet, "", "predict", Metadata, "A model's inputs and outputs."},
    {net::Method::kGet, "/ready", "predict", Ready, "200 for a model that is served."},
    {net::Method::kGet, "/config", "predict", Config, "A model's inputs and outputs as Triton's configuration."},
};

net::Route RouteOf(const Context& context, const JsonRoute& row, std::string pattern) {
  return {.method = row.method,
          .pattern = std::move(pattern),
          .scope = row.scope,
          .handler = net::AnswerJson([context, answer = row.answer](const Request& request) { return answer(context, request); }),
          .render_error = RenderError,
          .summary = row.summary};
}

net::Route InferRoute(const Context& context, std::string pattern) {
  return {.method = net::Method::kPost,
          .pattern = std::move(pattern),
          .scope = "predict",
          .handler = [context](const Request& request, const net::Responder& responder) { Infer(context, request, responder); },
          .render_error = RenderError,
          .summary = "Scores rows; one input a column, or one matrix of all. The binary extension both ways.",
          .request_schema =
              R"({"type":"object","required":["inputs"],"properties":{"id":{"type":"string"},)"
              R"("parameters":{"type":"object"},"inputs":{"type":"array","items":{"type":"object",)"
              R"("required":["name","shape","datatype"]}},"outputs":{"type":"array","items":{"type":"object"}}}})",
          .response_schema =
              R"({"type":"object","required":["model_name","outputs"],"properties":{"model_name":{"type":"string"},)"
              R"("model_version":{"type":"string"},"id":{"type":"string"},"outputs":{"type":"array"}}})"};
}

}  // namespace

std::vector<net::Route> OpenInferenceRoutes(const Context& context) {
  std::vector<net::Route> routes;
  for (const JsonRoute& row : kRoutes) routes.push_back(RouteOf(context, row, row.pattern));
  for (const char* model : {"/v2/models/{model}", "/v2/models/{model}/versions/{version}"}) {
    for (const JsonRoute& row : kModelRoutes) routes.push_back(RouteOf(context, row, std::string(model) + row.pattern));
    routes.push_back(InferRoute(context, std::string(model) + "/infer"));
  }
  return routes;
}

}  // namespace sw::open_inference
