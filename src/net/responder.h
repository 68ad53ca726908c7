// How a handler answers, and how it reads a streamed body: handles that any thread may hold.
//
//   void Handle(Request request, Responder responder) {
//     responder.Send(JsonResponse(200, Json::MakeObject({{"rows", 3}})));
//   }
//
// A long answer is streamed: Start, then Write or TryWrite, then Finish. When every copy of a
// Responder is gone without an answer, the client gets 500. Thread-safe; copies share one answer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "net/http.h"

namespace sw::net {

class Exchange;

// What a stream without an end of its own says while there is nothing to say.
struct Beat {
  std::string piece = {};
  std::int64_t every_ms = 15'000;  // of silence
};

class Responder {
 public:
  explicit Responder(std::shared_ptr<Exchange> exchange);

  // The whole answer. The first Send or Start wins; later ones are ignored.
  void Send(Response response) const;
  void SendError(const Error& error) const;  // in the route's own error format

  // Begins a streamed answer. FAILED_PRECONDITION when one was begun, CANCELLED when nobody waits.
  Status Start(int status, Headers headers) const;
  // Begins a stream that has no end of its own, of events for example. The loop sends its beat, so that proxies
  // keep the connection and a client that vanished is found. A drain ends it, and so does a client that reads too
  // slowly: then it is Cancelled, and counted (limit stream_buffer_bytes_max).
  Status StartEndless(int status, Headers headers, Beat beat) const;
  // Queues a piece without waiting. RESOURCE_EXHAUSTED when the client reads too slowly (limit
  // stream_buffer_bytes_max; ask OnWritable), CANCELLED when it went away.
  Status TryWrite(std::string piece) const;
  // Waits for room first. Not on an event loop: only from a slow route or another thread.
  Status Write(std::string piece) const;
  void OnWritable(std::move_only_function<void()> callback) const;  // once, on the loop
  void Finish(Headers trailers = {}) const;

  // True once the client has closed its side, or the connection is gone, or an endless stream was ended.
  bool Cancelled() const;
  // Called once on the loop when that happens; at once when it already has.
  void OnCancel(std::move_only_function<void()> callback) const;

 private:
  struct Guard;
  std::shared_ptr<Guard> guard_;
};

class BodyReader {
 public:
  using Callback = std::move_only_function<void(Result<std::string>)>;
  explicit BodyReader(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}

  // Asks for the next piece (at most 64 KiB); empty at the end of the body. The socket is read only
  // while somebody asks. One Read at a time; the callback runs on the loop.
  void Read(Callback callback) const;
  // The same, waiting; never on an event loop.
  Result<std::string> ReadBlocking() const;

 private:
  std::shared_ptr<Exchange> exchange_;
};

}  // namespace sw::net
