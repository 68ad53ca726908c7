#include "api/open_inference/open_inference.h"

#include <memory>
#include <utility>

#include "api/open_inference/infer.h"
#include "api/open_inference/management.h"
#include "api/open_inference/quick_infer.h"
#include "api/wire/predict.h"
#include "base/errors.h"

namespace sw::open_inference {
namespace {

using net::Request;
using Snapshot = std::shared_ptr<const serve::EndpointSnapshot>;

Result<wire::Target> TargetOf(const Context& context, const Request& request) {
  return wire::FindTarget(*context.endpoints, request.Param("model"), request.Param("version"));
}

Result<Snapshot> ModelOf(const Context& context, const Request& request) { return SW_TRY(TargetOf(context, request)).endpoint; }

Json Versions(const serve::EndpointSnapshot& snapshot) {
  Json versions = Json::MakeArray();
  for (const serve::Arm& arm : snapshot.arms) versions.Append(fmt::format("{}", arm.version));
  return versions;
}

Json TensorJson(const OutputSpec& tensor) {
  return Json::MakeObject({{"name", tensor.name}, {"datatype", wire::DataTypeName(tensor.type)}, {"shape", tensor.Shape(-1)}});
}

Result<Json> Metadata(const Context& context, const Request& request) {
  const Snapshot snapshot = SW_TRY(ModelOf(context, request));
  Json inputs = Json::MakeArray(), outputs = Json::MakeArray();
  for (const data::Field& field : snapshot->request.fields) inputs.Append(TensorJson({field.name, wire::DataTypeOf(field.type)}));
  for (const OutputSpec& output : OutputSpecs(*snapshot->outputs)) outputs.Append(TensorJson(output));
  return Json::MakeObject({{"name", snapshot->name},
                           {"versions", Versions(*snapshot)},
                           {"platform", kPlatform},
                           {"inputs", std::move(inputs)},
                           {"outputs", std::move(outputs)}});
}

Json ConfigTensor(const OutputSpec& tensor) {
  return Json::MakeObject({{"name", tensor.name}, {"data_type", ConfigTypeName(tensor.type)}, {"dims", tensor.Shape(-1)}});
}

// Triton's, as far as its clients ask.
Result<Json> Config(const Context& context, const Request& request) {
  const Snapshot snapshot = SW_TRY(ModelOf(context, request));
  Json input = Json::MakeArray(), output = Json::MakeArray();
  for (const data::Field& field : snapshot->request.fields) input.Append(ConfigTensor({field.name, wire::DataTypeOf(field.type)}));
  for (const OutputSpec& each : OutputSpecs(*snapshot->outputs)) output.Append(ConfigTensor(each));
  return Json::MakeObject({{"name", snapshot->name},
                           {"platform", kPlatform},
                           {"backend", kPlatform},
                           {"max_batch_size", 0},
                           {"input", std::move(input)},
                           {"output", std::move(output)}});
}

Result<Json> Ready(const Context& context, const Request& request) {
  const Snapshot snapshot = SW_TRY(ModelOf(context, request));
  return Json::MakeObject({{"name", snapshot->name}, {"ready", true}});
}

Result<Json> Models(const Context& context, const Request&) {
  return Json::MakeObject({{"models", Json::FromRange(context.endpoints->Names())}});
}

Result<serve::PredictRequest> PredictOf(const Context& context, const Request& request, InferRequest& infer) {
  const wire::Target target = SW_TRY(TargetOf(context, request));
  serve::PredictRequest predict = SW_TRY(wire::Begin(target, request));
  std::optional<QuickRequest> quick;
  if (request.headers.Find(kLengthHeader) == nullptr) quick = QuickRows(request.body, target.Schema());
  if (quick) {
    infer.id = std::move(quick->id);
    predict.rows = std::move(quick->rows);
    return predict;
  }
  infer = SW_TRY(ParseInfer(request, *target.endpoint->outputs));
  SW_TRY(TakeInputs(infer, target, predict));
  return predict;
}

void Infer(const Context& context, const Request& request, const net::Responder& responder) {
  InferRequest infer;
  Result<serve::PredictRequest> predict = PredictOf(context, request, infer);
  std::string model(request.Param("model"));
  wire::Predict(*context.endpoints, std::move(predict), responder,
                [infer = std::move(infer), model = std::move(model)](const serve::PredictResult& result) {
                  return InferResponse(infer, model, result);
                });
}

Result<Json> Server(const Context& context, const Request&) {
  return Json::MakeObject({{"name", "seaworthy"},
                           {"version", context.program_version},
                           {"extensions", Json::FromRange(kExtensions)}});
}

Result<Json> Live(const Context&, const Request&) { return Json::MakeObject({{"live", true}}); }
// The spec's own text calls the member of both "live": clients read either.
Result<Json> ServerReady(const Context&, const Request&) { return Json::MakeObject({{"ready", true}, {"live", true}}); }

constexpr JsonRoute kRoutes[] = {
    {net::Method::kGet, "/v2", "", Server, "The server's name and the extensions that it speaks."},
    {net::Method::kGet, "/v2/health/live", "", Live, "200 while the process runs."},
    {net::Method::kGet, "/v2/health/ready", "", ServerReady, "200 once the server is ready."},
    {net::Method::kGet, "/v2/models", "predict", Models, "Names of all models: the endpoints."},
};
// Each also below /versions/{version}.
constexpr JsonRoute kModelRoutes[] = {
    {net::Method::kGet, "", "predict", Metadata, "A model's inputs and outputs."},
    {net::Method::kGet, "/ready", "predict", Ready, "200 for a model that is served."},
    {net::Method::kGet, "/config", "predict", Config, "A model's inputs and outputs as Triton's configuration."},
};

net::Route InferRoute(const Context& context, std::string pattern) {
  return {.method = net::Method::kPost,
          .pattern = std::move(pattern),
          .scope = "predict",
          .handler = [context](const Request& request, const net::Responder& responder) { Infer(context, request, responder); },
          .render_error = wire::PlainError,
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
  std::vector<net::Route> routes = ManagementRoutes(context);
  for (const JsonRoute& row : kRoutes) routes.push_back(RouteOf(context, row, row.pattern));
  for (const char* model : {"/v2/models/{model}", "/v2/models/{model}/versions/{version}"}) {
    for (const JsonRoute& row : kModelRoutes) routes.push_back(RouteOf(context, row, std::string(model) + row.pattern));
    routes.push_back(InferRoute(context, std::string(model) + "/infer"));
  }
  return routes;
}

}  // namespace sw::open_inference
