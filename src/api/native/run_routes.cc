#include "api/native/arguments.h"
#include "api/native/route_table.h"
#include "base/errors.h"

namespace sw::native {
namespace {

using net::Request;

Result<Json> Experiments(const Context& context, const Request& request) {
  Json out = Json::MakeArray();
  for (const track::Experiment& experiment : SW_TRY(context.tracker->Experiments(request.caller))) {
    out.Append(Json::MakeObject({{"name", experiment.name},
                                 {"created", base::FormatTime(experiment.created)},
                                 {"runs", experiment.runs}}));
  }
  return Json::MakeObject({{"experiments", std::move(out)}});
}

Result<Json> Runs(const Context& context, const Request& request) {
  const auto rows_max = static_cast<std::size_t>(SW_TRY(QueryInt(request, "rows_max", 100, 1'000)));
  const track::RunPage page = SW_TRY(context.tracker->Runs(
      request.caller, QueryText(request, "experiment"), QueryText(request, "after"), rows_max));
  Json runs = Json::MakeArray();
  for (const track::Run& run : page.runs) runs.Append(track::RunToJson(run));
  return Json::MakeObject({{"runs", std::move(runs)}, {"next", page.next}});
}

Result<Json> Run(const Context& context, const Request& request) {
  return track::RunToJson(SW_TRY(context.tracker->Get(request.caller, request.Param("run"))));
}

Result<std::map<std::string, std::string>> TextMap(const Json& body, std::string_view key) {
  std::map<std::string, std::string> out;
  const Json* value = body.Find(key);
  if (value == nullptr || value->IsNull()) return out;
  if (!value->IsObject())
    return InvalidArgument("{}: expected an object of texts, found {}", key, value->TypeName());
  for (const auto& [name, text] : value->AsObject()) {
    if (!text.IsString())
      return InvalidArgument("{}.{}: expected a string, found {}", key, name, text.TypeName());
    out.emplace(name, text.AsString());
  }
  return out;
}

Result<Json> Start(const Context& context, const Request& request) {
  const Json body = SW_TRY(BodyOf(request, {"experiment", "name", "tags"}));
  track::NewRun run;
  run.experiment = SW_TRY(TextOr(body, "experiment", "default"));
  run.name = SW_TRY(TextOr(body, "name", ""));
  run.tags = SW_TRY(TextMap(body, "tags"));
  return track::RunToJson(SW_TRY(context.tracker->Start(request.caller, run)));
}

Result<std::vector<track::Metric>> Metrics(const Json& body) {
  std::vector<track::Metric> out;
  const Json* metrics = body.Find("metrics");
  if (metrics == nullptr || metrics->IsNull()) return out;
  if (!metrics->IsArray())
    return InvalidArgument("metrics: expected an array, found {}", metrics->TypeName());
  for (const Json& item : metrics->AsArray()) {
    if (!item.IsObject())
      return InvalidArgument("metrics: expected objects, found {}", item.TypeName());
    track::Metric metric;
    metric.key = SW_TRY(item.GetString("key"));
    metric.value = SW_TRY(item.GetDouble("value"));
    metric.step = SW_TRY(IntOr(item, "step", 0));
    metric.time = SW_TRY(TimeOr(item, "time", 0));
    out.push_back(std::move(metric));
  }
  return out;
}

// Params, metrics and tags in one call, and the run's end when it has come.
Result<Json> Log(const Context& context, const Request& request) {
  const Json body = SW_TRY(BodyOf(request, {"params", "metrics", "tags", "status"}));
  const std::string_view run = request.Param("run");
  const auto params = SW_TRY(TextMap(body, "params"));
  const auto metrics = SW_TRY(Metrics(body));
  const auto tags = SW_TRY(TextMap(body, "tags"));
  const std::string status = SW_TRY(TextOr(body, "status", ""));
  if (!params.empty()) SW_TRY(context.tracker->LogParams(request.caller, run, params));
  if (!metrics.empty()) SW_TRY(context.tracker->LogMetrics(request.caller, run, metrics));
  if (!tags.empty()) SW_TRY(context.tracker->SetTags(request.caller, run, tags));
  if (!status.empty())
    SW_TRY(context.tracker->Finish(request.caller, run, SW_TRY(track::ParseRunStatus(status))));
  return Run(context, request);
}

Result<Json> History(const Context& context, const Request& request) {
  Json metrics = Json::MakeArray();
  for (const track::Metric& metric : SW_TRY(context.tracker->History(
           request.caller, request.Param("run"), request.Param("metric")))) {
    metrics.Append(Json::MakeObject(
        {{"value", metric.value}, {"step", metric.step}, {"time", base::FormatTime(metric.time)}}));
  }
  return Json::MakeObject({{"metric", request.Param("metric")}, {"history", std::move(metrics)}});
}

constexpr AnswerRoute kRoutes[] = {
    {net::Method::kGet, "/seaworthy/v1/experiments", "runs.read", Experiments,
     "Experiments and their number of runs."},
    {net::Method::kGet, "/seaworthy/v1/runs", "runs.read", Runs, "Runs, newest first.",
     R"({"type":"object","properties":{"experiment":{"type":"string"},"after":{"type":"string"},"rows_max":{"type":"integer"}}})"},
    {net::Method::kPost, "/seaworthy/v1/runs", "runs.write", Start, "Starts a run.", "",
     R"({"type":"object","properties":{"experiment":{"type":"string"},"name":{"type":"string"},"tags":{"type":"object"}}})"},
    {net::Method::kGet, "/seaworthy/v1/runs/{run}", "runs.read", Run, "One run."},
    {net::Method::kPost, "/seaworthy/v1/runs/{run}/log", "runs.write", Log,
     "Logs params, metrics and tags; with status, ends the run.", "",
     R"({"type":"object","properties":{"params":{"type":"object"},"metrics":{"type":"array"},"tags":{"type":"object"},)"
     R"("status":{"enum":["finished","failed","killed"]}}})"},
    {net::Method::kGet, "/seaworthy/v1/runs/{run}/metrics/{metric}", "runs.read", History,
     "A metric's values by step."},
};

}  // namespace

void AddRunRoutes(const Context& context, Routes& routes) { AddAnswers(context, kRoutes, routes); }

}  // namespace sw::native
