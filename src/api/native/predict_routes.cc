#include <memory>

#include "api/native/arguments.h"
#include "api/native/endpoint_api.h"
#include "api/native/prediction.h"
#include "api/native/routes.h"
#include "api/native/rows.h"
#include "api/wire/csv_rows.h"
#include "api/wire/predict.h"
#include "base/errors.h"
#include "data/arrow_stream.h"
#include "embedded/kTryPage.h"

namespace sw::native {
namespace {

using net::Request;

// How rows come, and predictions go.
enum class Form : std::uint8_t { kJson, kCsv, kArrow };
constexpr std::string_view kCsvType = "text/csv";
constexpr std::string_view kArrowType = "application/vnd.apache.arrow.stream";

Form FormNamed(std::string_view type, Form otherwise) {
  if (type == kCsvType) return Form::kCsv;
  if (type == kArrowType) return Form::kArrow;
  return type == "application/json" ? Form::kJson : otherwise;
}

Form FormOf(const Request& request) {
  return FormNamed(wire::MediaType(request.headers.Get("Content-Type")), Form::kJson);
}

// As Accept says, else as the rows came.
Form AnswerForm(const Request& request) {
  return FormNamed(wire::MediaType(request.headers.Get("Accept")), FormOf(request));
}

Result<data::Batch> TableOf(const Request& request, const data::Schema& schema) {
  if (FormOf(request) == Form::kCsv) return wire::RowsFromCsv(schema, request.body, wire::CsvHeader::kNames);
  return RowsFromArrow(schema, request.body, "request body");
}

Result<serve::PredictRequest> PredictArguments(const Context& context, const Request& request) {
  serve::PredictRequest predict;
  predict.endpoint = request.Param("endpoint");
  predict.caller = request.caller;
  SW_TRY(wire::SetPriority(predict, request.headers.Get(wire::kPriorityHeader)));
  const auto snapshot = SW_TRY(LiveEndpoint(context, predict.endpoint));
  if (FormOf(request) != Form::kJson) {
    predict.rows = SW_TRY(TableOf(request, snapshot->request));
    predict.unit = QueryText(request, "unit");
    if (request.Query("version")) predict.version = SW_TRY(QueryInt(request, "version", 0, INT64_MAX));
    wire::SetIds(predict, QueryText(request, "prediction_id"));
    return predict;
  }
  const Json body = SW_TRY(BodyOf(request, {"rows", "ids", "version", "unit"}));
  predict.rows = SW_TRY(RowsOf(request, body, HintsOf(snapshot->request)));
  predict.ids = SW_TRY(TextsOr(body, "ids"));
  predict.unit = SW_TRY(TextOr(body, "unit", ""));
  if (body.Has("version")) predict.version = SW_TRY(body.GetInt("version"));
  return predict;
}

// {"score", "decision"}, or of several outputs {"scores", "class"}: by name where they have names.
void SetScores(const serve::PredictResult& result, std::size_t row, Json& prediction) {
  const serve::Outputs& outputs = *result.outputs;
  if (outputs.count == 1) {
    prediction.Set("score", result.scores[row]);
    prediction.Set("decision", static_cast<bool>(result.decisions[row]));
    return;
  }
  if (outputs.names.empty()) {
    prediction.Set("scores", wire::ScoreJson(result, row));
  } else {
    Json scores = Json::MakeObject();
    for (std::size_t k = 0; k < outputs.count; ++k) scores.Set(outputs.names[k], result.ScoresOf(row)[k]);
    prediction.Set("scores", std::move(scores));
  }
  if (!outputs.are_classes) return;
  const auto label = result.ClassOf(row);
  prediction.Set("class", label ? Json(*label) : Json());
}

Json PredictJson(const serve::PredictResult& result) {
  Json predictions = Json::MakeArray();
  for (std::size_t row = 0; row < result.rows(); ++row) {
    Json prediction = Json::MakeObject({{"id", result.ids[row]}});
    SetScores(result, row, prediction);
    prediction.Set("version", result.versions[row]);
    prediction.Set("arm", serve::ServedAsName(result.arms[row]));
    prediction.Set("violations", result.violations[row]);
    predictions.Append(std::move(prediction));
  }
  return Json::MakeObject({{"request_id", result.request_id},
                           {"logged", result.logged},
                           {"predictions", std::move(predictions)}});
}

net::Response PredictResponse(Form form, const serve::PredictResult& result) {
  if (form == Form::kJson) return net::JsonResponse(200, PredictJson(result));
  const data::Batch table = PredictTable(result);
  if (form == Form::kCsv) return net::TextResponse(200, wire::CsvFromRows(table), "text/csv; charset=utf-8");
  const Result<std::string> stream = data::EncodeArrowStream(table);
  if (!stream) return net::ErrorResponse(stream.error());
  return net::TextResponse(200, *stream, kArrowType);
}

void Predict(const Context& context, const Request& request, const net::Responder& responder) {
  wire::Predict(*context.endpoints, PredictArguments(context, request), responder,
                [form = AnswerForm(request)](const serve::PredictResult& result) { return PredictResponse(form, result); });
}

Result<Json> AddLabels(const Context& context, const Request& request) {
  const Json body = SW_TRY(BodyOf(request, {"labels", "producer", "sequence"}));
  const Json* labels = SW_TRY(body.GetArray("labels"));
  flow::LabelBatch batch;
  batch.producer = SW_TRY(TextOr(body, "producer", ""));
  batch.sequence = SW_TRY(IntOr(body, "sequence", 0));
  SW_TRY(CheckLabelCount(labels->size()));
  for (std::size_t i = 0; i < labels->size(); ++i) {
    const Json& label = labels->AsArray()[i];
    if (!label.IsObject())
      return InvalidArgument("labels[{}]: expected an object, found {}", i, label.TypeName());
    SW_TRY(CheckKeys(label, {"id", "label"}, fmt::format("labels[{}]", i)));
    Result<std::string> id = label.GetString("id");
    if (!id) return std::unexpected(std::move(id).error().Within(fmt::format("labels[{}]", i)));
    const Json* value = label.Find("label");
    if (value == nullptr || !(value->IsNumber() || value->IsBool())) {
      return InvalidArgument("labels[{}].label: expected a number, true or false", i);
    }
    batch.ids.push_back(*std::move(id));
    batch.labels.push_back(value->IsBool() ? (value->AsBool() ? 1 : 0) : value->AsDouble());
  }
  return TellLabels(context, request.caller, request.Param("endpoint"), batch);
}

Result<Json> Document(const Context& context, const Request& request) {
  return EndpointApi(*SW_TRY(wire::FindTarget(*context.endpoints, request.Param("endpoint"))).endpoint, context.program_version);
}

// The same for every endpoint, and for names that are none: it tells nothing before its reader has a key.
Result<net::Response> TryPage(const Request&) {
  net::Response page = net::TextResponse(200, std::string(kTryPage), "text/html; charset=utf-8");
  page.headers.Add("Content-Security-Policy",
                   "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'");
  page.headers.Add("X-Content-Type-Options", "nosniff");
  return page;
}

}  // namespace

void AddPredictRoutes(const Context& context, Routes& routes) {
  routes.push_back({.method = net::Method::kGet,
                    .pattern = "/seaworthy/v1/endpoints/{endpoint}/openapi.json",
                    .scope = "predict",
                    .handler = net::AnswerJson([&context](const Request& request) { return Document(context, request); }),
                    .summary = "This endpoint's API as an OpenAPI document, from its model's signature."});
  routes.push_back({.method = net::Method::kGet,
                    .pattern = "/seaworthy/v1/endpoints/{endpoint}/try",
                    .handler = net::Answer(TryPage),
                    .summary = "A page to try the endpoint."});
  routes.push_back(
      {.method = net::Method::kPost,
       .pattern = "/seaworthy/v1/endpoints/{endpoint}/predict",
       .scope = "predict",
       .handler = [&context](
                      const Request& request,
                      const net::Responder& responder) { Predict(context, request, responder); },
       .summary = "Scores rows. A client may bring ids of its own: a retry is then logged once. Rows may also "
                  "be CSV with a header or an Arrow IPC stream; version, unit and prediction_id then stand in "
                  "the query, and the answer has the same form unless Accept names another.",
       .query_schema = R"({"type":"object","properties":{"version":{"type":"integer"},"unit":{"type":"string"},)"
                       R"("prediction_id":{"type":"string"}}})",
       .request_schema =
           R"({"type":"object","required":["rows"],"properties":{"rows":{"type":"array",)"
           R"("items":{"type":"object"}},"ids":{"type":"array","items":{"type":"string"}},)"
           R"("unit":{"type":"string"},"version":{"type":"integer"}}})",
       .response_schema =
           R"({"type":"object","required":["request_id","predictions"],"properties":{)"
           R"("request_id":{"type":"string"},"logged":{"type":"boolean"},)"
           R"("predictions":{"type":"array","items":{"type":"object","properties":{)"
           R"("id":{"type":"string"},"score":{"type":"number"},"decision":{"type":"boolean"},)"
           R"("scores":{},"class":{"type":"string"},)"
           R"("version":{"type":"integer"},"arm":{"type":"string"},)"
           R"("violations":{"type":"integer"}}}}}})"});
  routes.push_back(
      {.method = net::Method::kPost,
       .pattern = "/seaworthy/v1/endpoints/{endpoint}/labels",
       .scope = "labels.write",
       .slow = true,
       .handler = net::AnswerJson([&context](const Request& r) { return AddLabels(context, r); }),
       .summary = "The truth about predictions, 0 or 1, by their ids. Unknown ids are named in the "
                  "answer and not written; a batch that has some does not use up its (producer, "
                  "sequence), so it may be sent again.",
       .request_schema =
           R"({"type":"object","required":["labels"],"properties":{"labels":{"type":"array",)"
           R"("items":{"type":"object","required":["id","label"]}},"producer":{"type":"string"},)"
           R"("sequence":{"type":"integer"}}})",
       .response_schema = R"({"type":"object","required":["accepted","repeated","unknown"],"properties":{)"
           R"("accepted":{"type":"integer"},"repeated":{"type":"boolean"},"durable":{"type":"boolean"},)"
           R"("unknown_count":{"type":"integer"},"unknown":{"type":"array","items":{"type":"string"}},)"
           R"("known_since":{"type":"string"},"known_for":{"type":"string"},"message":{"type":"string"}}})"});
}

}  // namespace sw::native
