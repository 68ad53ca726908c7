#include "api/tecton/tecton.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "api/wire/json_rows.h"
#include "base/errors.h"
#include "feature/service_request.h"
#include "net/grpc.h"

namespace sw::tecton {
namespace {

using feature::FeatureStore;

constexpr std::size_t kBatchRowsMax = 10'000;
constexpr const char* kParamsSchema = R"({"type":"object","required":["params"],"properties":{"params":{"type":"object"}}})";

// Errors carry gRPC's numbers.
net::Response RenderError(int status, const Error& error) {
  return net::JsonResponse(status, Json::MakeObject({{"error", error.message}, {"code", net::GrpcStatusOf(error.code)}, {"message", error.message}}));
}

net::Response RenderIngestError(int status, const Error& error) {
  Json problem = Json::MakeObject({{"errorMessage", error.message}, {"errorType", base::ErrorCodeName(error.code)}});
  return net::JsonResponse(status, Json::MakeObject({{"requestErrors", Json::MakeArray({std::move(problem)})}, {"recordErrors", Json::MakeArray()}}));
}

std::string_view TectonType(data::Type type) { return type == data::Type::kBool ? "boolean" : data::TypeName(type); }

Json TypeJson(data::Type type) { return Json::MakeObject({{"type", TectonType(type)}}); }

// An int64 is a text; so are numbers that JSON does not have.
Json ValueJson(const data::Column& column, std::size_t row) {
  if (column.IsNull(row)) return {};
  if (column.type() == data::Type::kInt64) return std::to_string(column.Int(row));
  if (column.type() != data::Type::kFloat64 || std::isfinite(column.Double(row))) return column.ToJson(row);
  if (std::isnan(column.Double(row))) return "NaN";
  return column.Double(row) > 0 ? "Infinity" : "-Infinity";
}

struct Options {
  bool names = false, types = false, times = false, status = false, slo = false;
};

// What one call asks, taken apart.
struct Query {
  std::string service;
  std::vector<Json> rows;
  Options options;
  bool is_batch = false;
};

Result<Json> ParamsOf(const net::Request& request) {
  const Json body = SW_TRY(Json::Parse(request.body));
  if (!body.IsObject()) return InvalidArgument("expected a JSON object with \"params\", found {}", body.TypeName());
  return *SW_TRY(body.GetObject("params"));
}

Result<std::string> ServiceOf(const Json& params) {
  if (params.Find("featureServiceId") != nullptr) return InvalidArgument("featureServiceId: services have names here; give featureServiceName");
  return params.GetString("featureServiceName");
}

Result<bool> Flag(const Json& options, std::string_view key) {
  const Json* const value = options.Find(key);
  if (value == nullptr || value->IsNull()) return false;
  if (!value->IsBool()) return InvalidArgument("metadataOptions.{}: expected true or false, found {}", key, value->TypeName());
  return value->AsBool();
}

Result<Options> OptionsOf(const Json& params) {
  const Json* const given = params.Find("metadataOptions");
  if (given == nullptr || given->IsNull()) return Options{};
  if (!given->IsObject()) return InvalidArgument("metadataOptions: expected an object, found {}", given->TypeName());
  return Options{.names = SW_TRY(Flag(*given, "includeNames")), .types = SW_TRY(Flag(*given, "includeDataTypes")),
                 .times = SW_TRY(Flag(*given, "includeEffectiveTimes")), .status = SW_TRY(Flag(*given, "includeServingStatus")),
                 .slo = SW_TRY(Flag(*given, "includeSloInfo"))};
}

// Join keys and request context are one object here; a name that both have is a mistake.
Result<Json> RowOf(const Json& data) {
  if (!data.IsObject()) return InvalidArgument("expected an object with joinKeyMap, found {}", data.TypeName());
  Json row = Json::MakeObject();
  for (const char* key : {"joinKeyMap", "requestContextMap"}) {
    const Json* const map = data.Find(key);
    if (map == nullptr || map->IsNull()) continue;
    if (!map->IsObject()) return InvalidArgument("{}: expected an object, found {}", key, map->TypeName());
    for (const auto& [name, value] : map->AsObject()) {
      if (row.Find(name) != nullptr) return InvalidArgument("{}: {} is there twice; give it once", key, name);
      row.Set(name, value);
    }
  }
  return row;
}

// Tecton refuses a request that lacks a key; a key that is null gives null features.
Status CheckKeys(const data::Schema& keys, const Query& query) {
  for (const Json& row : query.rows) {
    for (const data::Field& key : keys.fields) {
      if (row.Find(key.name) == nullptr) return InvalidArgument("joinKeyMap lacks {}, which feature service {} needs", key.name, query.service);
    }
  }
  return Ok();
}

Result<Query> QueryOf(const net::Request& request, bool is_batch) {
  const Json params = SW_TRY(ParamsOf(request));
  Query query{.service = SW_TRY(ServiceOf(params)), .rows = {}, .options = SW_TRY(OptionsOf(params)), .is_batch = is_batch};
  if (!is_batch) {
    query.rows.push_back(SW_TRY(RowOf(params)));
    return query;
  }
  const Json* const rows = SW_TRY(params.GetArray("requestData"));
  if (rows->size() == 0 || rows->size() > kBatchRowsMax) {
    return InvalidArgument("requestData: expected 1 to {} requests, found {}", kBatchRowsMax, rows->size());
  }
  for (const Json& row : rows->AsArray()) query.rows.push_back(SW_TRY(RowOf(row)));
  return query;
}

Json VectorJson(const data::Batch& features, std::size_t row) {
  Json values = Json::MakeArray();
  for (std::size_t i = 0; i < features.num_columns(); ++i) values.Append(ValueJson(features.column(i), row));
  return Json::MakeObject({{"features", std::move(values)}});
}

// Of one row's features, or of none in particular.
Json FeaturesMetadata(const feature::FeatureRead& read, const Options& options, std::optional<std::size_t> row) {
  Json list = Json::MakeArray();
  for (std::size_t i = 0; i < read.features.num_columns(); ++i) {
    const data::Field& field = read.features.schema().fields[i];
    Json one = Json::MakeObject();
    if (options.names) one.Set("name", field.name);
    if (options.types) one.Set("dataType", TypeJson(field.type));
    if (row && !read.states.empty()) {
      const feature::FeatureState& state = read.states[i][*row];
      if (options.times && state.event_time != feature::kAlways) one.Set("effectiveTime", base::FormatTime(state.event_time));
      if (options.status) one.Set("status", state.status == feature::FeatureStatus::kPresent ? "PRESENT" : "MISSING_DATA");
    }
    list.Append(std::move(one));
  }
  return list;
}

Json SloInfo(std::int64_t begin_ns) {
  const double seconds = static_cast<double>(base::MonotonicNs() - begin_ns) / 1e9;
  return Json::MakeObject({{"sloEligible", true}, {"sloServerTimeSeconds", seconds}, {"serverTimeSeconds", seconds}, {"storeMaxLatency", seconds}});
}

Json AnswerJson(const Query& query, const feature::FeatureRead& read, std::int64_t begin_ns) {
  const Options& options = query.options;
  const bool wants_features = options.names || options.types || options.times || options.status;
  Json answer = Json::MakeObject();
  Json metadata = Json::MakeObject();
  if (!query.is_batch) {
    answer.Set("result", VectorJson(read.features, 0));
    if (wants_features) metadata.Set("features", FeaturesMetadata(read, options, 0));
    if (options.slo) metadata.Set("sloInfo", SloInfo(begin_ns));
  } else {
    Json results = Json::MakeArray(), by_row = Json::MakeArray();
    for (std::size_t row = 0; row < read.features.num_rows(); ++row) {
      results.Append(VectorJson(read.features, row));
      if (options.times || options.status) by_row.Append(Json::MakeObject({{"features", FeaturesMetadata(read, {.times = options.times, .status = options.status}, row)}}));
    }
    answer.Set("result", std::move(results));
    if (options.names || options.types) metadata.Set("features", FeaturesMetadata(read, options, std::nullopt));
    if (options.times || options.status) metadata.Set("featureValuesMetadata", std::move(by_row));
    if (options.slo) metadata.Set("batchSloInfo", SloInfo(begin_ns));
  }
  if (wants_features || options.slo) answer.Set("metadata", std::move(metadata));
  return answer;
}

void GetFeatures(FeatureStore& store, const base::Clock& clock, const net::Request& request, bool is_batch, const net::Responder& responder) {
  const std::int64_t begin_ns = base::MonotonicNs();
  const auto fail = [&](const Error& error) { responder.Send(RenderError(base::HttpStatus(error.code), error)); };
  auto query = QueryOf(request, is_batch);
  if (!query) return fail(query.error());
  const auto defined = store.definitions();
  auto rows = [&]() -> Result<data::Batch> {
    const feature::RequestParts parts = SW_TRY(feature::PartsOfRequest(*defined, query->service));
    SW_TRY(CheckKeys(parts.keys, *query));
    return feature::RequestRows(parts.all, query->rows);
  }();
  if (!rows) return fail(rows.error());
  const FeatureStore::Want want = query->options.times || query->options.status ? FeatureStore::Want::kStates : FeatureStore::Want::kValues;
  // The store may answer later: the rows live as long as the callback.
  const auto kept = std::make_shared<const data::Batch>(*std::move(rows));
  const std::string service = query->service;
  store.Read(service, *kept, clock.Now(), want, [responder, kept, query = *std::move(query), begin_ns](const Result<feature::FeatureRead>& read) {
    if (!read) return responder.Send(RenderError(base::HttpStatus(read.error().code), read.error()));
    responder.Send(net::JsonResponse(200, AnswerJson(query, *read, begin_ns)));
  });
}

Json FieldsJson(const data::Schema& schema) {
  Json list = Json::MakeArray();
  for (const data::Field& field : schema.fields) list.Append(Json::MakeObject({{"name", field.name}, {"dataType", TypeJson(field.type)}}));
  return list;
}

Result<Json> Metadata(const FeatureStore& store, const net::Request& request) {
  const std::string service = SW_TRY(ServiceOf(SW_TRY(ParamsOf(request))));
  const feature::RequestParts parts = SW_TRY(feature::PartsOfRequest(*store.definitions(), service));
  return Json::MakeObject({{"featureServiceType", "DEFAULT"},
                           {"inputJoinKeys", FieldsJson(parts.keys)},
                           {"inputRequestContextKeys", FieldsJson(parts.inputs)},
                           {"featureValues", FieldsJson(SW_TRY(store.FeatureSchema(service)))}});
}

// {"record": {...}} each.
Result<data::Batch> RecordsOf(const feature::Definitions& defined, const std::string& source, const Json& records) {
  const feature::SourceDef* const found = SW_TRY(defined.Source(source));
  if (!records.IsArray()) return InvalidArgument("records.{}: expected an array, found {}", source, records.TypeName());
  Json rows = Json::MakeArray();
  for (const Json& record : records.AsArray()) {
    if (!record.IsObject()) return InvalidArgument("records.{}: expected objects with \"record\", found {}", source, record.TypeName());
    rows.Append(*SW_TRY(record.GetObject("record")));
  }
  auto batch = wire::BatchFromRows(rows, found->types);
  if (!batch) return std::unexpected(std::move(batch).error().Within("records." + source));
  return batch;
}

// All sources are read before one row is written.
Result<Json> Ingest(FeatureStore& store, const net::Request& request) {
  const Json body = SW_TRY(Json::Parse(request.body));
  const std::string workspace = SW_TRY(body.GetString("workspace_name"));
  const Json* const records = SW_TRY(body.GetObject("records"));
  const bool is_dry = body.BoolOr("dry_run", false);
  const auto defined = store.definitions();
  std::vector<std::pair<std::string, data::Batch>> batches;
  for (const auto& [source, rows] : records->AsObject()) batches.emplace_back(source, SW_TRY(RecordsOf(*defined, source, rows)));
  if (batches.empty()) return InvalidArgument("records: expected at least one source with its records");
  Json metrics = Json::MakeArray();
  for (const auto& [source, rows] : batches) {
    const std::size_t count = is_dry ? rows.num_rows() : SW_TRY(store.Push(source, rows, {})).rows;
    for (const auto& [name, view] : defined->views) {
      if (view.source != source) continue;
      metrics.Append(Json::MakeObject({{"featureViewName", name}, {"featureViewId", name}, {"onlineRecordIngestCount", std::to_string(count)},
                                       {"offlineRecordIngestCount", std::to_string(count)}}));
    }
  }
  return Json::MakeObject({{"workspaceName", workspace}, {"ingestMetrics", Json::MakeObject({{"featureViewIngestMetrics", std::move(metrics)}})}});
}

}  // namespace

std::vector<net::Route> TectonRoutes(feature::FeatureStore* features, const base::Clock* clock) {
  const auto get = [features, clock](bool is_batch) {
    return [features, clock, is_batch](net::Request request, const net::Responder& responder) {
      GetFeatures(*features, *clock, request, is_batch, responder);
    };
  };
  return {{.method = net::Method::kPost, .pattern = "/api/v1/feature-service/get-features", .scope = "features.read", .handler = get(false),
           .render_error = RenderError, .summary = "Tecton: the features of one request.", .request_schema = kParamsSchema},
          {.method = net::Method::kPost, .pattern = "/api/v1/feature-service/get-features-batch", .scope = "features.read", .handler = get(true),
           .render_error = RenderError, .summary = "Tecton: the features of several requests.", .request_schema = kParamsSchema},
          {.method = net::Method::kPost, .pattern = "/api/v1/feature-service/metadata", .scope = "features.read",
           .handler = net::AnswerJson([features](const net::Request& request) { return Metadata(*features, request); }),
           .render_error = RenderError, .summary = "Tecton: what a feature service takes and gives.", .request_schema = kParamsSchema},
          {.method = net::Method::kPost, .pattern = "/ingest", .scope = "features.write", .slow = true,
           .handler = net::AnswerJson([features](const net::Request& request) { return Ingest(*features, request); }),
           .render_error = RenderIngestError, .summary = "Tecton: pushes records to sources; they are read as soon as this answers.",
           .request_schema = R"({"type":"object","required":["workspace_name","records"],"properties":{"workspace_name":{"type":"string"},)"
                             R"("dry_run":{"type":"boolean"},"records":{"type":"object"}}})"}};
}

}  // namespace sw::tecton
