#include "api/mlflow_scoring/mlflow_scoring.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "api/wire/csv_rows.h"
#include "api/wire/json_body.h"
#include "api/wire/predict.h"
#include "api/wire/tensor.h"
#include "base/errors.h"

namespace sw::mlflow_scoring {
namespace {

using net::Request;

constexpr std::string_view kForms[] = {"dataframe_split", "dataframe_records", "instances", "inputs"};

// The wire's errors: {"error_code": "BAD_REQUEST", "message": "..."}.
net::Response RenderError(int status, const Error& error) {
  const char* code = status == 404   ? "ENDPOINT_NOT_FOUND"
                     : status == 429 ? "REQUEST_LIMIT_EXCEEDED"
                     : status == 503 ? "TEMPORARILY_UNAVAILABLE"
                     : status < 500  ? "BAD_REQUEST"
                                     : "INTERNAL_ERROR";
  return net::JsonResponse(status, Json::MakeObject({{"error_code", code}, {"message", error.message}}));
}

// {"columns": [...], "data": [[...], ...]}, and an index that says nothing.
Result<data::Batch> RowsFromSplit(const data::Schema& schema, const Json& split) {
  if (!split.IsObject()) return InvalidArgument("dataframe_split must be an object, found {}", split.TypeName());
  const Json::Array& columns = SW_TRY(split.GetArray("columns"))->AsArray();
  Json records = Json::MakeArray();
  for (const Json& row : SW_TRY(split.GetArray("data"))->AsArray()) {
    if (!row.IsArray() || row.size() != columns.size()) {
      return InvalidArgument("dataframe_split: row {} of data must be an array of {} values", records.size(), columns.size());
    }
    Json record = Json::MakeObject();
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (!columns[c].IsString()) return InvalidArgument("dataframe_split: columns has {}", columns[c].Dump().substr(0, 32));
      if (record.Has(columns[c].AsString())) return InvalidArgument("dataframe_split: columns has {} twice", columns[c].AsString());
      record.Set(columns[c].AsString(), row.AsArray()[c]);
    }
    records.Append(std::move(record));
  }
  return wire::RowsFromInstances(schema, records);
}

Result<data::Batch> RowsFromJson(const data::Schema& schema, const Request& request) {
  const Json body = SW_TRY(wire::ParseJsonBody(request.body));
  if (!body.IsObject()) return InvalidArgument("the body must be an object with one of {}, found {}", fmt::join(kForms, ", "), body.TypeName());
  const Json* params = body.Find("params");
  if (params != nullptr && !params->IsObject() && !params->IsNull()) {
    return InvalidArgument("params must be an object, found {}", params->TypeName());
  }
  std::string_view form;
  for (const auto& [key, value] : body.AsObject()) {
    if (key == "params") continue;
    const bool is_form = std::ranges::find(kForms, key) != std::end(kForms);
    if (!is_form || !form.empty()) return InvalidArgument("the body must have exactly one of {}; it has {}", fmt::join(kForms, ", "), key);
    form = key;
  }
  if (form.empty()) return InvalidArgument("the body must have one of {}", fmt::join(kForms, ", "));
  const Json& rows = *body.Find(form);
  if (form == "dataframe_split") return RowsFromSplit(schema, rows);
  if (form == "inputs") return wire::RowsFromColumns(schema, rows);
  return wire::RowsFromInstances(schema, rows);
}

// Why a body of this type is not read; nothing for one that is.
std::optional<std::string> WhyUnsupported(std::string_view header) {
  const std::string type = wire::MediaType(header);
  if (type != "application/json" && type != "text/csv") {
    return fmt::format("Content-Type {} is not read; application/json and text/csv are", type.empty() ? "(none)" : type);
  }
  std::string_view rest = header.substr(std::min(header.find(';'), header.size()));
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::string parameter = wire::MediaType(rest);
    const std::size_t from = std::min(parameter.find_first_not_of(' '), parameter.size());
    if (from < parameter.size() && parameter.substr(from) != "charset=utf-8") {
      return fmt::format("the parameter {} of Content-Type is not read; charset=utf-8 is", parameter.substr(from));
    }
    rest.remove_prefix(std::min(rest.find(';'), rest.size()));
  }
  return std::nullopt;
}

void Invoke(const Context& context, const Request& request, const net::Responder& responder) {
  const std::string_view type = request.headers.Get("Content-Type");
  if (const auto why = WhyUnsupported(type)) return responder.Send(net::TextResponse(415, *why));
  const auto read = [&]() -> Result<serve::PredictRequest> {
    const wire::Target target = SW_TRY(wire::DefaultTarget(*context.endpoints, context.default_endpoint));
    serve::PredictRequest predict = SW_TRY(wire::Begin(target, request));
    const data::Schema& schema = target.endpoint->request;
    predict.rows = wire::MediaType(type) == "text/csv"
                       ? SW_TRY(wire::RowsFromCsv(schema, request.body, wire::CsvHeader::kNames))
                       : SW_TRY(RowsFromJson(schema, request));
    return predict;
  };
  wire::Predict(*context.endpoints, read(), responder, [](const serve::PredictResult& result) {
    return net::JsonResponse(200, Json::MakeObject({{"predictions", wire::ScoresJson(result)}}));
  });
}

// 404 while there is no model, as MLflow has it.
net::Handler Ping(const Context& context) {
  return net::Answer([endpoints = context.endpoints](const Request&) -> Result<net::Response> {
    return net::TextResponse(endpoints->Names().empty() ? 404 : 200, "\n");
  });
}

}  // namespace

std::vector<net::Route> MlflowScoringRoutes(const Context& context) {
  return {{.method = net::Method::kPost,
           .pattern = "/invocations",
           .scope = "predict",
           .handler = [context](const Request& request, const net::Responder& responder) { Invoke(context, request, responder); },
           .render_error = RenderError,
           .summary = "MLflow's: scores dataframe_split, dataframe_records, instances, inputs, or CSV with a header.",
           .request_schema = R"({"type":"object","properties":{"dataframe_split":{"type":"object"},)"
                             R"("dataframe_records":{"type":"array"},"instances":{"type":"array"},"inputs":{},"params":{"type":"object"}}})",
           .response_schema = R"({"type":"object","required":["predictions"],"properties":{"predictions":{"type":"array"}}})"},
          {.method = net::Method::kGet,
           .pattern = "/ping",
           .is_readiness = true,
           .handler = Ping(context),
           .render_error = RenderError,
           .summary = "200 once an endpoint has a live version; MLflow's and SageMaker's."},
          {.method = net::Method::kGet,
           .pattern = "/version",
           .handler = net::Answer([version = context.program_version](const Request&) -> Result<net::Response> {
             return net::TextResponse(200, version);
           }),
           .render_error = RenderError,
           .summary = "The program's version as text."}};
}

}  // namespace sw::mlflow_scoring
