#include "api/native/arguments.h"
#include "api/native/routes.h"
#include "base/errors.h"

namespace sw::native {
namespace {

Result<Json> Apply(const Context& context, const net::Request& request) {
  const Json body = SW_TRY(BodyOf(request, {"toml", "file", "plan_only"}));
  const std::string toml = SW_TRY(body.GetString("toml"));
  const std::string file = SW_TRY(TextOr(body, "file", "seaworthy.toml"));
  if (SW_TRY(BoolOr(body, "plan_only", false))) return context.configuration->Plan(toml, file);
  return context.configuration->Apply(request.caller, toml, file);
}

}  // namespace

void AddConfigRoutes(const Context& context, Routes& routes) {
  routes.push_back({.method = net::Method::kGet,
                    .pattern = "/seaworthy/v1/config",
                    .scope = "config.read",
                    .slow = true,
                    .handler = net::AnswerJson([&context](const net::Request&) {
                      return context.configuration->Current();
                    }),
                    .summary = "The applied configuration.",
                    .response_schema =
                        R"({"type":"object","required":["version"],"properties":{)"
                        R"("version":{"type":"integer"},"toml":{"type":"string"}}})"});
  routes.push_back(
      {.method = net::Method::kPost,
       .pattern = "/seaworthy/v1/config",
       .scope = "config.write",
       .group = "admin",
       .body_bytes_max = 8u << 20,
       .slow = true,
       .patient = true,
       .handler = net::AnswerJson(
           [&context](const net::Request& request) { return Apply(context, request); }),
       .summary = "Checks a seaworthy.toml, says what it would change, and applies it.",
       .request_schema =
           R"({"type":"object","required":["toml"],"properties":{"toml":{"type":"string"},)"
           R"("file":{"type":"string"},"plan_only":{"type":"boolean"}}})",
       .response_schema =
           R"({"type":"object","required":["version","applied","changes"],"properties":{)"
           R"("version":{"type":"integer"},"applied":{"type":"boolean"},)"
           R"("changes":{"type":"array","items":{"type":"object"}}}})"});
}

}  // namespace sw::native
