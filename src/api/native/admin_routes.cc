#include "api/native/arguments.h"
#include "api/native/routes.h"
#include "base/errors.h"

namespace sw::native {
namespace {

Json ClockJson(const Context& context) {
  return Json::MakeObject({{"now", base::FormatTime(context.clock->Now())},
                           {"clock", context.advance_clock ? "manual" : "system"}});
}

Result<Json> Advance(const Context& context, const net::Request& request) {
  const Json body = SW_TRY(BodyOf(request, {"now"}));
  const std::string text = SW_TRY(body.GetString("now"));
  const Result<TimeUs> now = base::ParseTime(text);
  if (!now)
    return InvalidArgument("now: expected a time such as 2013-06-01T00:00:00Z, found {}", text);
  SW_TRY(context.advance_clock(*now));
  return ClockJson(context);
}

constexpr const char* kClockSchema =
    R"({"type":"object","required":["now"],"properties":{"now":{"type":"string","format":"date-time"}}})";

}  // namespace

void AddAdminRoutes(const Context& context, Routes& routes) {
  routes.push_back({.method = net::Method::kGet,
                    .pattern = "/seaworthy/v1/clock",
                    .scope = "clock.read",
                    .handler = net::AnswerJson([&context](const net::Request&) -> Result<Json> {
                      return ClockJson(context);
                    }),
                    .summary = "The server's time, and whether its clock is manual.",
                    .response_schema = kClockSchema});
  if (context.advance_clock) {
    routes.push_back(
        {.method = net::Method::kPost,
         .pattern = "/seaworthy/v1/clock",
         .scope = "clock.write",
         .group = "admin",
         .slow = true,
         .patient = true,
         .handler = net::AnswerJson(
             [&context](const net::Request& request) { return Advance(context, request); }),
         .summary = "Moves a manual clock forward; answers when all work due by then is done.",
         .request_schema = kClockSchema,
         .response_schema = kClockSchema});
  }
  routes.push_back(
      {.method = net::Method::kGet,
       .pattern = "/seaworthy/v1/doctor",
       .scope = "doctor.read",
       .group = "admin",
       .slow = true,
       .patient = true,
       .handler = net::AnswerJson([&context](const net::Request& request) {
         return context.doctor(QueryFlag(request, "verify"));
       }),
       .summary = "The running configuration, and what is wrong with the data folder.",
       .query_schema = R"({"type":"object","properties":{"verify":{"type":"boolean"}}})",
       .response_schema = R"({"type":"object","required":["findings","settings"],"properties":{)"
                          R"("findings":{"type":"array"},"settings":{"type":"array"}}})"});
}

}  // namespace sw::native
