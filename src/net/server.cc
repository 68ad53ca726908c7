#include "net/server.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/clock.h"
#include "base/errors.h"
#include "net/connection.h"
#include "net/loop.h"

namespace sw::net {
namespace {

struct HostPort {
  std::string host;
  std::string port;
};

Result<HostPort> SplitAddress(const std::string& address) {
  std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) {
    return InvalidArgument("address {} is not HOST:PORT, for example 127.0.0.1:8080", address);
  }
  HostPort out{address.substr(0, colon), address.substr(colon + 1)};
  bool digits = !out.port.empty() && std::ranges::all_of(out.port, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || out.port.size() > 5 || std::stoi(out.port) > 65535) {
    return InvalidArgument("port of {} is not a number from 0 to 65535", address);
  }
  if (out.host.starts_with('[') && out.host.ends_with(']')) out.host = out.host.substr(1, out.host.size() - 2);
  return out;
}

Result<int> Bind(const std::string& address) {
  HostPort parts = SW_TRY(SplitAddress(address));
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (int failed = getaddrinfo(parts.host.c_str(), parts.port.c_str(), &hints, &found); failed != 0) {
    return Unavailable("cannot resolve {}: {}", address, gai_strerror(failed));
  }
  int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  bool bound = fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 1024) == 0;
  int error = errno;
  freeaddrinfo(found);
  if (bound) return fd;
  if (fd >= 0) close(fd);
  return Unavailable("cannot listen on {}: {}; choose another address or port 0", address, std::strerror(error));
}

std::string BoundAddress(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  getnameinfo(reinterpret_cast<sockaddr*>(&address), length, host.data(), host.size(), port.data(), port.size(),
              NI_NUMERICHOST | NI_NUMERICSERV);
  bool is_v6 = address.ss_family == AF_INET6;
  return fmt::format("{}{}{}:{}", is_v6 ? "[" : "", host.data(), is_v6 ? "]" : "", port.data());
}

Status CheckOptions(const ServerOptions& options, const Router& router) {
  if (options.listens.empty()) return InvalidArgument("nothing to listen on; give --listen HOST:PORT");
  for (const Listen& listen : options.listens) {
    if (listen.tls_only && !options.tls) return InvalidArgument("{} is for TLS only, but there is no certificate", listen.address);
  }
  for (const Route& route : router.Routes()) {
    if (!route.scope.empty() && !options.authorize) return InvalidArgument("route {} has a scope, but there is no Authorize", route.pattern);
    if (route.slow && options.executor == nullptr) return InvalidArgument("route {} is slow, but there is no executor", route.pattern);
  }
  return Ok();
}

void RegisterCounters(ServerState& state, base::Counters& counters) {
  state.counters = &counters;
  state.connections = &counters.Get("net_connections", "Open connections.");
  state.accept_pauses = &counters.Get("net_accept_pauses_total",
                                      "Pauses of a loop that had no descriptor or memory for a new connection.");
  state.latency = &counters.Histogram("net_request_seconds", "From the end of a request's head to its answer.");
  for (int i = 0; i < 6; ++i) {
    state.status_class[i] = &counters.Get("net_requests_total", "Requests answered.", {{"status", fmt::format("{}xx", i)}});
  }
  for (std::string_view limit : kLimitNames) {
    counters.Get("net_refused_total", "Requests and connections refused or cut.", {{"limit", std::string(limit)}});
  }
}

}  // namespace

Server::Server() = default;

Result<std::unique_ptr<Server>> Server::Start(ServerOptions options, Router router, base::Counters& counters) {
  SW_TRY(CheckOptions(options, router));
  if (!options.now_ns) options.now_ns = base::MonotonicNs;
  if (options.loops == 0) options.loops = std::max(1u, std::thread::hardware_concurrency());
  std::unique_ptr<Server> server(new Server());
  server->state_ = std::make_unique<ServerState>();
  ServerState& state = *server->state_;
  state.options = std::move(options);
  state.router = std::move(router);
  RegisterCounters(state, counters);
  state.rates.Configure(static_cast<double>(state.options.limits.requests_per_second_max));
  if (state.options.tls) state.tls = SW_TRY(TlsContext::Open(*state.options.tls, counters));
  for (const Listen& listen : state.options.listens) {
    server->listen_fds_.push_back(SW_TRY(Bind(listen.address)));
    server->addresses_.push_back(BoundAddress(server->listen_fds_.back()));
  }
  for (std::size_t i = 0; i < state.options.loops; ++i) {
    server->loops_.push_back(std::make_unique<Loop>(state, server->listen_fds_));
  }
  return server;
}

Server::~Server() {
  loops_.clear();
  CloseListeners();
}

void Server::CloseListeners() {
  for (int fd : listen_fds_) close(fd);
  listen_fds_.clear();
}

const std::vector<std::string>& Server::Addresses() const { return addresses_; }

std::uint16_t Server::Port(std::size_t listen) const {
  const std::string& address = addresses_.at(listen);
  return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

void Server::FailReadiness() { state_->is_unready.store(true); }

Status Server::Drain(std::int64_t timeout_ms) {
  state_->accepting.store(loops_.size());
  state_->draining.store(true);
  for (auto& loop : loops_) loop->Drain();
  std::unique_lock lock(state_->mutex);
  bool is_empty = state_->changed.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] {
    return state_->accepting.load() == 0 && state_->open.load() == 0;
  });
  if (is_empty) return Ok();
  return DeadlineExceeded("{} connections were still open after {} ms of draining", state_->open.load(), timeout_ms);
}

}  // namespace sw::net
