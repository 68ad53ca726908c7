#include "api/vertex/vertex.h"

#include <utility>

#include "api/wire/json_body.h"
#include "api/wire/predict.h"
#include "api/wire/tensor.h"
#include "base/errors.h"

namespace sw::vertex {
namespace {

using net::Request;

std::string_view StatusName(int status) {
  switch (status) {
    case 400: return "INVALID_ARGUMENT";
    case 401: return "UNAUTHENTICATED";
    case 403: return "PERMISSION_DENIED";
    case 404: return "NOT_FOUND";
    case 429: return "RESOURCE_EXHAUSTED";
    case 501: return "UNIMPLEMENTED";
    case 503: return "UNAVAILABLE";
    case 504: return "DEADLINE_EXCEEDED";
    default: return status < 500 ? "INVALID_ARGUMENT" : "INTERNAL";
  }
}

// Google's errors: {"error": {"code": 400, "message": "...", "status": "INVALID_ARGUMENT"}}.
net::Response RenderError(int status, const Error& error) {
  const Json inner = Json::MakeObject({{"code", status}, {"message", error.message}, {"status", StatusName(status)}});
  return net::JsonResponse(status, Json::MakeObject({{"error", inner}}));
}

// The rows of {"instances": [...], "parameters": {...}}.
Result<data::Batch> RowsOf(const serve::EndpointSnapshot& endpoint, std::string_view text) {
  const Json body = SW_TRY(wire::ParseJsonBody(text));
  if (!body.IsObject()) return InvalidArgument("the body must be an object, found {}", body.TypeName());
  const Json* parameters = body.Find("parameters");
  if (parameters != nullptr && !parameters->IsObject() && !parameters->IsNull()) {
    return InvalidArgument("parameters must be an object, found {}", parameters->TypeName());
  }
  return wire::RowsFromInstances(endpoint.request, *SW_TRY(body.GetArray("instances")));
}

struct Prediction {
  serve::PredictRequest predict;
  std::string model;  // its resource name
  bool is_raw = false;
};

Result<Prediction> Read(const serve::Endpoints& endpoints, const Request& request) {
  const wire::Call call = wire::ParseCall(request.Param("call"));
  if (call.verb != "predict" && call.verb != "rawPredict") {
    return Unimplemented("there is no method {}; there are predict and rawPredict", call.verb.empty() ? "(none)" : call.verb);
  }
  const wire::Target target = SW_TRY(wire::FindTarget(endpoints, call.name));
  Prediction prediction{SW_TRY(wire::Begin(target, request)),
                        fmt::format("projects/{}/locations/{}/models/{}", request.Param("project"), request.Param("location"), call.name),
                        call.verb == "rawPredict"};
  prediction.predict.rows = SW_TRY(RowsOf(*target.endpoint, request.body));
  return prediction;
}

net::Response Render(const std::string& model, bool is_raw, const serve::PredictResult& result) {
  Json body = Json::MakeObject({{"predictions", wire::ScoresJson(result)}});
  if (is_raw) return net::JsonResponse(200, body);
  const std::string version = wire::AnsweredVersion(result);
  body.Set("deployedModelId", version);
  body.Set("model", model);
  body.Set("modelVersionId", version);
  return net::JsonResponse(200, body);
}

void Call(serve::Endpoints& endpoints, const Request& request, const net::Responder& responder) {
  auto prediction = Read(endpoints, request);
  if (!prediction) return responder.SendError(prediction.error());
  wire::Predict(endpoints, std::move(prediction->predict), responder,
                [model = std::move(prediction->model), is_raw = prediction->is_raw](const serve::PredictResult& result) {
                  return Render(model, is_raw, result);
                });
}

Result<serve::PredictRequest> ReadInContainer(const ContainerContext& context, const Request& request) {
  const wire::Target target = SW_TRY(wire::FindTarget(*context.endpoints, context.model));
  serve::PredictRequest predict = SW_TRY(wire::Begin(target, request));
  predict.rows = SW_TRY(RowsOf(*target.endpoint, request.body));
  if (predict.rows.num_rows() == 0) return InvalidArgument("instances is empty");
  return predict;
}

void PredictInContainer(const ContainerContext& context, const Request& request, const net::Responder& responder) {
  const std::string type = wire::MediaType(request.headers.Get("Content-Type"));
  if (!type.empty() && type != "application/json") {
    return responder.Send(RenderError(415, InvalidArgument("Content-Type {} is not read; application/json is", type.substr(0, 64)).error()));
  }
  wire::Predict(*context.endpoints, ReadInContainer(context, request), responder,
                [](const serve::PredictResult& result) { return Render({}, true, result); });
}

void Health(const ContainerContext& context, const net::Responder& responder) {
  const auto target = wire::FindTarget(*context.endpoints, context.model);
  if (!target) return responder.SendError(target.error());
  responder.Send(net::JsonResponse(200, Json::MakeObject({{"status", "ok"}})));
}

}  // namespace

std::vector<net::Route> ContainerRoutes(const ContainerContext& context) {
  return {{.method = net::Method::kGet,
           .pattern = context.health_route,
           .is_readiness = true,
           .handler = [context](const Request&, const net::Responder& responder) { Health(context, responder); },
           .render_error = RenderError,
           .summary = "200 once the model answers."},
          {.method = net::Method::kPost,
           .pattern = context.predict_route,
           .scope = "predict",
           .handler = [context](const Request& request, const net::Responder& responder) { PredictInContainer(context, request, responder); },
           .render_error = RenderError,
           .summary = "Scores instances."}};
}

std::vector<net::Route> VertexRoutes(serve::Endpoints* endpoints) {
  return {{.method = net::Method::kPost,
           .pattern = "/v1/projects/{project}/locations/{location}/endpoints/{call}",
           .scope = "predict",
           .handler = [endpoints](const Request& request, const net::Responder& responder) { Call(*endpoints, request, responder); },
           .render_error = RenderError,
           .summary = "Vertex AI's ENDPOINT:predict and ENDPOINT:rawPredict.",
           .request_schema = R"({"type":"object","required":["instances"],"properties":{"instances":{"type":"array"},)"
                             R"("parameters":{"type":"object"}}})",
           .response_schema = R"({"type":"object","required":["predictions"],"properties":{"predictions":{"type":"array"}}})"}};
}

}  // namespace sw::vertex
