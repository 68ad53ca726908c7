#include "api/native/route_table.h"

namespace sw::native {

void AddAnswers(const Context& context, std::span<const AnswerRoute> table, Routes& routes) {
  for (const AnswerRoute& route : table) {
    routes.push_back(
        {.method = route.method,
         .pattern = route.pattern,
         .scope = route.scope,
         .slow = true,
         .patient = route.patient,
         .handler = net::AnswerJson([&context, answer = route.answer](const net::Request& request) {
           return answer(context, request);
         }),
         .summary = route.summary,
         .query_schema = route.query_schema,
         .request_schema = route.request_schema});
  }
}

void AddJobs(const Context& context, std::span<const JobRoute> table, Routes& routes) {
  for (const JobRoute& route : table) {
    routes.push_back(
        {.method = net::Method::kPost,
         .pattern = route.pattern,
         .scope = route.scope,
         .group = route.group,
         .slow = true,
         .handler = net::Answer([&context, start = route.start](const net::Request& request) {
           return start(context, request);
         }),
         .summary = route.summary,
         .request_schema = route.request_schema,
         .response_schema =
             R"({"type":"object","required":["job"],"properties":{"job":{"type":"string"}}})"});
  }
}

}  // namespace sw::native
