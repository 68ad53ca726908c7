#include "api/native/arguments.h"
#include "api/native/routes.h"
#include "base/errors.h"
#include "net/event_stream.h"

namespace sw::native {
namespace {

// Of an event to a client; a client that comes back names it.
net::Event OnTheWire(const flow::FeedEvent& event) {
  return {.id = fmt::format("{}", event.number), .type = event.kind, .data = event.json.Dump()};
}

// What follows lives as long as the stream: with its end, whoever ends it, goes the callback that holds it.
Status Follow(const Context& context, const net::Request& request, const net::Responder& responder) {
  std::optional<net::EventStream> stream;
  const flow::FollowRequest wanted{.endpoint = QueryText(request, "endpoint"), .after = net::LastEventId(request)};
  std::shared_ptr<flow::Following> following =
      SW_TRY(context.flow->Follow(request.caller, wanted, [&](std::int64_t after) -> Result<flow::Listener> {
        stream = SW_TRY(net::EventStream::Open(request, responder));
        stream->SetId(fmt::format("{}", after));
        return [stream = *stream](const flow::FeedEvent& event) { return stream.Send(OnTheWire(event)); };
      }));
  stream->OnEnd([following = std::move(following)] {});
  return Ok();
}

}  // namespace

void AddEventRoutes(const Context& context, Routes& routes) {
  routes.push_back(
      {.method = net::Method::kGet,
       .pattern = "/seaworthy/v1/events",
       .scope = "monitor.read",
       .slow = true,
       .handler =
           [&context](const net::Request& request, const net::Responder& responder) {
             const Status followed = Follow(context, request, responder);
             if (!followed && followed.error().code != ErrorCode::kCancelled) responder.SendError(followed.error());
           },
       .summary = "The timeline as it happens: server-sent events, after the one that the header Last-Event-ID names.",
       .query_schema = R"({"type":"object","properties":{"endpoint":{"type":"string"}}})",
       .response_schema = R"({"type":"string"})",
       .response_type = "text/event-stream"});
}

}  // namespace sw::native
