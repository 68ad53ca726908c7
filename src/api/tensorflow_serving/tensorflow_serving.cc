#include "api/tensorflow_serving/tensorflow_serving.h"

#include <memory>
#include <utility>

#include "api/tensorflow_serving/signature.h"
#include "api/wire/json_body.h"
#include "api/wire/predict.h"
#include "api/wire/tensor.h"
#include "base/errors.h"

namespace sw::tensorflow_serving {
namespace {

using net::Request;

// {model}, {version} and {label} are what the pattern has of them; the last may end in a verb.
struct Address {
  wire::Target target;
  std::string verb;
};

Result<Address> AddressOf(const serve::Endpoints& endpoints, const Request& request) {
  const std::string_view last = request.Param("last");
  const wire::Call call = wire::ParseCall(last);
  Address address;
  address.verb = call.verb;
  const std::string_view model = request.Param("model");
  if (model.empty()) {
    address.target = SW_TRY(wire::FindTarget(endpoints, call.name));
  } else if (request.path.contains("/labels/")) {
    address.target = SW_TRY(FindLabel(endpoints, model, call.name));
  } else {
    address.target = SW_TRY(wire::FindTarget(endpoints, model, call.name));
  }
  return address;
}

Json StatusOf(std::int64_t version) {
  return Json::MakeObject({{"version", fmt::format("{}", version)},
                           {"state", "AVAILABLE"},
                           {"status", Json::MakeObject({{"error_code", "OK"}, {"error_message", ""}})}});
}

// TensorFlow's status with KServe's {"name", "ready"}.
Result<Json> ModelStatus(const serve::Endpoints& endpoints, const Request& request) {
  const Address address = SW_TRY(AddressOf(endpoints, request));
  Json versions = Json::MakeArray();
  for (const serve::Arm& arm : address.target.endpoint->arms) {
    if (!address.target.version || *address.target.version == arm.version) versions.Append(StatusOf(arm.version));
  }
  return Json::MakeObject({{"name", address.target.endpoint->name}, {"ready", true}, {"model_version_status", std::move(versions)}});
}

// `width` values a row.
Json TensorInfo(std::string_view name, std::string_view type, std::size_t width = 1) {
  Json sizes = Json::MakeArray({Json::MakeObject({{"size", "-1"}, {"name", ""}})});
  if (width > 1) sizes.Append(Json::MakeObject({{"size", fmt::format("{}", width)}, {"name", ""}}));
  return Json::MakeObject({{"dtype", type},
                           {"tensor_shape", Json::MakeObject({{"dim", std::move(sizes)}, {"unknown_rank", false}})},
                           {"name", fmt::format("{}:0", name)}});
}

Result<Json> Metadata(const serve::Endpoints& endpoints, const Request& request) {
  const wire::Target target = SW_TRY(wire::FindTarget(endpoints, request.Param("model"), request.Param("version")));
  Json inputs = Json::MakeObject();
  for (const data::Field& field : target.endpoint->request.fields) inputs.Set(field.name, TensorInfo(field.name, TensorType(field.type)));
  const Json signature = Json::MakeObject({{"inputs", std::move(inputs)},
                                           {"outputs", Json::MakeObject({{"prediction", TensorInfo("prediction", "DT_DOUBLE", target.endpoint->outputs->count)}})},
                                           {"method_name", kPredictMethod}});
  const std::string version = target.version ? fmt::format("{}", *target.version) : wire::LiveVersion(*target.endpoint);
  return Json::MakeObject(
      {{"model_spec", Json::MakeObject({{"name", target.endpoint->name}, {"signature_name", ""}, {"version", version}})},
       {"metadata",
        Json::MakeObject({{"signature_def", Json::MakeObject({{"signature_def", Json::MakeObject({{std::string(kSignature), signature}})}})}})}});
}

Result<Json> Models(const serve::Endpoints& endpoints, const Request&) {
  return Json::MakeObject({{"models", Json::FromRange(endpoints.Names())}});
}

// What a verb reads and how it answers.
struct Body {
  data::Batch rows;
  enum class Form { kPredictions, kOutputs, kValues, kClasses } form = Form::kPredictions;
};

Status CheckSignature(const Json& body) {
  const Json* name = body.Find("signature_name");
  if (name == nullptr) return Ok();
  return CheckSignatureName(name->IsString() ? name->AsString() : name->Dump());
}

Result<Body> PredictBody(const data::Schema& schema, const Json& body) {
  const Json *instances = body.Find("instances"), *inputs = body.Find("inputs");
  if ((instances == nullptr) == (inputs == nullptr)) return InvalidArgument("the body must have either instances or inputs");
  if (instances != nullptr) return Body{SW_TRY(wire::RowsFromInstances(schema, *instances)), Body::Form::kPredictions};
  return Body{SW_TRY(wire::RowsFromColumns(schema, *inputs)), Body::Form::kOutputs};
}

// `context` holds what all examples share.
Result<Body> ExamplesBody(const data::Schema& schema, const Json& body, Body::Form form) {
  Json examples = Json::MakeArray();
  const Json* shared = body.Find("context");
  if (shared != nullptr && !shared->IsObject()) return InvalidArgument("context must be an object, found {}", shared->TypeName());
  for (const Json& example : SW_TRY(body.GetArray("examples"))->AsArray()) {
    if (!example.IsObject()) return InvalidArgument("examples must hold objects, found {}", example.TypeName());
    Json whole = shared == nullptr ? Json::MakeObject() : *shared;
    for (const auto& [name, value] : example.AsObject()) whole.Set(name, value);
    examples.Append(std::move(whole));
  }
  return Body{SW_TRY(wire::RowsFromInstances(schema, examples)), form};
}

Result<Body> ReadBody(const Request& request, std::string_view verb, const serve::EndpointSnapshot& endpoint) {
  const data::Schema& schema = endpoint.request;
  const Json body = SW_TRY(wire::ParseJsonBody(request.body));
  if (!body.IsObject()) return InvalidArgument("the body must be an object, found {}", body.TypeName());
  SW_TRY(CheckSignature(body));
  if (verb == "predict") return PredictBody(schema, body);
  if (verb == "regress") SW_TRY(CheckRegress(endpoint));
  if (verb == "regress") return ExamplesBody(schema, body, Body::Form::kValues);
  if (verb == "classify") return ExamplesBody(schema, body, Body::Form::kClasses);
  if (verb == "explain") return Unimplemented("explanations are not served; seaworthy predict --contributions computes them");
  return NotFound("there is no verb {}; there are predict, classify and regress", verb);
}

net::Response Render(Body::Form form, const serve::PredictResult& result) {
  Json values = Json::MakeArray();
  if (form == Body::Form::kClasses) {
    for (std::size_t row = 0; row < result.rows(); ++row) {
      Json classes = Json::MakeArray();
      for (const auto& [label, score] : ClassesOf(result, row)) classes.Append(Json::MakeArray({label, score}));
      values.Append(std::move(classes));
    }
  } else {
    values = wire::ScoresJson(result);
  }
  const char* key = form == Body::Form::kPredictions ? "predictions" : form == Body::Form::kOutputs ? "outputs" : "results";
  return net::JsonResponse(200, Json::MakeObject({{key, std::move(values)}}));
}

void Call(serve::Endpoints& endpoints, const Request& request, const net::Responder& responder) {
  const auto read = [&]() -> Result<std::pair<serve::PredictRequest, Body::Form>> {
    const Address address = SW_TRY(AddressOf(endpoints, request));
    Body body = SW_TRY(ReadBody(request, address.verb, *address.target.endpoint));
    serve::PredictRequest predict = SW_TRY(wire::Begin(address.target, request));
    predict.rows = std::move(body.rows);
    return std::pair(std::move(predict), body.form);
  };
  auto call = read();
  if (!call) return responder.SendError(call.error());
  wire::Predict(endpoints, std::move(call->first), responder,
                [form = call->second](const serve::PredictResult& result) { return Render(form, result); });
}

using AnswerFunction = Result<Json> (*)(const serve::Endpoints&, const Request&);

net::Route GetRoute(serve::Endpoints* endpoints, const char* pattern, AnswerFunction answer, const char* summary) {
  return {.method = net::Method::kGet,
          .pattern = pattern,
          .scope = "predict",
          .handler = net::AnswerJson([endpoints, answer](const Request& request) { return answer(*endpoints, request); }),
          .render_error = wire::PlainError,
          .summary = summary};
}

net::Route CallRoute(serve::Endpoints* endpoints, const char* pattern) {
  return {.method = net::Method::kPost,
          .pattern = pattern,
          .scope = "predict",
          .handler = [endpoints](const Request& request, const net::Responder& responder) { Call(*endpoints, request, responder); },
          .render_error = wire::PlainError,
          .summary = "MODEL:predict (instances or inputs), MODEL:classify and MODEL:regress (examples).",
          .request_schema = R"({"type":"object","properties":{"signature_name":{"type":"string"},"instances":{"type":"array"},)"
                            R"("inputs":{},"examples":{"type":"array"},"context":{"type":"object"}}})",
          .response_schema = R"({"type":"object","properties":{"predictions":{"type":"array"},"outputs":{"type":"array"},)"
                             R"("results":{"type":"array"}}})"};
}

}  // namespace

std::vector<net::Route> TensorflowServingRoutes(serve::Endpoints* endpoints) {
  net::Route alive{.method = net::Method::kGet,
                   .pattern = "/",
                   .handler = net::AnswerJson([](const Request&) -> Result<Json> { return Json::MakeObject({{"status", "alive"}}); }),
                   .render_error = wire::PlainError,
                   .summary = "200 while the process runs; KServe V1's."};
  return {std::move(alive),
          GetRoute(endpoints, "/v1/models", Models, "Names of all models: the endpoints."),
          GetRoute(endpoints, "/v1/models/{last}", ModelStatus, "A model's versions and whether it is ready."),
          GetRoute(endpoints, "/v1/models/{model}/versions/{last}", ModelStatus, "The state of one version."),
          GetRoute(endpoints, "/v1/models/{model}/labels/{last}", ModelStatus, "The state of the version of an arm."),
          GetRoute(endpoints, "/v1/models/{model}/metadata", Metadata, "A model's signature."),
          GetRoute(endpoints, "/v1/models/{model}/versions/{version}/metadata", Metadata, "A version's signature."),
          CallRoute(endpoints, "/v1/models/{last}"),
          CallRoute(endpoints, "/v1/models/{model}/versions/{last}"),
          CallRoute(endpoints, "/v1/models/{model}/labels/{last}")};
}

}  // namespace sw::tensorflow_serving
