#include "api/open_inference/management.h"

#include <utility>

#include "api/open_inference/infer.h"
#include "api/wire/predict.h"
#include "base/errors.h"

namespace sw::open_inference {
namespace {

using net::Request;

Result<wire::Target> TargetOf(const Context& context, const Request& request) {
  return wire::FindTarget(*context.endpoints, request.Param("model"), request.Param("version"));
}

// The body as an object; an empty one is {}.
Result<Json> ObjectOf(const Request& request) {
  if (request.body.empty()) return Json::MakeObject();
  Json body = SW_TRY(request.JsonBody());
  if (body.IsObject()) return body;
  return InvalidArgument("the body must be an object, found {}", body.TypeName());
}

// All of them are ready: what is not is not published.
Result<Json> Index(const Context& context, const Request& request) {
  SW_TRY(ObjectOf(request));
  Json models = Json::MakeArray();
  for (const std::string& name : context.endpoints->Names()) {
    const auto snapshot = context.endpoints->Find(name);
    if (snapshot == nullptr) continue;
    for (const serve::Arm& arm : snapshot->arms) {
      models.Append(Json::MakeObject(
          {{"name", name}, {"version", fmt::format("{}", arm.version)}, {"state", "READY"}, {"reason", ""}}));
    }
  }
  return models;
}

// An endpoint's model is always loaded; how it gets there is the registry's and the rollout's.
Result<Json> LoadModel(const Context& context, const Request& request) {
  const std::string name = SW_TRY(TargetOf(context, request)).endpoint->name;
  const Json body = SW_TRY(ObjectOf(request));
  const Json* parameters = body.Find("parameters");
  if (parameters == nullptr || parameters->size() == 0) return Json::MakeObject();
  return Unimplemented("{} takes no config and no files here: register a version, and roll it out", name);
}

Result<Json> Unload(const Context& context, const Request& request) {
  const std::string name = SW_TRY(TargetOf(context, request)).endpoint->name;
  return std::unexpected(UnloadRefused(name));
}

Json Times(std::int64_t count, std::int64_t nanoseconds) { return Json::MakeObject({{"count", count}, {"ns", nanoseconds}}); }

// Triton's ModelStatistics. It batches no requests together: each is an execution.
Json StatisticsJson(const std::string& name, const serve::VersionStatistics& version) {
  const std::int64_t all_ns = version.input_ns + version.queue_ns + version.score_ns + version.output_ns;
  const Json durations = Json::MakeObject({{"success", Times(version.requests, all_ns)},
                                           {"fail", Times(version.failed_requests, version.failed_ns)},
                                           {"queue", Times(version.requests, version.queue_ns)},
                                           {"compute_input", Times(version.requests, version.input_ns)},
                                           {"compute_infer", Times(version.requests, version.score_ns)},
                                           {"compute_output", Times(version.requests, version.output_ns)},
                                           {"cache_hit", Times(0, 0)},
                                           {"cache_miss", Times(0, 0)}});
  return Json::MakeObject({{"name", name},
                           {"version", fmt::format("{}", version.version)},
                           {"last_inference", version.last / base::kMillisecondUs},
                           {"inference_count", version.rows},
                           {"execution_count", version.requests},
                           {"inference_stats", durations},
                           {"response_stats", Json::MakeObject()},
                           {"batch_stats", Json::MakeArray()},
                           {"memory_usage", Json::MakeArray()}});
}

// Of one model or version, or of all.
Result<Json> Statistics(const Context& context, const Request& request) {
  std::vector<std::string> names = context.endpoints->Names();
  std::optional<std::int64_t> only;
  if (!request.Param("model").empty()) {
    const wire::Target target = SW_TRY(TargetOf(context, request));
    names = {target.endpoint->name};
    only = target.version;
  }
  Json statistics = Json::MakeArray();
  for (const std::string& name : names) {
    for (const serve::VersionStatistics& version : context.endpoints->Statistics(name)) {
      if (!only || *only == version.version) statistics.Append(StatisticsJson(name, version));
    }
  }
  return Json::MakeObject({{"model_stats", std::move(statistics)}});
}

// What is asked for must be what there is.
Result<Json> Unchanged(const Request& request, Json settings, std::string_view instead) {
  const Json wanted = SW_TRY(ObjectOf(request));
  for (const auto& [name, value] : wanted.AsObject()) {
    const Json* now = settings.Find(name);
    if (now == nullptr) return InvalidArgument("there is no setting {}", name.substr(0, 64));
    if (*now != value && !value.IsNull()) return Unimplemented("{} stays {}: {}", name, now->Dump(), instead);
  }
  return settings;
}

Json TraceOff() {
  return Json::MakeObject({{"trace_level", Json::MakeArray({"OFF"})},
                           {"trace_rate", "1000"},
                           {"trace_count", "-1"},
                           {"log_frequency", "0"},
                           {"trace_file", ""},
                           {"trace_mode", "triton"}});
}

Result<Json> TraceSettings(const Context& context, const Request& request) {
  if (!request.Param("model").empty()) SW_TRY(TargetOf(context, request));
  return Unchanged(request, TraceOff(), "no traces are written");
}

Result<Json> LogSettings(const Context& context, const Request& request) {
  const base::LogLevel level = context.log_level;
  return Unchanged(request,
                   Json::MakeObject({{"log_file", ""},
                                     {"log_info", level <= base::LogLevel::kInfo},
                                     {"log_warning", level <= base::LogLevel::kWarning},
                                     {"log_error", true},
                                     {"log_verbose_level", level == base::LogLevel::kDebug ? 1 : 0},
                                     {"log_format", "default"}}),
                   "the setting log_level says what is logged, from the start of the process");
}

struct Management {
  net::Method method;
  const char* pattern;
  Result<Json> (*answer)(const Context&, const Request&);
  const char* summary;
};

constexpr net::Method kGet = net::Method::kGet, kPost = net::Method::kPost;
constexpr Management kManagement[] = {
    {kPost, "/v2/repository/index", Index, "Models with their versions and states."},
    {kPost, "/v2/repository/models/{model}/load", LoadModel, "Does nothing for a model that is served."},
    {kPost, "/v2/repository/models/{model}/unload", Unload, "Refused: apply says what is served."},
    {kGet, "/v2/models/stats", Statistics, "What the versions of all models did since the process began."},
    {kGet, "/v2/models/{model}/stats", Statistics, "What a model's versions did since the process began."},
    {kGet, "/v2/models/{model}/versions/{version}/stats", Statistics, "What a version did since the process began."},
    {kGet, "/v2/trace/setting", TraceSettings, "Triton's trace settings: off."},
    {kPost, "/v2/trace/setting", TraceSettings, "Refused where it would change one."},
    {kGet, "/v2/models/{model}/trace/setting", TraceSettings, "Triton's trace settings: off."},
    {kPost, "/v2/models/{model}/trace/setting", TraceSettings, "Refused where it would change one."},
    {kGet, "/v2/logging", LogSettings, "Triton's log settings."},
    {kPost, "/v2/logging", LogSettings, "Refused where it would change one."},
};

}  // namespace

std::vector<net::Route> ManagementRoutes(const Context& context) {
  std::vector<net::Route> routes;
  for (const Management& row : kManagement) {
    routes.push_back({.method = row.method,
                      .pattern = row.pattern,
                      .scope = "predict",
                      .handler = net::AnswerJson([context, answer = row.answer](const Request& request) { return answer(context, request); }),
                      .render_error = wire::PlainError,
                      .summary = row.summary});
  }
  return routes;
}

}  // namespace sw::open_inference
