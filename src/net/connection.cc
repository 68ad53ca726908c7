#include "net/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/errors.h"
#include "net/http1.h"
#include "net/http2.h"
#include "net/tls.h"

namespace sw::net {
namespace {

constexpr std::int64_t kLingerMs = 2'000;
constexpr std::int64_t kFreshMs = 1'000;  // how long a drain waits for the first bytes of who has just connected
constexpr char kTlsHandshake = 0x16;  // the first byte of a TLS record that begins a connection
constexpr std::string_view kNeedsTls =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 31\r\n\r\n"
    "this address speaks only https\n";

}  // namespace

Connection::Connection(int fd, Loop& loop, const Listen& listen, std::string peer)
    : fd_(fd), loop_(loop), state_(loop.State()), listen_(listen), peer_(std::move(peer)),
      transport_(std::make_unique<PlainTransport>(fd)), begin_ms_(state_.NowMs()), last_read_ms_(begin_ms_),
      last_write_ms_(begin_ms_) {
  interest_ = EPOLLIN | EPOLLRDHUP;
  loop_.Watch(fd_, interest_, this, true);
}

Connection::~Connection() { Close(); }

void Connection::Close() {
  if (fd_ < 0) return;
  loop_.Unwatch(fd_);
  close(fd_);
  fd_ = -1;
  if (protocol_) protocol_->OnClose();
  loop_.Retire(this);
  state_.connections->Add(-1);
  state_.open.fetch_sub(1);
  std::lock_guard lock(state_.mutex);
  state_.changed.notify_all();
}

void Connection::Cut(std::string_view limit) {
  state_.CountRefused(limit);
  Close();
}

void Connection::OnEvents(std::uint32_t events) {
  if (Closed()) return;
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) return Close();
  if ((events & EPOLLIN) != 0 || transport_->WantsToWrite()) ReadSome();
  if (!Closed() && (events & EPOLLRDHUP) != 0) OnHangUp();
  Pump();
}

// A look at the first byte, only where TLS is configured.
void Connection::BeginTls() {
  char first = 0;
  if (recv(fd_, &first, 1, MSG_PEEK) == 1 && first == kTlsHandshake) {
    transport_ = state_.tls->Accept(fd_);
  } else if (listen_.tls_only) {
    state_.CountRefused("tls_only");
    [[maybe_unused]] auto ignored = send(fd_, kNeedsTls.data(), kNeedsTls.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    BeginLinger();
  }
}

void Connection::ReadSome() {
  if (std::exchange(is_first_read_, false) && state_.tls != nullptr) BeginTls();
  if (Closed()) return;
  if (in_pos_ > 0) {
    in_.erase(0, in_pos_);
    in_pos_ = 0;
  }
  const std::size_t have = in_.size();
  const std::size_t want = have < kReadMax ? kReadMax - have : 0;
  ssize_t got = 0;
  if (want == 0) return;
  in_.resize_and_overwrite(have + want, [&](char* data, std::size_t) {
    got = transport_->Read(data + have, want);
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
  if (lingering_) in_.clear();
}

void Connection::OnHangUp() {
  if (hung_up_) return;
  hung_up_ = true;
  if (protocol_) protocol_->OnHangUp();
}

// False: the first bytes may still become either.
bool Connection::ChooseProtocol() {
  const std::string_view bytes = Unread();
  if (bytes.empty()) return false;
  const bool may_be_http2 = Http2::kPreface.starts_with(bytes.substr(0, Http2::kPreface.size()));
  if (may_be_http2 && bytes.size() < Http2::kPreface.size()) return false;
  if (may_be_http2) {
    protocol_ = std::make_unique<Http2>(*this);
  } else {
    protocol_ = std::make_unique<Http1>(*this);
  }
  if (hung_up_) protocol_->OnHangUp();
  return true;
}

bool Connection::Advance() {
  if (Closed() || lingering_ || (!protocol_ && !ChooseProtocol())) return false;
  if (protocol_->Advance()) return true;
  if (Closed() || !transport_->HasPending() || Unread().size() >= kReadMax) return false;
  ReadSome();
  return true;
}

void Connection::Pump() {
  if (pumping_ || Closed()) return;
  pumping_ = true;
  do {
    while (Advance()) {
    }
    if (!Closed()) Flush();  // may make room for the next step
  } while (Advance());
  pumping_ = false;
  if (Closed()) return;
  Flush();
  if (Closed()) return;
  if (protocol_ == nullptr && peer_closed_) return Close();
  if (protocol_ && peer_closed_ && protocol_->WaitsForPeer()) return Close();
  if (protocol_ && protocol_->IsIdle() && !lingering_ && OutPending() == 0) {
    if (peer_closed_) return Close();
    if (protocol_->IsFinished()) BeginLinger();
    if (Closed()) return;
  }
  UpdateInterest();
}

std::string& Connection::Out() {
  if (OutPending() == 0) last_write_ms_ = state_.NowMs();
  return out_.Back();
}

void Connection::Flush() {
  while (OutPending() > 0) {
    const ssize_t sent = transport_->Write(out_.Waiting().data(), OutPending());
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) return Close();
    out_.Take(static_cast<std::size_t>(sent));
    last_write_ms_ = state_.NowMs();
    if (!protocol_) continue;
    const Still still(*this);  // a writable callback must not re-enter
    protocol_->OnWrote(static_cast<std::size_t>(sent));
  }
}

// Half closes and discards for a while: closing with unread bytes would reset the connection, and
// the client would lose the answer.
void Connection::BeginLinger() {
  if (peer_closed_ || !transport_->EndWriting()) return Close();
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
  if (OutPending() > 0 || transport_->WantsToWrite()) wanted |= EPOLLOUT;
  if (wanted == interest_) return;
  interest_ = wanted;
  loop_.Watch(fd_, interest_, this, false);
}

void Connection::OnTimer(std::int64_t now_ms) {
  if (Closed()) return;
  const Limits& limits = state_.options.limits;
  if (lingering_) {
    if (now_ms >= linger_until_ms_) Close();
    return;
  }
  if (OutPending() > 0) {
    if (now_ms - last_write_ms_ > state_.WriteTimeoutMs(protocol_ && protocol_->IsEndless())) Cut("write_timeout_ms");
    return;
  }
  if (protocol_) return protocol_->OnTimer(now_ms);
  const bool has_begun = !Unread().empty() || transport_->IsHandshaking();
  if (!has_begun && state_.draining.load() && now_ms - begin_ms_ > kFreshMs) return Close();
  if (has_begun && now_ms - begin_ms_ > limits.header_timeout_ms) return Cut("header_timeout_ms");
  if (now_ms - last_read_ms_ > limits.idle_timeout_ms) Cut("idle_timeout_ms");
}

// What has come already is answered. Who has said nothing yet may only just have connected: OnTimer ends it.
void Connection::OnDrain() {
  if (Closed() || lingering_) return;
  ReadSome();
  Pump();
  if (protocol_ && !Closed() && !lingering_) protocol_->OnDrain();
}

}  // namespace sw::net
