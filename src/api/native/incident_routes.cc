#include "api/native/arguments.h"
#include "api/native/routes.h"
#include "base/errors.h"

namespace sw::native {

void AddIncidentRoutes(const Context& context, Routes& routes) {
  routes.push_back(
      {.method = net::Method::kGet,
       .pattern = "/seaworthy/v1/incidents",
       .scope = "monitor.read",
       .slow = true,
       .handler = net::AnswerJson([&context](const net::Request& request) -> Result<Json> {
         const std::string state = QueryText(request, "state");
         if (!state.empty() && state != "open" && state != "closed")
           return InvalidArgument("state: expected open or closed, found {}", state);
         return Listed("incidents", context.flow->Incidents(request.caller,
                                                            QueryText(request, "endpoint"), state));
       }),
       .summary = "Incidents, newest first, with their ranked causes.",
       .query_schema = R"({"type":"object","properties":{"endpoint":{"type":"string"},)"
                       R"("state":{"enum":["open","closed"]}}})"});
  routes.push_back(
      {.method = net::Method::kGet,
       .pattern = "/seaworthy/v1/timeline",
       .scope = "monitor.read",
       .slow = true,
       .handler = net::AnswerJson([&context](const net::Request& request) -> Result<Json> {
         const TimeUs from = SW_TRY(QueryTime(request, "from", 0));
         const TimeUs until = SW_TRY(QueryTime(request, "until", 0));
         return Listed("events", context.flow->Timeline(request.caller, QueryText(request, "endpoint"), from, until));
       }),
       .summary = "What was trained, judged, registered, rolled out and noticed, oldest first.",
       .query_schema =
           R"({"type":"object","properties":{"endpoint":{"type":"string"},"from":{"type":"string"},"until":{"type":"string"}}})"});
}

}  // namespace sw::native
