#include "api/native/arguments.h"
#include "api/native/route_table.h"
#include "api/native/rows.h"
#include "base/errors.h"
#include "data/profile.h"
#include "feature/source.h"

namespace sw::native {
namespace {

Json CutsJson(const feature::SourceCuts& cuts) {
  Json out = Json::MakeObject();
  for (const auto& [source, cut] : cuts) out.Set(source, store::CutToJson(cut));
  return out;
}

Json PushJson(const feature::PushResult& pushed) {
  return Json::MakeObject({{"rows", pushed.rows},
                           {"repeated", pushed.repeated},
                           {"first_offset", pushed.first_offset},
                           {"durable", pushed.durable}});
}

Result<Json> Sources(const Context& context) {
  Json sources = Json::MakeArray();
  const auto defined = context.features->definitions();
  for (const auto& [name, source] : defined->sources) {
    const auto end = context.data->logbook().End("source/" + name);
    std::int64_t rows = 0;
    if (end) {
      for (const auto& [partition, offset] : *end) rows += offset;
    }
    Json types = Json::MakeObject();
    for (const auto& [column, type] : source.types) types.Set(column, data::TypeName(type));
    sources.Append(Json::MakeObject({{"name", name},
                                     {"table", source.table},
                                     {"static", source.is_static},
                                     {"types", std::move(types)},
                                     {"null_values", Json::FromRange(source.null_values)},
                                     {"rows", rows}}));
  }
  return Json::MakeObject({{"sources", std::move(sources)}});
}

// "synced" waits for the disk; "buffered" answers as soon as readers see the rows.
Result<store::Durability> DurabilityOf(const net::Request& request) {
  const std::string wanted = QueryText(request, "durability");
  if (wanted.empty() || wanted == "synced") return store::Durability::kSynced;
  if (wanted == "buffered") return store::Durability::kBuffered;
  return InvalidArgument("durability: expected synced or buffered, found {}", wanted);
}

Result<Json> Push(const Context& context, const net::Request& request) {
  const std::string source(request.Param("source"));
  const auto defined = context.features->definitions();
  const feature::SourceDef* found = SW_TRY(defined->Source(source));
  Json body = Json::MakeObject();
  feature::PushOptions options;
  if (!IsEncodedBatch(request)) {
    body = SW_TRY(BodyOf(request, {"rows", "producer", "sequence"}));
    options.producer = SW_TRY(TextOr(body, "producer", ""));
    options.sequence = SW_TRY(IntOr(body, "sequence", 0));
  } else {
    options.producer = QueryText(request, "producer");
    options.sequence = SW_TRY(QueryInt(request, "sequence", 0, INT64_MAX));
  }
  options.durability = SW_TRY(DurabilityOf(request));
  const data::Batch rows = SW_TRY(RowsOf(request, body, found->types));
  SW_TRY(CheckPushedColumns(*defined, *found, rows.schema(), !IsEncodedBatch(request)));
  return PushJson(SW_TRY(context.features->Push(source, rows, options)));
}

Status CheckTables(const Context& context) {
  if (!context.tables_folder.empty()) return Ok();
  return FailedPrecondition(
      "this server may read no tables; start it with --tables FOLDER, or push rows");
}

Result<net::Response> Load(const Context& context, const net::Request& request) {
  const Json body = SW_TRY(BodyOf(request, {"until"}));
  const TimeUs until = SW_TRY(TimeOr(body, "until", context.clock->Now()));
  const std::string source(request.Param("source"));
  const auto defined = context.features->definitions();
  SW_TRY(defined->Source(source));
  SW_TRY(CheckTables(context));
  return StartJob(
      context, request, "load", [&context, source, until](JobProgress&) -> Result<Json> {
        return PushJson(SW_TRY(context.features->Load(source, context.tables_folder, until)));
      });
}

Result<net::Response> Profile(const Context& context, const net::Request& request) {
  const auto defined = context.features->definitions();
  const feature::SourceDef source = *SW_TRY(defined->Source(request.Param("source")));
  SW_TRY(CheckTables(context));
  return StartJob(context, request, "profile", [&context, source](JobProgress&) -> Result<Json> {
    const data::Batch table = SW_TRY(feature::ReadSourceTable(source, context.tables_folder));
    Json out = data::ProfileTable(table).ToJson();
    out.Set("fingerprint", data::Fingerprint(table));
    return out;
  });
}

Result<Json> Rows(const Context& context, const net::Request& request) {
  const std::string source(request.Param("source"));
  const auto defined = context.features->definitions();
  SW_TRY(defined->Source(source));
  const auto limit = static_cast<std::size_t>(SW_TRY(QueryInt(request, "rows_max", 100, 10'000)));
  const data::Batch rows = SW_TRY(context.features->Rows(source, {}));
  return Json::MakeObject(
      {{"rows_total", rows.num_rows()},
       {"rows", RowsFromBatch(rows.Slice(0, std::min(limit, rows.num_rows())))}});
}

Result<Json> Service(const Context& context, const std::string& name) {
  const auto defined = context.features->definitions();
  const data::Schema brings = SW_TRY(RequestSchema(*defined, name));
  Json out = Json::MakeObject({{"name", name},
                               {"hash", SW_TRY(feature::ServiceHash(*defined, name))},
                               {"request", brings.ToJson()}});
  // Types follow from the rows, so a service has none until its sources have some.
  if (const auto schema = context.features->FeatureSchema(name))
    out.Set("features", schema->ToJson());
  else
    out.Set("features", Json::FromRange(SW_TRY(defined->Service(name))->features));
  if (const auto cuts = context.features->Cuts(name)) out.Set("cuts", CutsJson(*cuts));
  return out;
}

Result<Json> Services(const Context& context) {
  Json services = Json::MakeArray();
  const auto defined = context.features->definitions();
  for (const auto& [name, service] : defined->services)
    services.Append(SW_TRY(Service(context, name)));
  return Json::MakeObject({{"services", std::move(services)}});
}

// A row each: {"view.feature": {"status": "present", "event_time": "2026-11-02T10:00:00Z"}}.
Json StatesJson(const feature::FeatureRead& read) {
  Json rows = Json::MakeArray();
  for (std::size_t row = 0; row < read.features.num_rows(); ++row) {
    Json states = Json::MakeObject();
    for (std::size_t i = 0; i < read.states.size(); ++i) {
      const feature::FeatureState& state = read.states[i][row];
      Json one = Json::MakeObject({{"status", feature::StatusName(state.status)}, {"event_time", Json()}});
      if (state.event_time != feature::kAlways) one.Set("event_time", base::FormatTime(state.event_time));
      states.Set(read.features.schema().fields[i].name, std::move(one));
    }
    rows.Append(std::move(states));
  }
  return rows;
}

void Read(const Context& context, net::Request request, const net::Responder& responder) {
  const std::string service(request.Param("service"));
  using Want = feature::FeatureStore::Want;
  Want want = Want::kValues;
  auto rows = [&]() -> Result<std::pair<data::Batch, TimeUs>> {
    const auto defined = context.features->definitions();
    const data::Schema brings = SW_TRY(RequestSchema(*defined, service));
    const Json body = SW_TRY(BodyOf(request, {"rows", "time", "states"}));
    if (SW_TRY(BoolOr(body, "states", false))) want = Want::kStates;
    const TimeUs time = SW_TRY(TimeOr(body, "time", context.clock->Now()));
    return std::pair(SW_TRY(RowsOf(request, body, HintsOf(brings))), time);
  }();
  if (!rows) return responder.SendError(rows.error());
  // The store may complete after this returns, so the rows live as long as the callback.
  auto kept = std::make_shared<const data::Batch>(std::move(rows->first));
  const TimeUs time = rows->second;
  context.features->Read(
      service, *kept, time, want, [responder, kept, time](const Result<feature::FeatureRead>& read) {
        if (!read) return responder.SendError(read.error());
        Json answer = Json::MakeObject({{"time", base::FormatTime(time)}, {"features", RowsFromBatch(read->features)}});
        if (!read->states.empty()) answer.Set("states", StatesJson(*read));
        responder.Send(net::JsonResponse(200, answer));
      });
}

Result<net::Response> Rebuild(const Context& context, const net::Request& request) {
  return StartJob(context, request, "rebuild", [&context](JobProgress&) -> Result<Json> {
    SW_TRY(context.features->Rebuild());
    return Json::MakeObject({{"rebuilt", true}});
  });
}

constexpr const char* kRowsSchema =
    R"({"type":"object","required":["rows"],"properties":{"rows":{"type":"array","items":{"type":"object"}},)"
    R"("producer":{"type":"string"},"sequence":{"type":"integer"}}})";

constexpr JobRoute kSourceJobs[] = {
    {"/seaworthy/v1/sources/{source}/load", "features.write", Load,
     "Job: pushes the rows of the source's own table that were known by a moment.",
     R"({"type":"object","properties":{"until":{"type":"string","format":"date-time"}}})"},
    {"/seaworthy/v1/sources/{source}/profile", "features.read", Profile,
     "Job: reads the source's table and profiles its columns."},
};

constexpr JobRoute kRebuildJobs[] = {
    {"/seaworthy/v1/features/rebuild", "features.write", Rebuild,
     "Job: rebuilds the online store from the logbook.", "", "admin"},
};

void AddSourceRoutes(const Context& context, Routes& routes) {
  routes.push_back(
      {.method = net::Method::kGet,
       .pattern = "/seaworthy/v1/sources",
       .scope = "features.read",
       .slow = true,
       .handler = net::AnswerJson([&context](const net::Request&) { return Sources(context); }),
       .summary = "Sources and how many rows each has."});
  routes.push_back(
      {.method = net::Method::kGet,
       .pattern = "/seaworthy/v1/sources/{source}/rows",
       .scope = "features.read",
       .slow = true,
       .handler = net::AnswerJson([&context](const net::Request& r) { return Rows(context, r); }),
       .summary = "The first derived rows of a source, in order of time.",
       .query_schema = R"({"type":"object","properties":{"rows_max":{"type":"integer"}}})"});
  routes.push_back(
      {.method = net::Method::kPost,
       .pattern = "/seaworthy/v1/sources/{source}/rows",
       .scope = "features.write",
       .slow = true,
       .handler = net::AnswerJson([&context](const net::Request& r) { return Push(context, r); }),
       .summary = "Pushes raw rows; a repeated (producer, sequence) changes nothing.",
       .request_schema = kRowsSchema,
       .response_schema = R"({"type":"object","required":["rows","repeated"]})"});
  AddJobs(context, kSourceJobs, routes);
}

}  // namespace

void AddFeatureRoutes(const Context& context, Routes& routes) {
  AddSourceRoutes(context, routes);
  routes.push_back(
      {.method = net::Method::kGet,
       .pattern = "/seaworthy/v1/services",
       .scope = "features.read",
       .slow = true,
       .handler = net::AnswerJson([&context](const net::Request&) { return Services(context); }),
       .summary =
           "Feature services: what a request brings, the features, and their definition's hash."});
  routes.push_back({.method = net::Method::kGet,
                    .pattern = "/seaworthy/v1/services/{service}",
                    .scope = "features.read",
                    .slow = true,
                    .handler = net::AnswerJson([&context](const net::Request& request) {
                      return Service(context, std::string(request.Param("service")));
                    }),
                    .summary = "One feature service."});
  routes.push_back(
      {.method = net::Method::kPost,
       .pattern = "/seaworthy/v1/services/{service}/read",
       .scope = "features.read",
       .handler =
           [&context](net::Request request, const net::Responder& responder) {
             Read(context, std::move(request), responder);
           },
       .summary = "The online features of some rows, now or at a moment.",
       .request_schema =
           R"({"type":"object","required":["rows"],"properties":{"rows":{"type":"array"},)"
           R"("time":{"type":"string","format":"date-time"}}})",
       .response_schema = R"({"type":"object","required":["features"]})"});
  AddJobs(context, kRebuildJobs, routes);
}

}  // namespace sw::native
