#include "net/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>

#include "base/errors.h"

namespace sw::net {
namespace {

constexpr std::int64_t kLingerMs = 2'000;
constexpr std::size_t kDiscardMax = 64u << 10;       // of an unwanted body, to keep the connection
constexpr std::size_t kOutHighWater = 256u << 10;    // no next request while more is waiting

// Keeps a value from ending its line early (response splitting).
void AppendField(std::string& out, std::string_view name, std::string_view value) {
  auto append_clean = [&](std::string_view text) {
    for (char c : text) out.push_back(c == '\r' || c == '\n' || c == '\0' ? ' ' : c);
  };
  append_clean(name);
  out.append(": ");
  append_clean(value);
  out.append("\r\n");
}

bool HasNoBody(int status) { return status == 204 || status == 304 || status < 200; }

}  // namespace

Connection::Connection(int fd, Loop& loop, const Listen& listen, std::string peer)
    : fd_(fd), loop_(loop), state_(loop.State()), listen_(listen), peer_(std::move(peer)),
      last_read_ms_(state_.NowMs()), last_write_ms_(last_read_ms_) {
  interest_ = EPOLLIN | EPOLLRDHUP;
  loop_.Watch(fd_, interest_, this, true);
}

Connection::~Connection() { Close(); }

void Connection::Close() {
  if (fd_ < 0) return;
  loop_.Unwatch(fd_);
  close(fd_);
  fd_ = -1;
  ReleaseBody();
  if (auto exchange = std::move(exchange_)) {
    exchange->Detach();
    exchange->Cancel();
    exchange->Deliver(Cancelled("client went away"));
    exchange->Release();
  }
  loop_.Retire(this);
  state_.connections->Add(-1);
  state_.open.fetch_sub(1);
  std::lock_guard lock(state_.mutex);
  state_.closed_one.notify_all();
}

void Connection::OnEvents(std::uint32_t events) {
  if (Closed()) return;
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) return Close();
  if ((events & EPOLLIN) != 0) ReadSome();
  if (!Closed() && (events & EPOLLRDHUP) != 0) OnHangUp();
  Pump();
}

void Connection::ReadSome() {
  if (in_pos_ > 0) {
    in_.erase(0, in_pos_);
    in_pos_ = 0;
  }
  std::size_t have = in_.size();
  std::size_t want = have < kReadMax ? kReadMax - have : 0;
  ssize_t got = 0;
  if (want == 0) return;
  in_.resize_and_overwrite(have + want, [&](char* data, std::size_t) {
    got = recv(fd_, data + have, want, 0);
    return have + static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  });
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got < 0) return Close();
  if (got == 0) {
    peer_closed_ = true;
    if (lingering_) Close();
    return;
  }
  last_read_ms_ = state_.NowMs();
  if (have == 0 && !exchange_) request_begin_ms_ = last_read_ms_;
  if (lingering_) in_.clear();
}

// A half-closed client may still want its answer: the handler is told, the answer is written.
void Connection::OnHangUp() {
  if (hung_up_) return;
  hung_up_ = true;
  if (std::shared_ptr<Exchange> exchange = exchange_) exchange->Cancel();
}

void Connection::Pump() {
  if (pumping_ || Closed()) return;
  pumping_ = true;
  do {
    while (!Closed() && !lingering_ && Step()) {
    }
    if (!Closed()) Flush();  // may make room for the next step
  } while (!Closed() && !lingering_ && Step());
  pumping_ = false;
  if (Closed()) return;
  Flush();
  if (Closed()) return;
  bool waits_for_body = exchange_ && !body_done_ && (!Streaming() || exchange_->WantsBody());
  if (peer_closed_ && waits_for_body) return Close();
  if (!exchange_ && !lingering_) {
    if (OutPending() == 0 && peer_closed_) return Close();
    if (OutPending() == 0 && close_after_) BeginLinger();
    if (Closed()) return;
  }
  UpdateInterest();
}

bool Connection::Step() {
  if (!exchange_) return !close_after_ && OutPending() < kOutHighWater && ParseHead();
  if (response_done_ && (body_done_ || close_after_ || Streaming())) {
    FinishExchange();
    return true;
  }
  if (Streaming() && exchange_->WantsBody() && body_done_) {
    exchange_->Deliver(std::string());
    return true;
  }
  if (body_done_ || (Streaming() && !exchange_->WantsBody())) return false;
  return ParseBody();
}

bool Connection::ParseHead() {
  if (Unread().empty()) return false;
  if (!parser_) parser_.emplace(state_.options.limits);
  std::size_t used = 0;
  Result<bool> complete = parser_->FeedHead(Unread(), &used);
  if (!complete) {
    Refuse(parser_->HttpStatus(), parser_->LimitName(), complete.error());
    return false;
  }
  if (!*complete) return false;
  in_pos_ += used;
  BeginRequest();
  return true;
}

void Connection::BeginRequest() {
  RequestHead& head = parser_->Head();
  begin_ns_ = state_.options.now_ns();
  is_http11_ = head.is_http11;
  is_head_ = head.request.method == Method::kHead;
  keep_alive_ = head.keep_alive;
  expect_continue_ = head.expect_continue && is_http11_;
  request_ = std::move(head.request);
  request_.peer = peer_;
  body_done_ = parser_->BodyDone();
  response_done_ = false;
  accepted_ = ChooseEncoding(request_.headers.Get("accept-encoding"));
  Match match = state_.router.Find(request_.method, request_.path, listen_.groups);
  route_ = match.route;
  request_.params = std::move(match.params);
  exchange_ = std::make_shared<Exchange>(loop_.Box(), this, route_, is_http11_,
                                         state_.options.limits.stream_buffer_bytes_max);
  if (!CheckHost()) return;
  if (head.expect_unknown) {
    return AnswerEarly(ErrorResponse(417, InvalidArgument("Expect takes only 100-continue").error()));
  }
  if (route_ == nullptr) {
    Response response = ErrorResponse(match.status, match.error);
    if (!match.allow.empty()) response.headers.Add("Allow", match.allow);
    return AnswerEarly(std::move(response));
  }
  if (!route_->scope.empty()) {
    Result<Caller> caller = state_.options.authorize(request_, *route_);
    if (!caller) return AnswerEarly(route_->RenderError(base::HttpStatus(caller.error().code), caller.error()));
    request_.caller = *std::move(caller);
  }
  if (!CheckEncoding() || !CheckBodyLength()) return;
  if (body_done_ || Streaming()) Dispatch();
}

// Without this, a page from elsewhere could reach a server that trusts loopback (DNS rebinding).
bool Connection::CheckHost() {
  if (!listen_.loopback_only) return true;
  const std::string* host = request_.headers.Find("host");
  const std::string* origin = request_.headers.Find("origin");
  bool is_host_fine = host == nullptr || IsLoopbackHost(*host);
  bool is_origin_fine = true;
  if (origin != nullptr) {
    std::size_t scheme = origin->find("://");
    is_origin_fine = scheme != std::string::npos && IsLoopbackHost(std::string_view(*origin).substr(scheme + 3));
  }
  if (is_host_fine && is_origin_fine) return true;
  state_.CountRefused("loopback_host");
  AnswerEarly(ErrorResponse(PermissionDenied("this address answers only to Host and Origin localhost; "
                                             "configure a key to listen for others")
                                .error()));
  return false;
}

// A streamed body is read as it is.
bool Connection::CheckEncoding() {
  const std::string_view header = request_.headers.Get("content-encoding");
  const std::optional<Encoding> encoding = ParseContentEncoding(header);
  if (encoding && (*encoding == Encoding::kIdentity || !Streaming())) {
    encoding_ = *encoding;
    return true;
  }
  Response response = route_->RenderError(
      415, InvalidArgument("Content-Encoding {} is not read here; {}", header.substr(0, 64),
                           Streaming() ? "send the bytes as they are" : "gzip and deflate are").error());
  response.headers.Add("Accept-Encoding", Streaming() ? "identity" : "gzip, deflate");
  AnswerEarly(std::move(response));
  return false;
}

// False: it was answered.
bool Connection::DecompressBody() {
  if (encoding_ == Encoding::kIdentity) return true;
  Result<std::string> plain = Decompress(encoding_, request_.body, body_bytes_max_);
  if (!plain) {
    const bool is_long = plain.error().code == ErrorCode::kResourceExhausted;
    if (is_long) state_.CountRefused("body_bytes_max");
    exchange_->Send(route_->RenderError(is_long ? 413 : 400, plain.error()));
    return false;
  }
  const std::size_t before = request_.body.size();
  request_.body = *std::move(plain);
  return request_.body.size() <= before || ChargeBody(request_.body.size() - before);
}

bool Connection::CheckBodyLength() {
  body_bytes_max_ = route_->body_bytes_max != 0 ? route_->body_bytes_max : state_.options.limits.body_bytes_max;
  auto length = parser_->Head().content_length;
  if (Streaming() || !length || *length <= body_bytes_max_) return true;
  EndBody();
  return false;
}

// Ends a body that is over its limit: answered at once, never buffered.
void Connection::EndBody() {
  state_.CountRefused("body_bytes_max");
  Error error = ResourceExhausted("body is longer than {} bytes (limit body_bytes_max of {} {})", body_bytes_max_,
                                  MethodName(route_->method), route_->pattern)
                    .error();
  close_after_ = true;
  exchange_->Send(route_->RenderError(413, error));
}

bool Connection::ChargeBody(std::size_t bytes) {
  charged_bytes_ += bytes;
  auto total = state_.bodies_bytes.fetch_add(static_cast<std::int64_t>(bytes)) + static_cast<std::int64_t>(bytes);
  if (static_cast<std::size_t>(total) <= state_.options.limits.bodies_bytes_max) return true;
  state_.CountRefused("bodies_bytes_max");
  close_after_ = true;
  exchange_->SendError(Unavailable("too many bytes of bodies at once (limit bodies_bytes_max); try again").error());
  return false;
}

void Connection::ReleaseBody() {
  state_.bodies_bytes.fetch_sub(static_cast<std::int64_t>(charged_bytes_));
  charged_bytes_ = 0;
}

// Answers without the handler. A short body is read and dropped, so that the connection lives on;
// otherwise the connection ends with the answer.
void Connection::AnswerEarly(Response response) {
  auto length = parser_->Head().content_length;
  if (body_done_) return exchange_->Send(std::move(response));
  if (length && *length <= kDiscardMax && !expect_continue_) {
    early_ = std::move(response);
    body_bytes_max_ = kDiscardMax;
    return;
  }
  close_after_ = true;
  exchange_->Send(std::move(response));
}

bool Connection::ParseBody() {
  std::string_view bytes = Unread();
  if (expect_continue_ && bytes.empty()) out_.append("HTTP/1.1 100 Continue\r\n\r\n");
  expect_continue_ = false;
  if (bytes.empty()) return false;
  std::size_t used = 0;
  std::string piece;
  std::string& target = Streaming() ? piece : request_.body;
  std::size_t before = target.size();
  Status parsed = parser_->FeedBody(bytes, &used, &target);
  in_pos_ += used;
  if (!parsed || (used == 0 && bytes.size() >= kReadMax)) {
    Error error = parsed ? InvalidArgument("malformed request: chunk header too long").error() : parsed.error();
    Refuse(400, "malformed", error);
    return false;
  }
  body_done_ = parser_->BodyDone();
  if (Streaming()) {
    if (!piece.empty()) exchange_->Deliver(std::move(piece));
    return used > 0;
  }
  if (target.size() > body_bytes_max_ && route_ != nullptr) {
    EndBody();
    return true;
  }
  if (!ChargeBody(target.size() - before)) return true;
  if (body_done_) Dispatch();
  return used > 0;
}

void Connection::Dispatch() {
  if (early_) return exchange_->Send(*std::exchange(early_, std::nullopt));
  if (!DecompressBody()) return;
  Responder responder(exchange_);
  auto run = [route = route_, request = std::move(request_), exchange = exchange_, responder]() mutable {
    // The outermost wall: a handler's exception ends its request, not the server.
    try {
      if (route->handler) {
        route->handler(std::move(request), responder);
      } else {
        route->stream_handler(std::move(request), BodyReader(exchange), responder);
      }
    } catch (const std::exception& e) {
      responder.SendError(Internal("handler failed: {}", e.what()).error());
    }
  };
  if (!route_->slow) return run();
  Status queued = state_.options.executor->Submit(std::move(run));
  if (!queued) responder.SendError(queued.error());
}

void Connection::FinishExchange() {
  std::shared_ptr<Exchange> exchange = std::move(exchange_);
  exchange_ = nullptr;
  if (!body_done_) close_after_ = true;
  exchange->Detach();
  exchange->Release();
  exchange->Deliver(Cancelled("the request was already answered"));
  ReleaseBody();
  state_.status_class[std::clamp(status_ / 100, 0, 5)]->Add();
  status_ = 0;
  state_.latency->Record(state_.options.now_ns() - begin_ns_);
  parser_.reset();
  request_ = {};
  encoding_ = accepted_ = Encoding::kIdentity;
  route_ = nullptr;
  early_.reset();
  if (!keep_alive_ || state_.draining.load()) close_after_ = true;
  request_begin_ms_ = last_read_ms_ = state_.NowMs();
}

// Answers what cannot be understood, and ends the connection: what follows has no known beginning.
void Connection::Refuse(int status, std::string_view limit, const Error& error) {
  state_.CountRefused(limit);
  if (exchange_ && status_ != 0 && exchange_->Claimed()) {  // in the middle of an answer
    exchange_->Deliver(std::unexpected(error));
    return Close();
  }
  close_after_ = true;
  if (!exchange_) {
    exchange_ = std::make_shared<Exchange>(loop_.Box(), this, nullptr, true, 0);
    begin_ns_ = state_.options.now_ns();
    is_http11_ = true;
    is_head_ = false;
  }
  bool was_pumping = std::exchange(pumping_, true);
  exchange_->Send(route_ != nullptr ? route_->RenderError(status, error) : ErrorResponse(status, error));
  exchange_->Deliver(std::unexpected(error));  // to who reads the body; its own answer comes too late
  if (response_done_) FinishExchange();
  pumping_ = was_pumping;
}

void Connection::AppendHead(const Response& response, std::optional<std::size_t> content_length) {
  status_ = response.status;
  bool close = close_after_ || !keep_alive_ || state_.draining.load() || (!content_length && !is_http11_);
  if (close) close_after_ = true;
  fmt::format_to(std::back_inserter(out_), "HTTP/1.1 {} {}\r\n", response.status, StatusText(response.status));
  for (const auto& [name, value] : response.headers.Fields()) {
    bool is_ours = EqualsNoCase(name, "content-length") || EqualsNoCase(name, "transfer-encoding") ||
                   EqualsNoCase(name, "connection");
    if (!is_ours) AppendField(out_, name, value);
  }
  if (content_length && !HasNoBody(response.status)) {
    fmt::format_to(std::back_inserter(out_), "Content-Length: {}\r\n", *content_length);
  } else if (!content_length && is_http11_) {
    out_.append("Transfer-Encoding: chunked\r\n");
  }
  if (close) {
    out_.append("Connection: close\r\n");
  } else if (!is_http11_) {
    out_.append("Connection: keep-alive\r\n");
  }
  out_.append("\r\n");
}

void Connection::CompressBody(Response& response) const {
  const bool is_plain = response.headers.Find("content-encoding") == nullptr;
  const bool is_worth = IsWorthCompressing(response.headers.Get("content-type"), response.body.size());
  if (!is_plain || !is_worth || is_head_) return;
  response.headers.Add("Vary", "Accept-Encoding");
  if (accepted_ == Encoding::kIdentity) return;
  response.body = Compress(accepted_, response.body);
  response.headers.Add("Content-Encoding", std::string(EncodingName(accepted_)));
}

void Connection::SendWhole(Response response) {
  if (OutPending() == 0) last_write_ms_ = state_.NowMs();
  CompressBody(response);
  AppendHead(response, response.body.size());
  if (!is_head_ && !HasNoBody(response.status)) out_.append(response.body);
  response_done_ = true;
  Pump();
}

void Connection::SendStart(Response head) {
  if (OutPending() == 0) last_write_ms_ = state_.NowMs();
  AppendHead(head, std::nullopt);
  Pump();
}

void Connection::SendPiece(std::string framed) {
  if (OutPending() == 0) last_write_ms_ = state_.NowMs();
  if (is_head_) {
    exchange_->Wrote(framed.size());
    return;
  }
  out_.append(framed);
  Pump();
}

void Connection::SendFinish() {
  if (is_http11_ && !is_head_) out_.append("0\r\n\r\n");
  response_done_ = true;
  Pump();
}

void Connection::Flush() {
  while (OutPending() > 0) {
    ssize_t sent = send(fd_, out_.data() + out_pos_, OutPending(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) return Close();
    out_pos_ += static_cast<std::size_t>(sent);
    last_write_ms_ = state_.NowMs();
    if (std::shared_ptr<Exchange> exchange = exchange_) {
      bool was_pumping = std::exchange(pumping_, true);  // a writable callback must not re-enter
      exchange->Wrote(static_cast<std::size_t>(sent));
      pumping_ = was_pumping;
    }
  }
  out_.clear();
  out_pos_ = 0;
}

// Half closes and discards for a while: closing with unread bytes would reset the connection, and
// the client would lose the answer.
void Connection::BeginLinger() {
  if (peer_closed_ || shutdown(fd_, SHUT_WR) != 0) return Close();
  lingering_ = true;
  in_.clear();
  in_pos_ = 0;
  linger_until_ms_ = state_.NowMs() + kLingerMs;
}

void Connection::UpdateInterest() {
  std::uint32_t wanted = 0;
  if (!peer_closed_) {
    if (!hung_up_) wanted = EPOLLRDHUP;
    if (lingering_ || Unread().size() < kReadMax) wanted |= EPOLLIN;
  }
  if (OutPending() > 0) wanted |= EPOLLOUT;
  if (wanted == interest_) return;
  interest_ = wanted;
  loop_.Watch(fd_, interest_, this, false);
}

void Connection::OnTimer(std::int64_t now_ms) {
  if (Closed()) return;
  const Limits& limits = state_.options.limits;
  auto cut = [&](std::string_view limit) {
    state_.CountRefused(limit);
    Close();
  };
  if (lingering_) {
    if (now_ms >= linger_until_ms_) Close();
    return;
  }
  if (OutPending() > 0) {
    if (now_ms - last_write_ms_ > limits.write_timeout_ms) cut("write_timeout_ms");
    return;
  }
  auto refuse = [&](std::string_view limit) {
    Refuse(408, limit, DeadlineExceeded("request did not arrive in time (limit {})", limit).error());
    Pump();
  };
  if (!exchange_) {
    if (parser_ && now_ms - request_begin_ms_ > limits.header_timeout_ms) return refuse("header_timeout_ms");
    if (!parser_ && now_ms - last_read_ms_ > limits.idle_timeout_ms) cut("idle_timeout_ms");
    return;
  }
  bool waits_for_body = !body_done_ && (!Streaming() || exchange_->WantsBody());
  if (waits_for_body && now_ms - last_read_ms_ > limits.body_timeout_ms) refuse("body_timeout_ms");
}

void Connection::OnDrain() {
  if (Closed() || exchange_ || lingering_ || OutPending() > 0) return;
  if (!parser_) Close();
}

}  // namespace sw::net
