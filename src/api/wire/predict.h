// Predict: from a wire's words for a model to an endpoint's prediction, and back.
//
//   Result<serve::PredictRequest> predict = ...;    // Begin(target, caller), rows
//   Predict(*endpoints, std::move(predict), responder, [](const serve::PredictResult& result) {
//     return net::JsonResponse(200, ...);
//   });
//
// Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/caller.h"
#include "base/json.h"
#include "base/result.h"
#include "net/http.h"
#include "net/responder.h"
#include "serve/endpoints.h"

namespace sw::wire {

struct Target {
  std::shared_ptr<const serve::EndpointSnapshot> endpoint;
  std::optional<std::int64_t> version;  // which answers whatever its arm; none: the arms decide

  // Of the request, without copying it.
  std::shared_ptr<const data::Schema> Schema() const { return {endpoint, &endpoint->request}; }
};

// `version` is a number, or "". NOT_FOUND names what is served.
Result<Target> FindTarget(const serve::Endpoints& endpoints, std::string_view name, std::string_view version = {});
// For routes without a name: the setting default_endpoint, else the only endpoint that is served.
// FAILED_PRECONDITION when that is not one.
Result<Target> DefaultTarget(const serve::Endpoints& endpoints, std::string_view default_endpoint);

// Without rows yet. With the priority that the header X-Seaworthy-Priority names, which is metadata in gRPC.
Result<serve::PredictRequest> Begin(const Target& target, const Caller& caller, const net::Headers& headers);
Result<serve::PredictRequest> Begin(const Target& target, const net::Request& request);
// "high", "normal", "low"; "" leaves it.
Status SetPriority(serve::PredictRequest& predict, std::string_view priority);
constexpr std::string_view kPriorityHeader = "X-Seaworthy-Priority";
// With a `prediction_id` its rows have ids: it for one row, else ID-0, ID-1, ...
void SetIds(serve::PredictRequest& predict, std::string_view prediction_id);

using Render = std::move_only_function<net::Response(const serve::PredictResult& result)>;
// Answers with what `render` makes of the result, with the header X-Request-Id, or with the error.
void Predict(serve::Endpoints& endpoints, Result<serve::PredictRequest> predict, const net::Responder& responder,
             Render render);

// The live arm's version, as wires name one; "" when there is none.
std::string LiveVersion(const serve::EndpointSnapshot& endpoint);

// A row's score: a number, or an array of several.
Json ScoreJson(const serve::PredictResult& result, std::size_t row);
// Those of all rows, in order.
Json ScoresJson(const serve::PredictResult& result);

// Of the one that answered; of a split, the first row's.
std::string AnsweredVersion(const serve::PredictResult& result);

// "late:predict" is late and predict; the verb is "" where there is none.
struct Call {
  std::string_view name, verb;
};
Call ParseCall(std::string_view segment);

// {"error": "..."}, which several wires have for theirs; a Route's render_error.
net::Response PlainError(int status, const Error& error);

// A media type without its parameters, in lower case.
std::string MediaType(std::string_view header);

}  // namespace sw::wire
