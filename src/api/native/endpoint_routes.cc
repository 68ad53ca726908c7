#include "api/native/arguments.h"
#include "api/native/route_table.h"
#include "base/errors.h"

namespace sw::native {
namespace {

using net::Request;

std::string EndpointOf(const Request& request) { return std::string(request.Param("endpoint")); }

Result<Json> Endpoints(const Context& context, const Request& request) {
  return Listed("endpoints", context.flow->Endpoints(request.caller));
}

Result<Json> GoLive(const Context& context, const Request& request) {
  const Json body = SW_TRY(BodyOf(request, {"version"}));
  return context.flow->GoLive(request.caller, EndpointOf(request), SW_TRY(body.GetInt("version")));
}

Result<Json> StartRollout(const Context& context, const Request& request) {
  const Json body = SW_TRY(BodyOf(request, {"version", "plan", "steps", "canary_share"}));
  flow::RolloutRequest rollout;
  rollout.endpoint = EndpointOf(request);
  rollout.version = SW_TRY(body.GetInt("version"));
  rollout.plan = SW_TRY(TextOr(body, "plan", ""));
  rollout.steps = SW_TRY(TextsOr(body, "steps"));
  rollout.canary_share = SW_TRY(NumberOr(body, "canary_share", 0));
  return context.flow->StartRollout(request.caller, rollout);
}

Result<Json> Steer(const Context& context, const Request& request) {
  const Json body = SW_TRY(BodyOf(request, {"action", "reason"}));
  const std::string action = SW_TRY(body.GetString("action"));
  if (action != "advance" && action != "roll_back") {
    return InvalidArgument("action: expected advance or roll_back, found {}", action);
  }
  const std::string reason = SW_TRY(body.GetString("reason"));
  return context.flow->Steer(request.caller, EndpointOf(request), action, reason);
}

Result<Json> Rollouts(const Context& context, const Request& request) {
  return Listed("rollouts", context.flow->Rollouts(request.caller, QueryText(request, "endpoint")));
}

Result<Json> MonitorState(const Context& context, const Request& request) {
  return Listed("monitors", context.flow->MonitorState(request.caller, EndpointOf(request)));
}

Result<Json> Audits(const Context& context, const Request& request) {
  return Listed("audits", context.flow->Audits(request.caller, EndpointOf(request)));
}

Result<net::Response> Audit(const Context& context, const Request& request) {
  const Json body = SW_TRY(BodyOf(request, {"from", "until"}));
  const TimeUs from = SW_TRY(TimeOr(body, "from", 0));
  const TimeUs until = SW_TRY(TimeOr(body, "until", context.clock->Now()));
  return StartJob(context, request, "audit",
                  [&context, caller = request.caller, endpoint = EndpointOf(request), from, until](
                      JobProgress&) { return context.flow->Audit(caller, endpoint, from, until); });
}

Result<net::Response> Replay(const Context& context, const Request& request) {
  const Json body = SW_TRY(BodyOf(request, {"version", "from", "until"}));
  const std::int64_t version = SW_TRY(body.GetInt("version"));
  const TimeUs from = SW_TRY(TimeOr(body, "from", 0));
  const TimeUs until = SW_TRY(TimeOr(body, "until", context.clock->Now()));
  return StartJob(
      context, request, "replay",
      [&context, caller = request.caller, endpoint = EndpointOf(request), version, from, until](
          JobProgress&) { return context.flow->Replay(caller, endpoint, version, from, until); });
}

constexpr AnswerRoute kRoutes[] = {
    {net::Method::kGet, "/seaworthy/v1/endpoints", "endpoints.read", Endpoints,
     "Endpoints with their arms."},
    {net::Method::kPost, "/seaworthy/v1/endpoints/{endpoint}/live", "endpoints.write", GoLive,
     "Makes a version that may serve live at once, without a rollout.", "",
     R"({"type":"object","required":["version"],"properties":{"version":{"type":"integer"}}})", true},
    {net::Method::kPost, "/seaworthy/v1/endpoints/{endpoint}/rollout", "endpoints.write",
     StartRollout, "Begins to move the endpoint to a version, step by step.", "",
     R"({"type":"object","required":["version"],"properties":{"version":{"type":"integer"},"plan":{"type":"string"},)"
     R"("steps":{"type":"array","items":{"enum":["shadow","canary","live"]}},"canary_share":{"type":"number"}}})", true},
    {net::Method::kPost, "/seaworthy/v1/endpoints/{endpoint}/rollout/steer", "endpoints.write",
     Steer, "An operator's word: advance the rollout or roll it back, whatever the evidence.", "",
     R"({"type":"object","required":["action","reason"],"properties":{"action":{"enum":["advance","roll_back"]},)"
     R"("reason":{"type":"string"}}})", true},
    {net::Method::kGet, "/seaworthy/v1/rollouts", "endpoints.read", Rollouts,
     "The running or last rollout of each endpoint, by its name, with its evidence.",
     R"({"type":"object","properties":{"endpoint":{"type":"string"}}})"},
    {net::Method::kGet, "/seaworthy/v1/endpoints/{endpoint}/monitor", "monitor.read", MonitorState,
     "What the endpoint's monitor knows: realised loss by day, references, pages."},
    {net::Method::kGet, "/seaworthy/v1/endpoints/{endpoint}/audits", "endpoints.read", Audits,
     "The nightly audits of the features that were served, newest first."},
};

constexpr JobRoute kJobs[] = {
    {"/seaworthy/v1/endpoints/{endpoint}/audit", "endpoints.read", Audit,
     "Job: recomputes offline the features that were served, from the rows that each read had, and compares the bits; tells what late rows changed.",
     R"({"type":"object","properties":{"from":{"type":"string"},"until":{"type":"string"}}})"},
    {"/seaworthy/v1/endpoints/{endpoint}/replay", "endpoints.read", Replay,
     "Job: scores what was served with another version, and gives both losses.",
     R"({"type":"object","required":["version"],"properties":{"version":{"type":"integer"},)"
     R"("from":{"type":"string"},"until":{"type":"string"}}})"},
};

}  // namespace

void AddEndpointRoutes(const Context& context, Routes& routes) {
  AddAnswers(context, kRoutes, routes);
  AddJobs(context, kJobs, routes);
}

}  // namespace sw::native
