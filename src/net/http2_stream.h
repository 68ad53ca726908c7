// Http2Stream: one request of an HTTP/2 connection and its answer. Internal to net.
// Externally synchronised: only its loop's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/byte_queue.h"
#include "net/exchange.h"
#include "net/inbound.h"

namespace sw::net {

class Http2;

class Http2Stream final : public ExchangeOwner {
 public:
  Http2Stream(Http2& http2, std::int32_t id, std::int64_t now_ms);
  ~Http2Stream() override;

  // As nghttp2 receives them.
  void AddHeader(std::string_view name, std::string_view value);
  void EndHeaders(bool is_last);
  void AddData(std::string_view bytes);
  void EndBody();
  void OnClose();  // by either side
  // Fills a DATA frame: bytes copied; 0 with `is_deferred` when there are none yet.
  struct Filled {
    std::size_t bytes = 0;
    bool is_last = false;
    bool is_deferred = false;
  };
  Filled Fill(char* to, std::size_t bytes_max);
  const Headers& Trailers() const { return trailers_; }

  void Cancel();
  bool IsEndless() const { return inbound_ && inbound_.GetExchange()->IsEndless(); }
  void EndEndless();
  bool IsLate(std::int64_t now_ms) const;  // its header fields have not come to an end
  bool WaitsForPeer() const;
  void CheckTimes(std::int64_t now_ms);
  void Wrote(std::size_t bytes);

  void SendWhole(Response response) override;
  void SendStart(Response head) override;
  void SendPiece(std::string piece) override;
  void SendFinish(Headers trailers) override;
  void BodyAsked() override;
  void CountRefused(std::string_view limit) override { state_.CountRefused(limit); }

 private:
  void Begin();
  void Answer(Response response);
  void RefuseHeld();
  void SubmitContinue();
  void Submit(const Response& head, bool has_body, std::optional<std::size_t> content_length);
  void Resume();
  void DeliverPiece();
  bool IsBlocked() const;

  Http2& http2_;
  ServerState& state_;
  const std::int32_t id_;
  Request request_;  // until its headers have come
  std::size_t header_bytes_ = 0;
  std::size_t header_count_ = 0;
  bool has_headers_ = false;
  Inbound inbound_;
  std::optional<std::uint64_t> content_length_;
  ByteQueue in_;   // of a streamed body, not yet asked for
  ByteQueue out_;  // of the answer, not yet framed
  Headers trailers_;
  std::size_t held_bytes_ = 0;
  int status_ = 0;
  bool is_head_ = false;
  bool body_done_ = false;
  bool is_refused_ = false;  // answered early: what still comes is dropped
  bool response_done_ = false;
  bool is_deferred_ = false;
  const std::int64_t begin_ms_;
  std::int64_t last_data_ms_;
  std::int64_t last_out_ms_ = 0;
  std::int64_t deadline_ns_ = 0;  // monotonic; 0: none
};

}  // namespace sw::net
