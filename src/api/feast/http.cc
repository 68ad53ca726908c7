#include "api/feast/http.h"

#include <functional>
#include <utility>

#include "base/errors.h"

namespace sw::feast {
namespace {

using net::Request;
using net::Responder;
using net::Response;

constexpr std::size_t kInlineBytesMax = 16u << 10;  // of a request that an event loop answers itself

Response Null() { return net::JsonResponse(200, nullptr); }

Result<std::string> ProjectOf(const HttpParts& parts, const Request& request) { return parts.server->ProjectOr(request.Param("project")); }

void Online(const HttpParts& parts, Request request, const Responder& responder) {
  auto project = ProjectOf(parts, request);
  if (!project) return responder.SendError(project.error());
  if (request.body.size() <= kInlineBytesMax) return responder.Send(parts.server->Online(*project, request.body));
  const Status taken = parts.workers->Submit([server = parts.server, name = *std::move(project), body = std::move(request.body), responder] {
    responder.Send(server->Online(name, body));
  });
  if (!taken) responder.SendError(taken.error());
}

Result<Response> Push(const HttpParts& parts, const Request& request) {
  const std::string project = SW_TRY(ProjectOf(parts, request));
  auto body = BodyReader::Parse(request.body);
  if (!body) return Refusal(body.error());
  const std::string source = body->Text("push_source_name");
  const Json* frame = body->Object("df");
  const std::string to = body->TextOr("to", "online");
  body->FlagOr("allow_registry_cache", true);
  body->FlagOr("transform_on_write", true);
  if (body->problem()) return Refusal(*body->problem());
  SW_TRY(parts.server->Push(project, source, *frame, to));
  return Response{.status = 200};
}

Result<Response> Write(const HttpParts& parts, const Request& request) {
  const std::string project = SW_TRY(ProjectOf(parts, request));
  auto body = BodyReader::Parse(request.body);
  if (!body) return Refusal(body.error());
  const std::string view = body->Text("feature_view_name");
  const Json* frame = body->Object("df");
  body->FlagOr("allow_registry_cache", true);
  body->FlagOr("transform_on_write", true);
  if (body->problem()) return Refusal(*body->problem());
  SW_TRY(parts.server->WriteOnline(project, view, *frame));
  return Null();
}

Result<Response> Healthy(const HttpParts& parts, const Request& request) {
  if (!parts.server->registry().Snapshot()) return Response{.status = 503};
  SW_TRY(parts.server->registry().Find(request.Param("project")));
  return Response{.status = 200};
}

// What one call of /materialize or /materialize-incremental asks for.
struct Task {
  std::string project;
  std::vector<std::string> views;
  std::optional<TimeUs> from;  // none: incremental
  TimeUs to = 0;
  bool is_async = false;
  bool force = false;
};

Result<bool> QueryFlag(const Request& request, std::string_view key) {
  const auto text = request.Query(key);
  if (!text || *text == "false" || *text == "0" || *text == "False") return false;
  if (*text == "true" || *text == "1" || *text == "True") return true;
  return InvalidArgument("{}: expected true or false, not {}", key, *text);
}

Result<TimeUs> TimeOf(std::string_view key, const std::optional<std::string>& text) {
  if (!text) return InvalidArgument("start_ts and end_ts are required when disable_event_timestamp is False");
  const auto time = base::ParseTime(*text);
  if (!time) return InvalidArgument("Invalid timestamp format: {}: {}", key, *text);
  return *time;
}

struct Times {
  std::optional<std::string> start, end;
  bool ignore = false;
};

Result<Task> TaskOf(const HttpParts& parts, const Request& request, bool is_incremental, const Times& times, const std::optional<std::vector<std::string>>& names) {
  Task task{.project = SW_TRY(ProjectOf(parts, request)), .views = {}, .from = {}};
  task.is_async = SW_TRY(QueryFlag(request, "async"));
  task.force = SW_TRY(QueryFlag(request, "force"));
  task.views = SW_TRY(parts.materializer->ViewsOf(task.project, names));
  if (times.ignore) {
    task.from = 0;
    task.to = parts.server->clock().Now();
    return task;
  }
  if (!is_incremental) task.from = SW_TRY(TimeOf("start_ts", times.start));
  task.to = SW_TRY(TimeOf("end_ts", times.end));
  if (task.from && *task.from >= task.to) {
    return InvalidArgument("start_ts ({}) must be before end_ts ({})", base::FormatTime(*task.from), base::FormatTime(task.to));
  }
  return task;
}

Status RunTask(Materializer& materializer, const Task& task) {
  return task.from ? materializer.Run(task.project, task.views, *task.from, task.to) : materializer.RunIncremental(task.project, task.views, task.to);
}

Response Busy(const std::vector<std::string>& views) {
  return net::JsonResponse(
      409, Json::MakeObject({{"error", fmt::format("Cannot start async materialization \u2014 the following feature views are already in MATERIALIZING state: {}. "
                                                   "Use ?force=true to override.",
                                                   views)},
                             {"feature_views", Json::FromRange(views)}}));
}

// Answers 202 at once where asked to, and runs on.
void Start(const HttpParts& parts, Task task, const Responder& responder) {
  Materializer* materializer = parts.materializer;
  if (!task.is_async) {
    const Status taken = parts.jobs->Submit([materializer, task = std::move(task), responder] {
      const Status done = RunTask(*materializer, task);
      done ? responder.Send(Null()) : responder.SendError(done.error());
    });
    if (!taken) responder.SendError(taken.error());
    return;
  }
  const auto busy = materializer->Reserve(task.project, task.views, task.force);
  if (!busy) return responder.SendError(busy.error());
  if (!busy->empty()) return responder.Send(Busy(*busy));
  const Task copy = task;
  const Status taken = parts.jobs->Submit([materializer, task = std::move(task)] {
    if (!RunTask(*materializer, task)) static_cast<void>(materializer->Release(task.project, task.views));
  });
  if (!taken) {
    static_cast<void>(materializer->Release(copy.project, copy.views));
    return responder.SendError(taken.error());
  }
  responder.Send(net::JsonResponse(202, Json::MakeObject({{"status", "accepted"}, {"feature_views", Json::FromRange(copy.views)}})));
}

void Materialize(const HttpParts& parts, bool is_incremental, const Request& request, const Responder& responder) {
  auto body = BodyReader::Parse(request.body);
  if (!body) return responder.Send(Refusal(body.error()));
  Times times;
  if (is_incremental) {
    times.end = body->Text("end_ts");
  } else {
    times = {body->OptionalText("start_ts"), body->OptionalText("end_ts"), body->FlagOr("disable_event_timestamp", false)};
  }
  const auto names = body->OptionalTexts("feature_views");
  const auto version = body->OptionalText("version");
  body->FlagOr("full_feature_names", false);
  if (body->problem()) return responder.Send(Refusal(*body->problem()));
  if (version) return responder.SendError({ErrorCode::kUnimplemented, "rows of older versions of a view are not kept; materialize without a version"});
  auto task = TaskOf(parts, request, is_incremental, times, names);
  if (!task) return responder.SendError(task.error());
  Start(parts, *std::move(task), responder);
}

struct Described {
  const char* path;
  const char* scope;
  bool is_slow;
  const char* summary;
  const char* request_schema;
  net::Handler handler;
};

std::vector<Described> PostRoutes(const HttpParts& parts) {
  return {{"/get-online-features", "features.read", false, "Features of entities, as Feast's feature server answers.",
           R"({"type":"object","required":["entities"],"properties":{"entities":{"type":"object"},"features":{"type":"array"},)"
           R"("feature_service":{"type":"string"},"full_feature_names":{"type":"boolean"}}})",
           [parts](Request request, const Responder& responder) { Online(parts, std::move(request), responder); }},
          {"/push", "features.write", true, "Rows for all views that a push source feeds.",
           R"({"type":"object","required":["push_source_name","df"],"properties":{"push_source_name":{"type":"string"},"df":{"type":"object"},"to":{"type":"string"}}})",
           net::Answer([parts](const Request& request) { return Push(parts, request); })},
          {"/write-to-online-store", "features.write", true, "Rows for one view.",
           R"({"type":"object","required":["feature_view_name","df"],"properties":{"feature_view_name":{"type":"string"},"df":{"type":"object"}}})",
           net::Answer([parts](const Request& request) { return Write(parts, request); })},
          {"/materialize", "features.write", true, "The newest rows of the views' tables, from start_ts to end_ts, into the online store.",
           R"({"type":"object","properties":{"start_ts":{"type":"string"},"end_ts":{"type":"string"},"feature_views":{"type":"array"}}})",
           [parts](const Request& request, const Responder& responder) { Materialize(parts, false, request, responder); }},
          {"/materialize-incremental", "features.write", true, "The same, from where the last one ended.",
           R"({"type":"object","required":["end_ts"],"properties":{"end_ts":{"type":"string"},"feature_views":{"type":"array"}}})",
           [parts](const Request& request, const Responder& responder) { Materialize(parts, true, request, responder); }}};
}

Response RenderFailure(int status, const Error& error) { return FailureResponse(status, error); }

}  // namespace

std::vector<net::Route> FeatureRoutes(const HttpParts& parts) {
  std::vector<net::Route> routes;
  const auto add = [&](const std::string& prefix) {
    for (Described& described : PostRoutes(parts)) {
      routes.push_back({.method = net::Method::kPost,
                        .pattern = prefix + described.path,
                        .scope = described.scope,
                        .slow = described.is_slow,
                        .handler = std::move(described.handler),
                        .render_error = RenderFailure,
                        .summary = described.summary,
                        .request_schema = described.request_schema});
    }
  };
  if (parts.at_root) add("");
  add("/feast/{project}");
  routes.push_back({.method = net::Method::kGet,
                    .pattern = "/feast/{project}/health",
                    .scope = "features.read",
                    .handler = net::Answer([parts](const Request& request) { return Healthy(parts, request); }),
                    .render_error = RenderFailure,
                    .summary = "200 when the project's registry can be read."});
  return routes;
}

}  // namespace sw::feast
