#include "demo/api.h"

#include "app/settings.h"
#include "base/errors.h"

namespace sw::demo {
namespace {

std::string Route(const std::string& target) { return "/seaworthy/v1/" + target; }

}  // namespace

Result<Api> Api::Connect(const std::string& address) {
  const auto no_environment = [](const char*) -> const char* { return nullptr; };
  const app::Settings settings = SW_TRY(app::Settings::Resolve({{"server", address}}, no_environment));
  net::Client traffic = SW_TRY(net::Client::FromUrl(address, {.connect_timeout_ms = 5'000, .timeout_ms = 300'000}));
  const net::Response health = SW_TRY(traffic.Get("/health"));
  if (health.status != 200) return Unavailable("GET /health answers {}", health.status);
  return Api(SW_TRY(app::Client::Open(settings, "demo")), std::move(traffic));
}

Result<Json> Api::Get(const std::string& target) { return commands_->Get(Route(target)); }

Result<Json> Api::Post(const std::string& target, const Json& body) { return commands_->Post(Route(target), body); }

Result<Json> Api::Run(const std::string& target, const Json& body) {
  Result<Json> result = commands_->RunJob(Route(target), body, {});
  if (!result) return std::unexpected(std::move(result).error().Within(target));
  return result;
}

Status Api::AdvanceClock(TimeUs now) {
  SW_TRY(Post("clock", Json::MakeObject({{"now", base::FormatTime(now)}})));
  return Ok();
}

}  // namespace sw::demo
