#include "api/sagemaker/invoke.h"

#include <optional>
#include <string_view>
#include <utility>

#include "api/sagemaker/bodies.h"
#include "api/sagemaker/record_io.h"
#include "base/errors.h"

namespace sw::sagemaker {
namespace {

using net::Request;

constexpr std::string_view kAttributes = "X-Amzn-SageMaker-Custom-Attributes";
constexpr std::size_t kAttributesBytesMax = 1024;  // as InvokeEndpoint has it

std::string CsvOf(const serve::PredictResult& result) {
  std::string text;
  for (std::size_t row = 0; row < result.rows(); ++row) text += fmt::format("{}\n", fmt::join(result.ScoresOf(row), ","));
  return text;
}

std::string JsonLinesOf(const serve::PredictResult& result) {
  std::string text;
  for (std::size_t row = 0; row < result.rows(); ++row) {
    text += Json::MakeObject({{"score", wire::ScoreJson(result, row)}}).Dump() + "\n";
  }
  return text;
}

// A class's name where it has one; 0 or 1 where a threshold decides.
Json LabelJson(const serve::PredictResult& result, std::size_t label) {
  return result.outputs->are_classes && !result.outputs->names.empty() ? Json(result.outputs->Label(label)) : Json(label);
}

Json JsonOf(const serve::PredictResult& result) {
  Json predictions = Json::MakeArray();
  for (std::size_t row = 0; row < result.rows(); ++row) {
    Json prediction = Json::MakeObject({{"score", wire::ScoreJson(result, row)}});
    if (const auto label = PredictedLabel(result, row)) prediction.Set("predicted_label", LabelJson(result, *label));
    predictions.Append(std::move(prediction));
  }
  return Json::MakeObject({{"predictions", std::move(predictions)}});
}

net::Response Render(BodyType type, const serve::PredictResult& result) {
  switch (type) {
    case BodyType::kJson: return net::JsonResponse(200, JsonOf(result));
    case BodyType::kJsonLines: return net::TextResponse(200, JsonLinesOf(result), BodyTypeName(type));
    case BodyType::kRecordIo:
      return net::TextResponse(200, RecordIoFrom(result), BodyTypeName(type));
    case BodyType::kCsv:
    case BodyType::kLibsvm: break;
  }
  return net::TextResponse(200, CsvOf(result), "text/csv; charset=utf-8");
}

// The first type of the list that is written; `otherwise` for "*/*" and an empty list.
std::optional<BodyType> AcceptedOf(std::string_view list, BodyType otherwise) {
  if (list.empty()) return otherwise;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view name = list.substr(0, comma);
    name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
    if (wire::MediaType(name) == "*/*") return otherwise;
    const auto type = ParseBodyType(name);
    if (type && *type != BodyType::kLibsvm) return type;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return std::nullopt;
}

std::optional<BodyType> AnswerType(const Request& request, const std::string& default_accept, BodyType asked) {
  const BodyType in_kind = asked == BodyType::kLibsvm ? BodyType::kCsv : asked;
  const auto otherwise = AcceptedOf(default_accept, in_kind);
  return AcceptedOf(request.headers.Get("Accept"), otherwise.value_or(in_kind));
}

Result<serve::PredictRequest> Read(const Result<wire::Target>& target, const Request& request, BodyType type) {
  if (!target) return std::unexpected(target.error());
  if (request.headers.Get(kAttributes).size() > kAttributesBytesMax) {
    return InvalidArgument("{} has more than {} bytes", kAttributes, kAttributesBytesMax);
  }
  serve::PredictRequest predict = SW_TRY(wire::Begin(*target, request));
  predict.rows = SW_TRY(ReadRows(target->endpoint->request, type, request.body));
  wire::SetIds(predict, request.headers.Get("X-Amzn-SageMaker-Inference-Id"));
  return predict;
}

}  // namespace

net::Response RenderError(int status, const Error& error) {
  const char* type = status == 429   ? "ThrottlingException"
                     : status == 503 ? "ServiceUnavailable"
                     : status < 500  ? "ValidationError"
                                     : "InternalFailure";
  net::Response response = net::JsonResponse(status, Json::MakeObject({{"message", error.message}}));
  response.headers.Add("x-amzn-ErrorType", type);
  return response;
}

void Invoke(serve::Endpoints& endpoints, const Result<wire::Target>& target, const Request& request,
            const net::Responder& responder, const std::string& default_accept) {
  const std::string_view asked = request.headers.Get("Content-Type");
  const auto type = ParseBodyType(asked);
  if (!type) {
    return responder.Send(RenderError(415, InvalidArgument("ContentType {} is not read; {} are",
                                                           asked.empty() ? "(none)" : asked.substr(0, 64), BodyTypeNames()).error()));
  }
  const auto answer = AnswerType(request, default_accept, *type);
  if (!answer) {
    return responder.Send(RenderError(406, InvalidArgument("Accept {}: none of them is written; text/csv, application/json, "
                                                           "application/jsonlines and application/x-recordio-protobuf are",
                                                           request.headers.Get("Accept").substr(0, 64)).error()));
  }
  wire::Predict(endpoints, Read(target, request, *type), responder,
                [answer = *answer, attributes = std::string(request.headers.Get(kAttributes))](const serve::PredictResult& result) {
                  net::Response response = Render(answer, result);
                  response.headers.Add("x-Amzn-Invoked-Production-Variant", wire::AnsweredVersion(result));
                  if (!attributes.empty()) response.headers.Add(std::string(kAttributes), attributes);
                  return response;
                });
}

}  // namespace sw::sagemaker
