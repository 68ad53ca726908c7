// Inbound: one request on its way to its handler, whichever version of HTTP carried it: its route, its
// caller, the limits and the encoding of its body, the counters at its end. Internal to net.
// Externally synchronised: only its loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/compression.h"
#include "net/exchange.h"
#include "net/loop.h"

namespace sw::net {

// What a request came through.
struct Carrier {
  const Listen& listen;
  std::string_view http_version;
  bool is_tls = false;
};

class Inbound {
 public:
  // Finds the route and the caller. What it answers goes to the client instead of the handler's answer.
  std::optional<Response> Begin(ServerState& state, const Carrier& carrier, std::shared_ptr<Exchange> exchange,
                                Request request, Match match, std::optional<std::uint64_t> content_length);
  // Of what could not be understood: nothing but an exchange to answer it; no observer is told.
  void BeginBroken(ServerState& state, std::shared_ptr<Exchange> exchange);
  explicit operator bool() const { return exchange_ != nullptr; }

  // `bytes` more are in Body(). The answer to a body over a limit.
  std::optional<Response> Charge(std::size_t bytes);
  std::string& Body() { return request_.body; }
  // The body is whole, or is streamed: runs the handler.
  void Dispatch();
  // Before the answer is written.
  void Compress(Response& response, bool is_head) const;
  // Header fields and trailers of the answer, for the observer.
  void NoteFields(const Headers& fields) {
    if (observed_) Note(fields);
  }
  // The answer has been written, or the client has gone: Begin may follow.
  void Finish(int status);
  void Abort();

  // In the route's own form.
  Response RenderError(int status, const Error& error) const;
  bool Streaming() const { return route_ != nullptr && route_->stream_handler; }
  const std::shared_ptr<Exchange>& GetExchange() const { return exchange_; }

 private:
  std::optional<Response> CheckHost(const Listen& listen);
  std::optional<Response> CheckRate();
  std::optional<Response> CheckEncoding();
  Response BodyTooLong();
  std::optional<Response> Decompress();
  void Observe(const Carrier& carrier);
  void Note(const Headers& fields);
  void TellObserver(int status);
  void Release();

  ServerState* state_ = nullptr;
  std::shared_ptr<Exchange> exchange_;
  const Route* route_ = nullptr;
  Request request_;
  bool is_grpc_ = false;
  std::size_t body_bytes_max_ = 0;
  std::size_t charged_bytes_ = 0;
  Encoding encoding_ = Encoding::kIdentity;  // of the body
  Encoding accepted_ = Encoding::kIdentity;  // of the answer
  std::int64_t begin_ns_ = 0;
  std::unique_ptr<FinishedRequest> observed_;  // null: nobody observes
};

}  // namespace sw::net
