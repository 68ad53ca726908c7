#include "api/open_inference/management.h"

#include <utility>

#include "api/open_inference/infer.h"
#include "api/open_inference/statistics.h"
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
  return std::unexpected(LoadRefused(name));
}

Result<Json> Unload(const Context& context, const Request& request) {
  const std::string name = SW_TRY(TargetOf(context, request)).endpoint->name;
  return std::unexpected(UnloadRefused(name));
}

Json Times(std::int64_t count, std::int64_t nanoseconds) { return Json::MakeObject({{"count", count}, {"ns", nanoseconds}}); }

// Triton's ModelStatistics. It batches no requests together: each is an execution.
Json StatisticsJson(const std::string& name, const serve::VersionStatistics& version) {
  const Json durations = Json::MakeObject({{"success", Times(version.requests, version.answered_ns())},
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

Result<Json> Statistics(const Context& context, const Request& request) {
  Json statistics = Json::MakeArray();
  for (const auto& [model, version] : SW_TRY(StatisticsOf(*context.endpoints, request.Param("model"), request.Param("version")))) {
    statistics.Append(StatisticsJson(model, version));
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

constexpr net::Method kGet = net::Method::kGet, kPost = net::Method::kPost;
constexpr const char* kScope = "predict";
constexpr JsonRoute kManagement[] = {
    {kPost, "/v2/repository/index", kScope, Index, "Models with their versions and states."},
    {kPost, "/v2/repository/models/{model}/load", kScope, LoadModel, "Does nothing for a model that is served."},
    {kPost, "/v2/repository/models/{model}/unload", kScope, Unload, "Refused: apply says what is served."},
    {kGet, "/v2/models/stats", kScope, Statistics, "What the versions of all models did since the process began."},
    {kGet, "/v2/models/{model}/stats", kScope, Statistics, "What a model's versions did since the process began."},
    {kGet, "/v2/models/{model}/versions/{version}/stats", kScope, Statistics, "What a version did since the process began."},
    {kGet, "/v2/trace/setting", kScope, TraceSettings, "Triton's trace settings: off."},
    {kPost, "/v2/trace/setting", kScope, TraceSettings, "Refused where it would change one."},
    {kGet, "/v2/models/{model}/trace/setting", kScope, TraceSettings, "Triton's trace settings: off."},
    {kPost, "/v2/models/{model}/trace/setting", kScope, TraceSettings, "Refused where it would change one."},
    {kGet, "/v2/logging", kScope, LogSettings, "Triton's log settings."},
    {kPost, "/v2/logging", kScope, LogSettings, "Refused where it would change one."},
};

}  // namespace

std::vector<net::Route> ManagementRoutes(const Context& context) {
  std::vector<net::Route> routes;
  for (const JsonRoute& row : kManagement) routes.push_back(RouteOf(context, row, row.pattern));
  return routes;
}

net::Route RouteOf(const Context& context, const JsonRoute& row, std::string pattern) {
  return {.method = row.method,
          .pattern = std::move(pattern),
          .scope = row.scope,
          .is_readiness = std::string_view(row.pattern).ends_with("/ready"),
          .handler = net::AnswerJson([context, answer = row.answer](const Request& request) { return answer(context, request); }),
          .render_error = wire::PlainError,
          .summary = row.summary};
}

}  // namespace sw::open_inference
