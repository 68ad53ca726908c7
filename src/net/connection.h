// Connection: one HTTP/1.1 client on one loop; reads a request, answers it, reads the next.
// Internal to net. Externally synchronised: only its loop's thread.
//
// Bounded in every direction: at most kReadMax bytes read ahead, one request at a time (a pipelined
// one waits in the read buffer), the next only when the last answer has mostly left.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/compression.h"
#include "net/exchange.h"
#include "net/loop.h"
#include "net/request_parser.h"

namespace sw::net {

class Connection final : public Pollable, public ExchangeOwner {
 public:
  static constexpr std::size_t kReadMax = 64u << 10;

  Connection(int fd, Loop& loop, const Listen& listen, std::string peer);
  ~Connection() override;

  void OnEvents(std::uint32_t events) override;
  void OnTimer(std::int64_t now_ms);
  void OnDrain();
  void Close();
  bool Closed() const { return fd_ < 0; }

  void SendWhole(Response response) override;
  void SendStart(Response head) override;
  void SendPiece(std::string framed) override;
  void SendFinish() override;
  void BodyAsked() override { Pump(); }

 private:
  std::string_view Unread() const { return std::string_view(in_).substr(in_pos_); }
  void ReadSome();
  void OnHangUp();
  void Pump();
  bool Step();  // one step of the machine; false: nothing to do until more comes
  bool ParseHead();
  bool ParseBody();
  void BeginRequest();
  bool CheckHost();
  bool CheckEncoding();
  bool CheckBodyLength();
  bool DecompressBody();
  void CompressBody(Response& response) const;
  bool ChargeBody(std::size_t bytes);
  void ReleaseBody();
  void EndBody();
  void Dispatch();
  void FinishExchange();
  void Refuse(int status, std::string_view limit, const Error& error);
  void AnswerEarly(Response response);
  void AppendHead(const Response& response, std::optional<std::size_t> content_length);
  void Flush();
  void BeginLinger();
  void UpdateInterest();
  bool Streaming() const { return route_ != nullptr && route_->stream_handler && !early_; }
  std::size_t OutPending() const { return out_.size() - out_pos_; }

  int fd_;
  Loop& loop_;
  ServerState& state_;
  const Listen& listen_;
  const std::string peer_;

  std::string in_;
  std::size_t in_pos_ = 0;
  std::string out_;
  std::size_t out_pos_ = 0;
  std::uint32_t interest_ = 0;
  bool pumping_ = false;
  bool hung_up_ = false;      // the peer has closed; what it sent before may still be unread
  bool peer_closed_ = false;  // and everything was read
  bool close_after_ = false;  // no next request on this connection
  bool lingering_ = false;    // answered and half closed; discards what still comes
  std::int64_t last_read_ms_;
  std::int64_t last_write_ms_;
  std::int64_t request_begin_ms_ = 0;
  std::int64_t linger_until_ms_ = 0;

  // Of the current request.
  std::optional<RequestParser> parser_;
  std::shared_ptr<Exchange> exchange_;
  const Route* route_ = nullptr;
  Request request_;
  std::optional<Response> early_;  // sent once the body has been discarded
  std::size_t body_bytes_max_ = 0;
  std::size_t charged_bytes_ = 0;
  Encoding encoding_ = Encoding::kIdentity;  // of the body
  Encoding accepted_ = Encoding::kIdentity;  // of the answer
  std::int64_t begin_ns_ = 0;
  int status_ = 0;
  bool is_http11_ = true;
  bool is_head_ = false;
  bool keep_alive_ = true;
  bool expect_continue_ = false;
  bool body_done_ = false;
  bool response_done_ = false;
};

}  // namespace sw::net
