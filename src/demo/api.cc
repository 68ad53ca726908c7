#include "demo/api.h"

#include <poll.h>

#include "base/errors.h"

namespace sw::demo {
namespace {

constexpr int kPollMs = 20;

Result<net::Client> MakeClient(const std::string& address) {
  return net::Client::FromUrl(address, {.connect_timeout_ms = 5'000, .timeout_ms = 300'000});
}

}  // namespace

Result<Api> Api::Connect(const std::string& address) {
  Api api(SW_TRY(MakeClient(address)));
  const net::Response health = SW_TRY(api.client_.Get("/health"));
  if (health.status != 200) return Unavailable("GET /health answers {}", health.status);
  return api;
}

Result<Json> Api::Get(const std::string& target) { return client_.Call(net::Method::kGet, "/seaworthy/v1/" + target); }

Result<Json> Api::Post(const std::string& target, const Json& body) {
  return client_.Call(net::Method::kPost, "/seaworthy/v1/" + target, &body);
}

Result<Json> Api::Run(const std::string& target, const Json& body) {
  const Json started = SW_TRY(Post(target, body));
  const std::string id = SW_TRY(started.GetString("job"));
  while (true) {
    const Json job = SW_TRY(Get("jobs/" + id));
    const std::string state = SW_TRY(job.GetString("state"));
    if (state == "done") return *job.Find("result");
    if (state != "running") {
      const Json* error = job.Find("error");
      return Internal("{}: {}", target, error == nullptr ? job.Dump() : error->Dump());
    }
    poll(nullptr, 0, kPollMs);
  }
}

Status Api::AdvanceClock(TimeUs now) {
  SW_TRY(Post("clock", Json::MakeObject({{"now", base::FormatTime(now)}})));
  return Ok();
}

}  // namespace sw::demo
