#include "api/sagemaker/sagemaker.h"

#include <optional>
#include <utility>

#include "api/wire/csv_rows.h"
#include "api/wire/json_body.h"
#include "api/wire/predict.h"
#include "api/wire/tensor.h"
#include "base/errors.h"

namespace sw::sagemaker {
namespace {

using net::Request;

constexpr std::string_view kCsv = "text/csv";
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kJsonLines = "application/jsonlines";

// What boto3 makes its exceptions of.
net::Response RenderError(int status, const Error& error) {
  const bool is_mistake = status == 404 || status == 400;
  const char* type = is_mistake      ? "ValidationError"
                     : status == 429 ? "ThrottlingException"
                     : status == 503 ? "ServiceUnavailable"
                     : status < 500  ? "ValidationError"
                                     : "InternalFailure";
  net::Response response = net::JsonResponse(is_mistake ? 400 : status, Json::MakeObject({{"message", error.message}}));
  response.headers.Add("x-amzn-ErrorType", type);
  return response;
}

// {"features": [...]} is the array in it.
const Json& Unboxed(const Json& instance) {
  const Json* features = instance.IsObject() && instance.size() == 1 ? instance.Find("features") : nullptr;
  return features == nullptr ? instance : *features;
}

Result<data::Batch> RowsFromItems(const data::Schema& schema, const Json::Array& items) {
  Json instances = Json::MakeArray();
  for (const Json& item : items) instances.Append(Unboxed(item));
  return wire::RowsFromInstances(schema, instances);
}

// {"instances": [...]}, an array of instances, or one instance.
Result<data::Batch> RowsFromJson(const data::Schema& schema, std::string_view text) {
  const Json body = SW_TRY(wire::ParseJsonBody(text));
  if (body.IsArray()) return RowsFromItems(schema, body.AsArray());
  if (!body.IsObject()) return InvalidArgument("the body must be an object or an array, found {}", body.TypeName());
  if (!body.Has("instances")) return RowsFromItems(schema, {body});
  return RowsFromItems(schema, SW_TRY(body.GetArray("instances"))->AsArray());
}

Result<data::Batch> RowsFromJsonLines(const data::Schema& schema, std::string_view text) {
  Json::Array items;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.find_first_not_of(" \t\r") == part.npos) continue;
    auto item = wire::ParseJsonBody(part);
    if (!item) return std::unexpected(std::move(item).error().Within(fmt::format("line {}", line)));
    items.push_back(*std::move(item));
  }
  return RowsFromItems(schema, items);
}

std::string CsvOf(const serve::PredictResult& result) {
  std::string text;
  for (const double score : result.scores) text += fmt::format("{}\n", score);
  return text;
}

std::string JsonLinesOf(const serve::PredictResult& result) {
  std::string text;
  for (const double score : result.scores) text += Json::MakeObject({{"score", score}}).Dump() + "\n";
  return text;
}

Json JsonOf(const serve::PredictResult& result) {
  Json predictions = Json::MakeArray();
  for (std::size_t row = 0; row < result.scores.size(); ++row) {
    predictions.Append(Json::MakeObject({{"score", result.scores[row]}, {"predicted_label", result.decisions[row] ? 1 : 0}}));
  }
  return Json::MakeObject({{"predictions", std::move(predictions)}});
}

net::Response Render(std::string_view type, const serve::PredictResult& result) {
  net::Response response = type == kCsv         ? net::TextResponse(200, CsvOf(result), "text/csv; charset=utf-8")
                           : type == kJsonLines ? net::TextResponse(200, JsonLinesOf(result), kJsonLines)
                                                : net::JsonResponse(200, JsonOf(result));
  response.headers.Add("x-Amzn-Invoked-Production-Variant", wire::AnsweredVersion(result));
  return response;
}

bool IsKnown(std::string_view type) { return type == kCsv || type == kJson || type == kJsonLines; }

// As the client wants the answer: Accept, or else as it asked.
std::string AnswerType(const Request& request, const std::string& asked) {
  const std::string accept = wire::MediaType(request.headers.Get("Accept"));
  return IsKnown(accept) ? accept : asked;
}

Result<serve::PredictRequest> Read(const serve::Endpoints& endpoints, const Request& request, std::string_view type) {
  const wire::Target target = SW_TRY(
      wire::FindTarget(endpoints, request.Param("endpoint"), request.headers.Get("X-Amzn-SageMaker-Target-Variant")));
  serve::PredictRequest predict = wire::Begin(target, request.caller);
  const data::Schema& schema = target.endpoint->request;
  if (type == kCsv) {
    predict.rows = SW_TRY(wire::RowsFromCsv(schema, request.body, wire::CsvHeader::kNone));
  } else if (type == kJson) {
    predict.rows = SW_TRY(RowsFromJson(schema, request.body));
  } else {
    predict.rows = SW_TRY(RowsFromJsonLines(schema, request.body));
  }
  if (predict.rows.num_rows() == 0) return InvalidArgument("the body has no rows");
  wire::SetIds(predict, request.headers.Get("X-Amzn-SageMaker-Inference-Id"));
  return predict;
}

void Invoke(serve::Endpoints& endpoints, const Request& request, const net::Responder& responder) {
  const std::string type = wire::MediaType(request.headers.Get("Content-Type"));
  if (!IsKnown(type)) {
    return responder.Send(RenderError(415, InvalidArgument("ContentType {} is not read; {}, {} and {} are", type.empty() ? "(none)" : type,
                                                           kCsv, kJson, kJsonLines).error()));
  }
  wire::Predict(endpoints, Read(endpoints, request, type), responder,
                [answer = AnswerType(request, type)](const serve::PredictResult& result) { return Render(answer, result); });
}

}  // namespace

std::vector<net::Route> SagemakerRoutes(serve::Endpoints* endpoints) {
  return {{.method = net::Method::kPost,
           .pattern = "/endpoints/{endpoint}/invocations",
           .scope = "predict",
           .handler = [endpoints](const Request& request, const net::Responder& responder) { Invoke(*endpoints, request, responder); },
           .render_error = RenderError,
           .summary = "SageMaker's InvokeEndpoint: CSV without a header, JSON or JSON lines."}};
}

}  // namespace sw::sagemaker
