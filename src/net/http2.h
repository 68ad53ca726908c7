// Http2: HTTP/2 on a connection, many requests at once, gRPC's among them; nghttp2 does the framing.
// Internal to net. Externally synchronised: only its loop's thread.
//
// nghttp2 limits neither what its callbacks cost nor what they make us keep. Ours on top: header bytes
// as they are expanded, a budget of bytes for each connection, rates of resets (also of those that we
// are made to send), of pings and of frames that carry nothing, and the times of connection.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/connection.h"
#include "net/protocol.h"
#include "net/rate.h"

struct nghttp2_session;

namespace sw::net {

class Http2Stream;

class Http2 final : public Protocol {
 public:
  static constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

  explicit Http2(Connection& connection);
  ~Http2() override;

  bool Advance() override;
  void OnHangUp() override;
  void OnWrote(std::size_t) override {}
  void OnTimer(std::int64_t now_ms) override;
  void OnDrain() override;
  void OnClose() override;
  bool IsIdle() const override { return streams_.empty() || IsFinished(); }
  bool IsFinished() const override;
  bool IsEndless() const override;
  bool WaitsForPeer() const override;

  // For its streams.
  nghttp2_session* Session() { return session_; }
  Connection& GetConnection() { return connection_; }
  // Bytes that this connection makes us keep. False: more than it may; they are kept all the same.
  bool Hold(std::size_t bytes);
  void LetGo(std::size_t bytes) { held_bytes_ -= bytes; }
  void NoteWrote(std::int32_t stream_id, std::size_t bytes) { wrote_.emplace_back(stream_id, bytes); }
  void Pump();

 private:
  friend struct Http2Callbacks;
  Http2Stream* Find(std::int32_t stream_id);
  std::vector<std::int32_t> StreamIds() const;
  void Abuse(std::string_view limit);
  void TakeFrame(TokenBucket& bucket, std::string_view limit);
  bool Receive();
  bool Send();
  void TellWriters();
  void BeginGoAway();
  void CheckStreams(std::int64_t now_ms);
  void EndEndless();
  bool KeepAlive(std::int64_t now_ms);

  Connection& connection_;
  ServerState& state_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<std::int32_t, std::unique_ptr<Http2Stream>> streams_;
  std::vector<std::unique_ptr<Http2Stream>> closed_;  // freed when none of their functions can be running
  std::vector<std::pair<std::int32_t, std::size_t>> wrote_;
  std::size_t held_bytes_ = 0;
  TokenBucket resets_;
  TokenBucket pings_;
  TokenBucket idle_frames_;  // that carry nothing of a request
  bool in_session_ = false;  // nghttp2 is on the stack
  bool is_broken_ = false;
  std::string_view abuse_;   // the limit that ends this connection
  const std::int64_t begin_ms_;
  std::int64_t idle_since_ms_;
  std::int64_t pinged_ms_ = 0;  // 0: no ping of ours waits for its answer
  std::int64_t goaway_ms_ = 0;  // when the first of two was sent
  bool has_gone_away_ = false;
  bool was_endless_ = false;    // the last stream that was closed, whose answer may still be leaving
};

}  // namespace sw::net
