#include "api/native/arguments.h"
#include "api/native/routes.h"

namespace sw::native {

void AddJobRoutes(const Context& context, Routes& routes) {
  routes.push_back(
      {.method = net::Method::kGet,
       .pattern = "/seaworthy/v1/jobs",
       .scope = "jobs.read",
       .handler = net::AnswerJson([&context](const net::Request& request) -> Result<Json> {
         return Json::MakeObject({{"jobs", Json::FromRange(context.jobs->List(request.caller))}});
       }),
       .summary = "Jobs of this server since it started, newest first.",
       .response_schema =
           R"({"type":"object","properties":{"jobs":{"type":"array","items":{"type":"object"}}}})"});
  routes.push_back(
      {.method = net::Method::kGet,
       .pattern = "/seaworthy/v1/jobs/{id}",
       .scope = "jobs.read",
       .handler =
           [&context](const net::Request& request, const net::Responder& responder) {
             auto answer = [responder](const Result<Json>& job) {
               job ? responder.Send(net::JsonResponse(200, *job))
                   : responder.SendError(job.error());
             };
             const std::string_view id = request.Param("id");
             if (!QueryFlag(request, "wait")) return answer(context.jobs->Get(request.caller, id));
             context.jobs->Wait(request.caller, id, answer);
           },
       .summary = "One job; with wait, once it is over.",
       .query_schema = R"({"type":"object","properties":{"wait":{"type":"boolean"}}})",
       .response_schema =
           R"({"type":"object","required":["id","kind","state","progress"],"properties":{)"
           R"("id":{"type":"string"},"kind":{"type":"string"},)"
           R"("state":{"enum":["running","done","failed"]},"progress":{"type":"number"},)"
           R"("message":{"type":"string"},"result":{},"error":{"type":"object"}}})"});
}

}  // namespace sw::native
