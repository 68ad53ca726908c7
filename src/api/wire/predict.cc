#include "api/wire/predict.h"

#include <charconv>
#include <utility>

#include "base/errors.h"
#include "base/text.h"

namespace sw::wire {
namespace {

std::unexpected<Error> Unknown(const serve::Endpoints& endpoints, std::string_view name) {
  if (auto why = endpoints.Explained(name)) return std::unexpected(*std::move(why));
  const auto names = endpoints.Names();
  if (names.empty()) return NotFound("unknown model {}; none is served", name);
  return NotFound("unknown model {}; served are {}", name, fmt::join(names, ", "));
}

Result<std::int64_t> ParseVersion(std::string_view text) {
  std::int64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error == std::errc() && end == text.data() + text.size() && version > 0) return version;
  return InvalidArgument("version {} is no number", text.substr(0, 32));
}

}  // namespace

Result<Target> FindTarget(const serve::Endpoints& endpoints, std::string_view name, std::string_view version) {
  Target target{endpoints.Find(name), std::nullopt};
  if (target.endpoint == nullptr) return Unknown(endpoints, name);
  if (version.empty()) return target;
  target.version = SW_TRY(ParseVersion(version));
  if (target.endpoint->FindVersion(*target.version) != nullptr) return target;
  return NotFound("model {} has no version {}", name, version);
}

Result<Target> DefaultTarget(const serve::Endpoints& endpoints, std::string_view default_endpoint) {
  if (!default_endpoint.empty()) return FindTarget(endpoints, default_endpoint);
  const auto names = endpoints.Names();
  if (names.size() == 1) return FindTarget(endpoints, names.front());
  if (names.empty()) return FailedPrecondition("no endpoint has a live version yet");
  return FailedPrecondition("{} are served: name one by the setting default_endpoint, or in the URL", fmt::join(names, ", "));
}

Result<serve::PredictRequest> Begin(const Target& target, const Caller& caller, const net::Headers& headers) {
  serve::PredictRequest predict;
  predict.endpoint = target.endpoint->name;
  predict.version = target.version;
  predict.caller = caller;
  SW_TRY(SetPriority(predict, headers.Get(kPriorityHeader)));
  return predict;
}

Result<serve::PredictRequest> Begin(const Target& target, const net::Request& request) {
  return Begin(target, request.caller, request.headers);
}

Status SetPriority(serve::PredictRequest& predict, std::string_view priority) {
  if (!priority.empty()) predict.priority = SW_TRY(serve::ParsePriority(priority));
  return Ok();
}

void SetIds(serve::PredictRequest& predict, std::string_view prediction_id) {
  if (prediction_id.empty()) return;
  const std::size_t rows = predict.rows.num_rows();
  for (std::size_t row = 0; row < rows; ++row) {
    predict.ids.push_back(rows == 1 ? std::string(prediction_id) : fmt::format("{}-{}", prediction_id, row));
  }
}

void Predict(serve::Endpoints& endpoints, Result<serve::PredictRequest> predict, const net::Responder& responder,
             Render render) {
  if (!predict) return responder.SendError(predict.error());
  endpoints.Predict(*std::move(predict), [responder, render = std::move(render)](const Result<serve::PredictResult>& result) mutable {
    if (!result) return responder.SendError(result.error());
    net::Response response = render(*result);
    response.headers.Add("X-Request-Id", result->request_id);
    responder.Send(std::move(response));
  });
}

Json ScoreJson(const serve::PredictResult& result, std::size_t row) {
  return result.outputs->count == 1 ? Json(result.scores[row]) : Json::FromRange(result.ScoresOf(row));
}

Json ScoresJson(const serve::PredictResult& result) {
  if (result.outputs->count == 1) return Json::FromRange(result.scores);
  Json scores = Json::MakeArray();
  for (std::size_t row = 0; row < result.rows(); ++row) scores.Append(ScoreJson(result, row));
  return scores;
}

std::string LiveVersion(const serve::EndpointSnapshot& endpoint) {
  const serve::Arm* live = endpoint.Live();
  return live == nullptr ? std::string() : fmt::format("{}", live->version);
}

std::string AnsweredVersion(const serve::PredictResult& result) {
  return result.versions.empty() ? std::string() : fmt::format("{}", result.versions.front());
}

Call ParseCall(std::string_view segment) {
  const std::size_t colon = segment.rfind(':');
  if (colon == segment.npos) return {segment, {}};
  return {segment.substr(0, colon), segment.substr(colon + 1)};
}

net::Response PlainError(int status, const Error& error) {
  return net::JsonResponse(status, Json::MakeObject({{"error", error.message}}));
}

std::string MediaType(std::string_view header) {
  header = header.substr(0, header.find(';'));
  while (header.ends_with(' ')) header.remove_suffix(1);
  return base::ToLower(header);
}

}  // namespace sw::wire
