// EventStream: server-sent events (the HTML standard's "text/event-stream") to one client, from any thread.
//
//   EventStream stream = SW_TRY(EventStream::Open(request, responder));
//   stream.OnEnd([] { ... });
//   stream.Send({.id = "17", .type = "incident", .data = json.Dump()});
//
// Nothing waits for the reader: what it does not take is kept up to a limit, and beyond that the stream ends
// for it, as it does in a drain; an EventSource (event_source.h reads as one) then connects anew with
// Last-Event-ID. The loop sends a comment whenever nothing else was to say. Thread-safe; copies share one stream.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "net/http.h"
#include "net/responder.h"

namespace sw::net {

struct Event {
  std::string id = {};    // what a client comes back with; "": none
  std::string type = {};  // "": "message"
  std::string data = {};  // any text; line by line on the wire

  bool operator==(const Event&) const = default;
};

// As bytes. Line breaks in `id` and `type` become spaces: they cannot begin a field of their own.
std::string FormatEvent(const Event& event);

// The Last-Event-ID header; "" when there is none, or one that no server gave.
std::string LastEventId(const Request& request);

class EventStream {
 public:
  struct Options {
    std::int64_t retry_ms = 2'000;   // after which a client connects anew
    std::int64_t beat_ms = 15'000;   // of silence, before a comment
  };
  // Begins the answer. CANCELLED when the client is gone already, or asked for the header only.
  static Result<EventStream> Open(const Request& request, Responder responder, const Options& options);
  static Result<EventStream> Open(const Request& request, Responder responder) { return Open(request, std::move(responder), {}); }

  // False: nobody reads any more, or too slowly (limit stream_buffer_bytes_max), and it is over.
  bool Send(const Event& event) const;
  // What the client would come back with from now on, without an event.
  bool SetId(std::string_view id) const;
  // Called once, on the loop: the client has gone, or was too slow, or the server drains. At once when it is over.
  void OnEnd(std::move_only_function<void()> callback) const { responder_.OnCancel(std::move(callback)); }
  bool IsOpen() const { return !responder_.Cancelled(); }
  void Finish() const { responder_.Finish(); }

 private:
  explicit EventStream(Responder responder) : responder_(std::move(responder)) {}
  Responder responder_;
};

}  // namespace sw::net
