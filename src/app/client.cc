#include "app/client.h"

#include <chrono>
#include <optional>
#include <thread>

#include "api/native/rows.h"
#include "app/app.h"
#include "base/errors.h"
#include "base/hash.h"
#include "data/readers.h"
#include "model/model_reader.h"
#include "net/client.h"
#include "net/event_source.h"

namespace sw::app {
namespace {

constexpr auto kAskEvery = std::chrono::milliseconds(100);
constexpr std::size_t kPushRows = 20'000;

class RemoteClient final : public Client {
 public:
  RemoteClient(net::Client client, net::Client follower) : client_(std::move(client)), follower_(std::move(follower)) {}

  Status Follow(const std::string& target, const std::function<bool(const Json&)>& on_event,
                const std::function<void(const Error&)>& on_broken) override {
    Status parsed;
    net::EventSource source(std::move(follower_), target, {.last_id = {}, .wait = [&](const Error& why, std::int64_t wait_ms) {
                              on_broken(why);
                              std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
                              return true;
                            }});
    SW_TRY(source.Run([&](const net::Event& event) {
      const Result<Json> json = Json::Parse(event.data);
      if (!json) parsed = std::unexpected(json.error());
      return json && on_event(*json);
    }));
    return parsed;
  }

 private:
  Result<net::Response> Send(std::string_view method, const std::string& target, std::string body,
                             std::string_view content_type) override {
    net::ClientRequest request{net::ParseMethod(method), target, std::move(body), {}};
    if (!content_type.empty()) request.headers.Add("Content-Type", std::string(content_type));
    return client_.Send(request);
  }

  net::Client client_;
  net::Client follower_;  // of streams
};

class LocalClient final : public Client {
 public:
  explicit LocalClient(std::unique_ptr<App> app) : app_(std::move(app)) {}

  Status Follow(const std::string&, const std::function<bool(const Json&)>&, const std::function<void(const Error&)>&) override {
    return FailedPrecondition("nothing happens in a data folder while this command holds it; follow its server, with --server");
  }

 private:
  Result<net::Response> Send(std::string_view method, const std::string& target, std::string body,
                             std::string_view content_type) override {
    net::Request request;
    request.method = net::ParseMethod(method);
    const std::size_t mark = target.find('?');
    request.path = target.substr(0, mark);
    if (mark != std::string::npos) request.query = target.substr(mark + 1);
    if (!content_type.empty()) request.headers.Add("Content-Type", std::string(content_type));
    request.body = std::move(body);
    return app_->Dispatch(std::move(request));
  }

  std::unique_ptr<App> app_;
};

Result<std::unique_ptr<Client>> Connect(const Settings& settings) {
  net::ClientOptions options;
  if (settings.IsSet("key")) options.headers.Add("Authorization", "Bearer " + settings.Text("key"));
  const std::string url = settings.Text("server");
  net::Client follower = SW_TRY(net::Client::FromUrl(url, options));  // a stream is never silent for its timeout_ms
  options.timeout_ms = 600'000;
  return std::make_unique<RemoteClient>(SW_TRY(net::Client::FromUrl(url, std::move(options))), std::move(follower));
}

// The job's result or error, once it is over.
std::optional<Result<Json>> Outcome(const Json& job) {
  if (job.StringOr("state", "") == "running") return std::nullopt;
  if (const Json* result = job.Find("result")) return *result;
  const Json* error = job.Find("error");
  net::Response as_answer =
      net::JsonResponse(500, Json::MakeObject({{"error", error == nullptr ? Json() : *error}}));
  return std::unexpected(net::ErrorOf(as_answer));
}

}  // namespace

Result<std::unique_ptr<Client>> Client::Open(const Settings& settings, std::string_view purpose) {
  if (settings.IsSet("server")) return Connect(settings);
  if (!settings.IsSet("data")) {
    return InvalidArgument(
        "where to? give --server http://HOST:PORT, or --data FOLDER (SEAWORTHY_SERVER, "
        "SEAWORTHY_DATA)");
  }
  // Who works on the folder by hand may read the tables where she stands.
  const Settings own =
      settings.IsSet("tables") ? settings : settings.With("tables", ".", "where the command runs");
  return std::make_unique<LocalClient>(SW_TRY(App::Open(own, purpose)));
}

Result<Json> Client::RunJob(const std::string& target, const Json& body,
                            const OnProgress& on_progress) {
  const Json started = SW_TRY(Post(target, body));
  const std::string path = "/seaworthy/v1/jobs/" + SW_TRY(started.GetString("job"));
  while (true) {
    const Result<Json> job = Get(on_progress ? path : path + "?wait=true");
    if (!job && !on_progress && job.error().code == ErrorCode::kDeadlineExceeded)
      continue;  // it runs on
    if (!job) return job;
    if (auto outcome = Outcome(*job)) return *std::move(outcome);
    if (!on_progress) continue;
    on_progress(job->DoubleOr("progress", 0), job->StringOr("message", ""));
    std::this_thread::sleep_for(kAskEvery);
  }
}

// A table is read as the source declares its columns.
Result<data::ReadOptions> Client::ReadOptionsOf(std::string_view source) {
  data::ReadOptions options;
  const Json listing = SW_TRY(Get("/seaworthy/v1/sources"));
  for (const Json& each : listing.Find("sources")->AsArray()) {
    if (each.StringOr("name", "") != source) continue;
    for (const auto& [column, type] : each.Find("types")->AsObject()) {
      options.types[column] = SW_TRY(data::ParseType(type.AsString()));
    }
    const Json::Array& nulls = each.Find("null_values")->AsArray();
    if (!nulls.empty()) options.null_values.clear();
    for (const Json& text : nulls) options.null_values.push_back(text.AsString());
  }
  return options;
}

Result<Json> Client::PushTable(std::string_view source, const std::string& location,
                               const OnProgress& on_progress) {
  const data::Batch table = SW_TRY(data::ReadTable(location, SW_TRY(ReadOptionsOf(source))));
  const std::string target = fmt::format("/seaworthy/v1/sources/{}/rows", Encoded(source));
  std::int64_t rows = 0, repeated = 0;
  for (std::size_t from = 0; from < table.num_rows(); from += kPushRows) {
    const std::size_t count = std::min(kPushRows, table.num_rows() - from);
    const Json pushed = SW_TRY(Call("POST", target, data::EncodeBatch(table.Slice(from, count)),
                                    native::kBatchContentType));
    rows += pushed.IntOr("rows", 0);
    repeated += pushed.IntOr("repeated", 0);
    if (on_progress)
      on_progress(static_cast<double>(from + count) / static_cast<double>(table.num_rows()),
                  "pushing rows");
  }
  return Json::MakeObject({{"rows", rows}, {"repeated", repeated}});
}

Result<std::string> Client::PutBlob(std::string_view bytes) {
  const Json put =
      SW_TRY(Call("POST", "/seaworthy/v1/blobs", std::string(bytes), "application/octet-stream"));
  return put.GetString("sha256");
}

Result<Json> Client::Call(std::string_view method, const std::string& target, std::string body, std::string_view content_type) {
  return net::JsonOf(SW_TRY(Send(method, target, std::move(body), content_type)));
}

Result<std::string> Client::GetPart(std::string_view package_id, std::string_view hash) {
  const std::string target = fmt::format("/seaworthy/v1/packages/{}/parts/{}", Encoded(package_id), Encoded(hash));
  std::string bytes;
  while (true) {
    net::Response piece = SW_TRY(Send("GET", Target(target, {{"from", fmt::format("{}", bytes.size())}}), "", ""));
    if (piece.status != 200) return std::unexpected(net::ErrorOf(piece));
    if (piece.body.empty()) break;
    bytes += piece.body;
    if (bytes.size() > model::kModelBytesMax) return ResourceExhausted("{} is longer than {} bytes (limit model_bytes_max)", hash, model::kModelBytesMax);
  }
  if (base::Sha256Hex(bytes) != hash) return DataLoss("what came for {} is not that", hash);
  return bytes;
}

std::string Target(std::string path,
                   std::initializer_list<std::pair<std::string_view, std::string>> query) {
  char mark = '?';
  for (const auto& [key, value] : query) {
    if (value.empty()) continue;
    path += mark + std::string(key) + "=" + net::PercentEncode(value);
    mark = '&';
  }
  return path;
}

std::string Encoded(std::string_view path_part) { return net::PercentEncode(path_part); }

}  // namespace sw::app
