#include "api/native/grpc.h"

#include <proto/seaworthy.pb.h>

#include <memory>
#include <utility>

#include "api/grpc/stream.h"
#include "api/native/prediction.h"
#include "api/native/rows.h"
#include "api/wire/predict.h"
#include "base/errors.h"
#include "data/arrow_stream.h"
#include "embedded/kPredictionsProto.h"

namespace sw::native {
namespace {

namespace v1 = seaworthy::v1;
using grpc::Call;
using grpc::Reply;
using grpc::Scratch;
using PredictStream = grpc::Stream<v1::PredictRequest, v1::PredictStreamResponse>;

std::string PathOf(std::string_view method) { return fmt::format("/seaworthy.v1.Predictions/{}", method); }

Json JsonOf(const v1::Value& value) {
  switch (value.kind_case()) {
    case v1::Value::kNumber: return value.number();
    case v1::Value::kInteger: return value.integer();
    case v1::Value::kBoolean: return value.boolean();
    case v1::Value::kText: return value.text();
    case v1::Value::KIND_NOT_SET: return {};
  }
  return {};
}

// By the rules of JSON's rows.
Result<data::Batch> RowsOf(const v1::PredictRequest& request, const data::Schema& schema) {
  if (!request.arrow().empty()) {
    if (!request.rows().empty()) return InvalidArgument("there are rows and arrow; send one of them");
    return RowsFromArrow(schema, request.arrow(), "arrow");
  }
  if (std::cmp_greater(request.rows_size(), kRowsMax)) {
    return ResourceExhausted("rows: {} of them, the limit rows_per_request_max is {}", request.rows_size(), kRowsMax);
  }
  Json rows = Json::MakeArray();
  for (const v1::Row& row : request.rows()) {
    Json object = Json::MakeObject();
    for (const auto& [name, value] : row.values()) object.AsObject().emplace_back(name, JsonOf(value));
    rows.Append(std::move(object));
  }
  return BatchFromRows(rows, HintsOf(schema));
}

Result<serve::PredictRequest> Begin(const Context& context, const Call& call, const v1::PredictRequest& request) {
  const auto endpoint = SW_TRY(LiveEndpoint(context, request.endpoint()));
  serve::PredictRequest predict;
  predict.endpoint = request.endpoint();
  predict.caller = call.caller;
  SW_TRY(wire::SetPriority(predict, call.metadata.Get(wire::kPriorityHeader)));
  predict.rows = SW_TRY(RowsOf(request, endpoint->request));
  predict.ids = {request.ids().begin(), request.ids().end()};
  predict.unit = request.unit();
  if (request.has_version()) predict.version = request.version();
  return predict;
}

void Fill(const serve::PredictResult& result, std::size_t row, v1::Prediction& prediction) {
  const serve::Outputs& outputs = *result.outputs;
  prediction.set_id(result.ids[row]);
  if (outputs.count == 1) {
    prediction.set_score(result.scores[row]);
    prediction.set_decision(result.decisions[row]);
  } else {
    const std::span<const double> scores = result.ScoresOf(row);
    prediction.mutable_scores()->Add(scores.begin(), scores.end());
    if (const auto label = outputs.are_classes ? result.ClassOf(row) : std::nullopt) prediction.set_class_name(*label);
  }
  prediction.set_version(result.versions[row]);
  prediction.set_arm(std::string(serve::ServedAsName(result.arms[row])));
  prediction.set_violations(result.violations[row]);
}

Status Fill(const serve::PredictResult& result, bool as_arrow, v1::PredictResponse& response) {
  response.set_request_id(result.request_id);
  response.set_logged(result.logged);
  for (const std::string& name : result.outputs->names) response.add_output_names(name);
  if (as_arrow) {
    response.set_arrow(SW_TRY(data::EncodeArrowStream(PredictTable(result))));
    return Ok();
  }
  for (std::size_t row = 0; row < result.rows(); ++row) Fill(result, row, *response.add_predictions());
  return Ok();
}

void Predict(const Context& context, const Call& call, const v1::PredictRequest& request, const Reply<v1::PredictResponse>& reply) {
  Result<serve::PredictRequest> predict = Begin(context, call, request);
  if (!predict) return reply.Fail(predict.error());
  context.endpoints->Predict(*std::move(predict), grpc::ReplyWith(reply, [as_arrow = !request.arrow().empty()](const serve::PredictResult& result, v1::PredictResponse& response) {
    return Fill(result, as_arrow, response);
  }));
}

// A refusal is a message, and the stream goes on.
void PredictEach(const Context& context, const std::shared_ptr<PredictStream>& stream) {
  grpc::AnswerEach(stream, [&context, stream](const v1::PredictRequest& request, auto write) {
    const auto answer = [write, tag = request.tag(), as_arrow = !request.arrow().empty()](const Result<serve::PredictResult>& result) {
      Scratch<v1::PredictStreamResponse> response;
      const Status filled = result ? Fill(*result, as_arrow, *response->mutable_response()) : std::unexpected(result.error());
      response->set_tag(tag);
      if (!filled) {
        response->mutable_refusal()->set_code(std::string(base::ErrorCodeName(filled.error().code)));
        response->mutable_refusal()->set_message(filled.error().message);
      }
      write(*response);
    };
    Result<serve::PredictRequest> predict = Begin(context, stream->GetCall(), request);
    if (!predict) return answer(std::unexpected(predict.error()));
    context.endpoints->Predict(*std::move(predict), answer);
  });
}

Status Label(const Context& context, const Call& call, const v1::LabelRequest& request, v1::LabelResponse& response) {
  SW_TRY(CheckLabelCount(static_cast<std::size_t>(request.labels_size())));
  flow::LabelBatch batch;
  batch.producer = request.producer();
  batch.sequence = request.sequence();
  for (const v1::LabelRequest::Label& label : request.labels()) {
    batch.ids.push_back(label.id());
    batch.labels.push_back(label.label());
  }
  const Json answer = SW_TRY(TellLabels(context, call.caller, request.endpoint(), batch));
  response.set_accepted(answer.IntOr("accepted", 0));
  response.set_repeated(SW_TRY(answer.GetBool("repeated")));
  response.set_durable(SW_TRY(answer.GetBool("durable")));
  response.set_unknown_count(answer.IntOr("unknown_count", 0));
  for (const Json& id : SW_TRY(answer.GetArray("unknown"))->AsArray()) response.add_unknown(id.AsString());
  response.set_message(answer.StringOr("message", ""));
  return Ok();
}

}  // namespace

std::vector<net::Route> GrpcRoutes(const Context& context) {
  std::vector<net::Route> routes;
  routes.push_back(grpc::Unary<v1::PredictRequest, v1::PredictResponse>(
      *context.clock, PathOf("Predict"), "predict",
      [&context](const Call& call, const v1::PredictRequest& request, const Reply<v1::PredictResponse>& reply) { Predict(context, call, request, reply); }));
  routes.push_back(grpc::Streaming<v1::PredictRequest, v1::PredictStreamResponse>(
      *context.clock, PathOf("PredictStream"), "predict", [&context](const std::shared_ptr<PredictStream>& stream) { PredictEach(context, stream); }));
  routes.push_back(grpc::Unary<v1::LabelRequest, v1::LabelResponse>(
      *context.clock, PathOf("Label"), "labels.write",
      [&context](const Call& call, const v1::LabelRequest& request, v1::LabelResponse& response) { return Label(context, call, request, response); }));
  routes.back().slow = true;
  routes.push_back({.method = net::Method::kGet,
                    .pattern = "/seaworthy/v1/seaworthy.proto",
                    .handler = net::Answer([](const net::Request&) -> Result<net::Response> {
                      return net::TextResponse(200, std::string(kPredictionsProto), "text/plain; charset=utf-8");
                    }),
                    .summary = "The messages and methods of our gRPC, to generate a client from."});
  return routes;
}

}  // namespace sw::native
