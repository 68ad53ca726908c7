#include "net/loop.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/check.h"
#include "base/errors.h"
#include "net/connection.h"
#include "net/egress.h"

namespace sw::net {
namespace {

constexpr int kSweepMs = 100;
constexpr std::int64_t kAcceptPauseMs = kSweepMs;
constexpr std::int64_t kEndlessLeaveMs = 1'000;  // for the rest of an endless answer to leave in a drain

// What accept4 says when the process or the system has nothing left for one more connection.
bool IsExhausted(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

}  // namespace

void ServerState::CountRefused(std::string_view limit) {
  counters->Get("net_refused_total", "Requests and connections refused or cut.", {{"limit", std::string(limit)}}).Add();
}

std::int64_t ServerState::WriteTimeoutMs(bool is_endless) const {
  const std::int64_t timeout_ms = options.limits.write_timeout_ms;
  return is_endless && draining.load() ? std::min(timeout_ms, kEndlessLeaveMs) : timeout_ms;
}

struct Loop::Acceptor final : Pollable {
  Acceptor(Loop& l, int f, const Listen& where) : loop(l), fd(f), listen(where) {}
  void OnEvents(std::uint32_t) override { loop.Accept(*this, false); }
  Loop& loop;
  int fd;
  const Listen& listen;
};

Loop::Loop(ServerState& state, const std::vector<int>& listen_fds)
    : state_(state), mailbox_(std::make_shared<Mailbox>()), epoll_fd_(epoll_create1(EPOLL_CLOEXEC)) {
  SW_CHECK(epoll_fd_ >= 0, "epoll_create1");
  epoll_event wake{};
  wake.events = EPOLLIN;
  SW_CHECK(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, mailbox_->WakeFd(), &wake) == 0, "epoll_ctl");
  for (std::size_t i = 0; i < listen_fds.size(); ++i) {
    acceptors_.push_back(std::make_unique<Acceptor>(*this, listen_fds[i], state_.options.listens[i]));
  }
  ResumeAccepting();
  thread_ = std::thread([this] { Run(); });
}

Loop::~Loop() {
  mailbox_->Post([this] { stopping_ = true; });
  thread_.join();
  close(epoll_fd_);
}

void Loop::Watch(int fd, std::uint32_t events, Pollable* target, bool is_new) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = target;
  epoll_ctl(epoll_fd_, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
}

// Closing the descriptor would not do: a child process that was forked just now holds a copy of it until
// it runs its program, and events of it would go on to name a target that is no more.
void Loop::Unwatch(int fd) { epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr); }

void Loop::Run() {
  mailbox_->Adopt();
  std::array<epoll_event, 128> events{};
  while (!stopping_) {
    int count = epoll_wait(epoll_fd_, events.data(), static_cast<int>(events.size()),
                           connections_.empty() && accepting_ ? -1 : kSweepMs);
    for (int i = 0; i < count; ++i) {
      epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.ptr == nullptr) {
        mailbox_->RunAll();
      } else {
        static_cast<Pollable*>(event.data.ptr)->OnEvents(event.events);
      }
    }
    Sweep();
  }
  for (auto& [key, connection] : connections_) connection->Close();
  mailbox_->Close();
  connections_.clear();
}

void Loop::Sweep() {
  std::int64_t now_ms = state_.NowMs();
  if (now_ms - swept_ms_ >= kSweepMs) {
    swept_ms_ = now_ms;
    if (state_.tls) state_.tls->ReloadIfChanged(now_ms);
    for (auto& [key, connection] : connections_) connection->OnTimer(now_ms);
  }
  const bool has_freed_one = !closed_.empty();
  for (Connection* connection : std::exchange(closed_, {})) connections_.erase(connection);
  if (accepting_ || state_.draining.load()) return;
  if (has_freed_one || now_ms - paused_ms_ >= kAcceptPauseMs) ResumeAccepting();
}

// Who connects meanwhile waits in the backlog. A listener left in epoll would wake the loop without
// end, for connections that it cannot take.
void Loop::PauseAccepting() {
  if (!accepting_) return;
  accepting_ = false;
  paused_ms_ = state_.NowMs();
  state_.accept_pauses->Add();
  for (auto& acceptor : acceptors_) epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, acceptor->fd, nullptr);
}

void Loop::ResumeAccepting() {
  accepting_ = true;
  // One socket for all loops: SO_REUSEPORT would let a second server take a busy port silently.
  for (auto& acceptor : acceptors_) Watch(acceptor->fd, EPOLLIN | EPOLLEXCLUSIVE, acceptor.get(), true);
}

// Takes one connection a wake-up, so that a burst spreads over the loops.
void Loop::Accept(const Acceptor& acceptor, bool all) {
  do {
    SocketAddress peer{.length = sizeof(sockaddr_storage)};
    int fd = accept4(acceptor.fd, reinterpret_cast<sockaddr*>(&peer.storage), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && IsExhausted(errno)) return PauseAccepting();
    if (fd < 0) return;
    if (state_.open.fetch_add(1) >= static_cast<std::int64_t>(state_.options.limits.connections_max)) {
      state_.open.fetch_sub(1);
      state_.CountRefused("connections_max");
      const std::string body =
          ErrorResponse(Unavailable("too many connections (limit connections_max); try again").error()).body;
      const std::string full = fmt::format(
          "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\n"
          "Retry-After: 1\r\nContent-Length: {}\r\n\r\n{}", body.size(), body);
      [[maybe_unused]] auto ignored = send(fd, full.data(), full.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      shutdown(fd, SHUT_WR);
      close(fd);
      continue;
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    state_.connections->Add(1);
    auto connection = std::make_unique<Connection>(fd, *this, acceptor.listen, AddressText(peer));
    connections_.emplace(connection.get(), std::move(connection));
  } while (all);
}

void Loop::Drain() {
  mailbox_->Post([this] {
    for (auto& acceptor : acceptors_) {
      Accept(*acceptor, true);  // who is in the backlog was promised an answer
      epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, acceptor->fd, nullptr);
      shutdown(acceptor->fd, SHUT_RDWR);  // from now on connecting is refused
    }
    for (auto& [key, connection] : connections_) connection->OnDrain();
    state_.accepting.fetch_sub(1);
    std::lock_guard lock(state_.mutex);
    state_.changed.notify_all();
  });
}

}  // namespace sw::net
