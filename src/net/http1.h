// Http1: HTTP/1.1 and 1.0 on a connection: reads a request, answers it, reads the next. Internal to net.
// Externally synchronised: only its loop's thread.
//
// One request at a time: a pipelined one waits unread, the next begins only when the last answer has
// mostly left.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/connection.h"
#include "net/inbound.h"
#include "net/protocol.h"
#include "net/request_parser.h"

namespace sw::net {

class Http1 final : public Protocol, public ExchangeOwner {
 public:
  explicit Http1(Connection& connection);

  bool Advance() override;
  void OnHangUp() override;
  void OnWrote(std::size_t bytes) override;
  void OnTimer(std::int64_t now_ms) override;
  void OnDrain() override;
  void OnClose() override;
  bool IsIdle() const override { return !inbound_; }
  bool IsFinished() const override { return close_after_; }
  bool IsEndless() const override { return inbound_ ? inbound_.GetExchange()->IsEndless() : was_endless_; }
  bool WaitsForPeer() const override;

  void SendWhole(Response response) override;
  void SendStart(Response head) override;
  void SendPiece(std::string framed) override;
  void SendFinish(Headers trailers) override;
  void BodyAsked() override { connection_.Pump(); }
  void CountRefused(std::string_view limit) override { state_.CountRefused(limit); }

 private:
  bool ParseHead();
  bool ParseBody();
  void BeginRequest();
  void FinishExchange();
  void TickEndless(std::int64_t now_ms);
  void Refuse(int status, std::string_view limit, const Error& error);
  void AnswerEarly(Response response);
  void AnswerAndEnd(Response response);
  void AppendHead(const Response& response, std::optional<std::size_t> content_length);
  bool Streaming() const { return inbound_.Streaming() && !early_; }

  Connection& connection_;
  ServerState& state_;
  bool close_after_ = false;  // no next request on this connection
  std::int64_t request_begin_ms_;
  std::int64_t idle_since_ms_;

  // Of the current request.
  std::optional<RequestParser> parser_;
  Inbound inbound_;
  std::optional<Response> early_;  // sent once the body has been discarded
  int status_ = 0;
  bool is_http11_ = true;
  bool is_head_ = false;
  bool keep_alive_ = true;
  bool expect_continue_ = false;
  bool body_done_ = false;
  bool response_done_ = false;
  bool was_endless_ = false;  // the last one, whose answer may still be leaving
};

}  // namespace sw::net
