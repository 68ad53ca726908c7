#include "net/http1.h"

#include <algorithm>
#include <utility>

#include "base/errors.h"

namespace sw::net {
namespace {

constexpr std::size_t kDiscardMax = 64u << 10;  // of an unwanted body, to keep the connection

void AppendField(std::string& out, std::string_view name, std::string_view value) {
  AppendFieldText(out, name);
  out.append(": ");
  AppendFieldText(out, value);
  out.append("\r\n");
}

}  // namespace

Http1::Http1(Connection& connection)
    : connection_(connection), state_(connection.State()), request_begin_ms_(connection.LastReadMs()),
      idle_since_ms_(request_begin_ms_) {}

void Http1::OnClose() { inbound_.Abort(); }

void Http1::OnHangUp() {
  if (std::shared_ptr<Exchange> exchange = inbound_.GetExchange()) exchange->Cancel();
}

void Http1::OnWrote(std::size_t bytes) {
  if (std::shared_ptr<Exchange> exchange = inbound_.GetExchange()) exchange->Wrote(bytes);
}

bool Http1::WaitsForPeer() const {
  return inbound_ && !body_done_ && (!Streaming() || inbound_.GetExchange()->WantsBody());
}

bool Http1::Advance() {
  if (!inbound_) return !close_after_ && connection_.HasRoom() && ParseHead();
  if (response_done_ && (body_done_ || close_after_ || Streaming())) {
    FinishExchange();
    return true;
  }
  Exchange& exchange = *inbound_.GetExchange();
  if (Streaming() && exchange.WantsBody() && body_done_) {
    exchange.Deliver(std::string());
    return true;
  }
  if (body_done_ || (Streaming() && !exchange.WantsBody())) return false;
  return ParseBody();
}

bool Http1::ParseHead() {
  const std::string_view unread = connection_.Unread();
  if (unread.empty()) return false;
  if (!parser_) {
    parser_.emplace(state_.options.limits);
    request_begin_ms_ = std::max(connection_.LastReadMs(), idle_since_ms_);
  }
  std::size_t used = 0;
  Result<bool> complete = parser_->FeedHead(unread, &used);
  if (!complete) {
    Refuse(parser_->HttpStatus(), parser_->LimitName(), complete.error());
    return false;
  }
  if (!*complete) return false;
  connection_.Consume(used);
  BeginRequest();
  return true;
}

void Http1::BeginRequest() {
  RequestHead& head = parser_->Head();
  is_http11_ = head.is_http11;
  is_head_ = head.request.method == Method::kHead;
  keep_alive_ = head.keep_alive;
  expect_continue_ = head.expect_continue && is_http11_;
  head.request.peer = connection_.Peer();
  body_done_ = parser_->BodyDone();
  response_done_ = false;
  Match match = state_.router.Find(head.request.method, head.request.path, connection_.GetListen().groups);
  auto exchange = std::make_shared<Exchange>(connection_.GetLoop().Box(), this, match.route, is_http11_,
                                             state_.options.limits.stream_buffer_bytes_max);
  const Carrier carrier{connection_.GetListen(), is_http11_ ? "1.1" : "1.0", connection_.IsTls()};
  std::optional<Response> early = inbound_.Begin(state_, carrier, std::move(exchange),
                                                 std::move(head.request), std::move(match), head.content_length);
  if (head.expect_unknown) early = ErrorResponse(417, InvalidArgument("Expect takes only 100-continue").error());
  if (early) return AnswerEarly(*std::move(early));
  if (body_done_ || Streaming()) inbound_.Dispatch();
}

void Http1::AnswerAndEnd(Response response) {
  close_after_ = true;
  inbound_.GetExchange()->Send(std::move(response));
}

// Answers without the handler. A short body is read and dropped, so that the connection lives on;
// otherwise the connection ends with the answer.
void Http1::AnswerEarly(Response response) {
  if (body_done_) return inbound_.GetExchange()->Send(std::move(response));
  const std::optional<std::uint64_t> length = parser_->Head().content_length;
  if (!length || *length > kDiscardMax || expect_continue_) return AnswerAndEnd(std::move(response));
  early_ = std::move(response);
}

bool Http1::ParseBody() {
  const std::string_view bytes = connection_.Unread();
  if (expect_continue_ && bytes.empty()) connection_.Out().append("HTTP/1.1 100 Continue\r\n\r\n");
  expect_continue_ = false;
  if (bytes.empty()) return false;
  std::size_t used = 0;
  std::string piece;
  std::string& target = Streaming() || early_ ? piece : inbound_.Body();
  const std::size_t before = target.size();
  Status parsed = parser_->FeedBody(bytes, &used, &target);
  connection_.Consume(used);
  if (!parsed || (used == 0 && bytes.size() >= Connection::kReadMax)) {
    Error error = parsed ? InvalidArgument("malformed request: chunk header too long").error() : parsed.error();
    Refuse(400, "malformed", error);
    return false;
  }
  body_done_ = parser_->BodyDone();
  if (early_) {
    if (body_done_) inbound_.GetExchange()->Send(*std::exchange(early_, std::nullopt));
    return used > 0;
  }
  if (Streaming()) {
    if (!piece.empty()) inbound_.GetExchange()->Deliver(std::move(piece));
    return used > 0;
  }
  if (std::optional<Response> refused = inbound_.Charge(target.size() - before)) {
    AnswerAndEnd(*std::move(refused));
    return true;
  }
  if (body_done_) inbound_.Dispatch();
  return used > 0;
}

void Http1::FinishExchange() {
  if (!body_done_) close_after_ = true;
  was_endless_ = IsEndless();
  inbound_.Finish(status_);
  status_ = 0;
  parser_.reset();
  early_.reset();
  if (!keep_alive_ || state_.draining.load()) close_after_ = true;
  idle_since_ms_ = state_.NowMs();
}

// Answers what cannot be understood, and ends the connection: what follows has no known beginning.
void Http1::Refuse(int status, std::string_view limit, const Error& error) {
  state_.CountRefused(limit);
  if (inbound_ && status_ != 0 && inbound_.GetExchange()->Claimed()) {  // in the middle of an answer
    inbound_.GetExchange()->Deliver(std::unexpected(error));
    return connection_.Close();
  }
  close_after_ = true;
  if (!inbound_) {
    inbound_.BeginBroken(state_, std::make_shared<Exchange>(connection_.GetLoop().Box(), this, nullptr, true, 0));
    is_http11_ = true;
    is_head_ = false;
  }
  const Connection::Still still(connection_);
  const std::shared_ptr<Exchange> exchange = inbound_.GetExchange();
  exchange->Send(inbound_.RenderError(status, error));
  exchange->Deliver(std::unexpected(error));  // to who reads the body; its own answer comes too late
  if (response_done_) FinishExchange();
}

void Http1::AppendHead(const Response& response, std::optional<std::size_t> content_length) {
  std::string& out = connection_.Out();
  status_ = response.status;
  inbound_.NoteFields(response.headers);
  const bool close = close_after_ || !keep_alive_ || state_.draining.load() || (!content_length && !is_http11_);
  if (close) close_after_ = true;
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", response.status, StatusText(response.status));
  for (const auto& [name, value] : response.headers.Fields()) {
    if (!IsFramingField(name)) AppendField(out, name, value);
  }
  if (content_length && !HasNoBody(response.status)) {
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", *content_length);
  } else if (!content_length && is_http11_) {
    out.append("Transfer-Encoding: chunked\r\n");
  }
  if (close) {
    out.append("Connection: close\r\n");
  } else if (!is_http11_) {
    out.append("Connection: keep-alive\r\n");
  }
  out.append("\r\n");
}

void Http1::SendWhole(Response response) {
  inbound_.Compress(response, is_head_);
  AppendHead(response, response.body.size());
  if (!is_head_ && !HasNoBody(response.status)) connection_.Out().append(response.body);
  response_done_ = true;
  connection_.Pump();
}

void Http1::SendStart(Response head) {
  AppendHead(head, std::nullopt);
  connection_.Pump();
}

void Http1::SendPiece(std::string framed) {
  if (is_head_) return inbound_.GetExchange()->Wrote(framed.size());
  connection_.Out().append(framed);
  connection_.Pump();
}

// Trailers are for HTTP/2.
void Http1::SendFinish(Headers) {
  if (is_http11_ && !is_head_) connection_.Out().append("0\r\n\r\n");
  response_done_ = true;
  connection_.Pump();
}

void Http1::OnTimer(std::int64_t now_ms) {
  const Limits& limits = state_.options.limits;
  auto refuse = [&](std::string_view limit) {
    Refuse(408, limit, DeadlineExceeded("request did not arrive in time (limit {})", limit).error());
    connection_.Pump();
  };
  if (!inbound_) {
    if (parser_ && now_ms - request_begin_ms_ > limits.header_timeout_ms) return refuse("header_timeout_ms");
    if (!parser_ && now_ms - idle_since_ms_ > limits.idle_timeout_ms) connection_.Cut("idle_timeout_ms");
    return;
  }
  if (IsEndless()) return TickEndless(now_ms);
  const std::int64_t waiting_since = std::max(request_begin_ms_, connection_.LastReadMs());
  if (WaitsForPeer() && now_ms - waiting_since > limits.body_timeout_ms) refuse("body_timeout_ms");
}

// One that was begun while the server drains ends at once.
void Http1::TickEndless(std::int64_t now_ms) {
  const std::shared_ptr<Exchange> exchange = inbound_.GetExchange();
  if (state_.draining.load()) return exchange->End();
  exchange->Tick(now_ms);
}

void Http1::OnDrain() {
  if (const std::shared_ptr<Exchange> exchange = inbound_.GetExchange()) return exchange->End();
  if (!inbound_ && !parser_ && connection_.Unread().empty() && connection_.OutPending() == 0) connection_.Close();
}

}  // namespace sw::net
