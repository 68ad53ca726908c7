#include "net/client.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/clock.h"
#include "base/errors.h"
#include "net/response_parser.h"

namespace sw::net {
namespace {

std::int64_t NowMs() { return base::MonotonicNs() / 1'000'000; }

// Waits for `events`; DEADLINE_EXCEEDED when the time is over.
Status Wait(int fd, short events, std::int64_t deadline_ms) {
  for (;;) {
    std::int64_t left = deadline_ms - NowMs();
    if (left <= 0) return DeadlineExceeded("no answer in time (limit timeout_ms)");
    pollfd item{fd, events, 0};
    int ready = poll(&item, 1, static_cast<int>(std::min<std::int64_t>(left, 1'000'000)));
    if (ready > 0) return Ok();
    if (ready < 0 && errno != EINTR) return Unavailable("poll: {}", std::strerror(errno));
  }
}

}  // namespace

Client::Client(std::string host, std::uint16_t port, ClientOptions options)
    : host_(std::move(host)), port_(port), options_(std::move(options)) {}

Client::~Client() { Disconnect(); }

Client::Client(Client&& other) noexcept
    : host_(std::move(other.host_)), port_(other.port_), options_(std::move(other.options_)),
      fd_(std::exchange(other.fd_, -1)), in_(std::move(other.in_)) {}

Client& Client::operator=(Client&& other) noexcept {
  std::swap(host_, other.host_);
  std::swap(port_, other.port_);
  std::swap(options_, other.options_);
  std::swap(fd_, other.fd_);
  std::swap(in_, other.in_);
  return *this;
}

Result<Client> Client::FromUrl(std::string_view url, ClientOptions options) {
  std::string_view rest = url;
  if (rest.starts_with("https://")) return InvalidArgument("https is not spoken by this client: {}", url);
  if (rest.starts_with("http://")) rest.remove_prefix(7);
  while (rest.ends_with('/')) rest.remove_suffix(1);
  std::size_t colon = rest.rfind(':');
  if (colon != rest.npos && rest.find(']', colon) != rest.npos) colon = rest.npos;
  std::string_view host = rest.substr(0, colon);
  std::uint16_t port = 80;
  if (colon != rest.npos) {
    std::string_view digits = rest.substr(colon + 1);
    auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (failed != std::errc() || end != digits.data() + digits.size()) {
      return InvalidArgument("port is not a number from 0 to 65535: {}", url);
    }
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty() || host.find('/') != host.npos) return InvalidArgument("not http://HOST:PORT: {}", url);
  return Client(std::string(host), port, std::move(options));
}

void Client::Disconnect() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  in_.clear();
}

// Whether the server has closed the kept-alive connection meanwhile.
bool Client::IsStale() const {
  char byte = 0;
  return recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || (errno != EAGAIN && errno != EINTR);
}

Status Client::Connect(std::int64_t deadline_ms) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  std::string port = std::to_string(port_);
  if (int failed = getaddrinfo(host_.c_str(), port.c_str(), &hints, &found); failed != 0) {
    return Unavailable("cannot resolve {}: {}", host_, gai_strerror(failed));
  }
  int error = ECONNREFUSED;
  for (addrinfo* at = found; at != nullptr && fd_ < 0; at = at->ai_next) {
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    error = fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      socklen_t length = sizeof(error);
      bool is_ready = Wait(fd, POLLOUT, deadline_ms).has_value();
      error = ETIMEDOUT;
      if (is_ready) getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    }
    if (error == 0) {
      fd_ = fd;
    } else if (fd >= 0) {
      close(fd);
    }
  }
  freeaddrinfo(found);
  if (fd_ < 0) return Unavailable("cannot connect to {}:{}: {}; is the server running?", host_, port_, std::strerror(error));
  int one = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  return Ok();
}

void Client::AppendRequest(std::string& out, const ClientRequest& request) const {
  bool is_v6 = host_.find(':') != std::string::npos;
  fmt::format_to(std::back_inserter(out), "{} {} HTTP/1.1\r\nHost: {}{}{}:{}\r\n", MethodName(request.method),
                 request.target, is_v6 ? "[" : "", host_, is_v6 ? "]" : "", port_);
  for (const Headers* headers : {&options_.headers, &request.headers}) {
    for (const auto& [name, value] : headers->Fields()) out.append(name + ": " + value + "\r\n");
  }
  bool has_length = !request.body.empty() || request.method == Method::kPost || request.method == Method::kPut;
  if (has_length) fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", request.body.size());
  out.append("\r\n");
  out.append(request.body);
}

// Sends and receives at once: a server that waits for its answers to be read must not be able to
// block a client that is still sending.
Result<std::vector<Response>> Client::Exchange(const std::string& bytes, std::span<const ClientRequest> requests) {
  std::int64_t deadline_ms = NowMs() + options_.timeout_ms;
  std::vector<Response> answers;
  std::optional<ResponseParser> parser;
  std::size_t sent = 0;
  bool can_send = true;
  while (answers.size() < requests.size()) {
    if (!parser) parser.emplace(requests[answers.size()].method == Method::kHead, options_.response_bytes_max);
    std::size_t used = 0;
    bool complete = SW_TRY(parser->Feed(in_, &used));
    in_.erase(0, used);
    bool keep_alive = true;
    if (!complete) {
      SW_TRY(Wait(fd_, static_cast<short>(can_send && sent < bytes.size() ? POLLIN | POLLOUT : POLLIN), deadline_ms));
      if (can_send && sent < bytes.size()) {
        ssize_t n = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (n > 0) sent += static_cast<std::size_t>(n);
        // A server may refuse a body early: its answer is still to be read.
        if (n < 0 && errno != EAGAIN && errno != EINTR) can_send = false;
      }
      std::array<char, 64 << 10> buffer;
      ssize_t got = recv(fd_, buffer.data(), buffer.size(), 0);
      if (got > 0) in_.append(buffer.data(), static_cast<std::size_t>(got));
      if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR))) continue;
      if (got < 0 || !parser->FeedEnd()) {
        return Unavailable("connection to {}:{} broke before the answer was complete", host_, port_);
      }
      keep_alive = false;
    }
    keep_alive = keep_alive && parser->KeepAlive();
    Response answer = parser->Take();
    parser.reset();
    if (answer.status == 100) continue;
    answers.push_back(std::move(answer));
    if (keep_alive && (answers.size() < requests.size() || sent == bytes.size())) continue;
    Disconnect();
    if (answers.size() < requests.size()) return Unavailable("server ended the connection after {} answers", answers.size());
  }
  return answers;
}

Result<std::vector<Response>> Client::Pipeline(std::span<const ClientRequest> requests) {
  std::string bytes;
  for (const ClientRequest& request : requests) AppendRequest(bytes, request);
  bool is_safe = std::ranges::all_of(requests, [](const ClientRequest& r) {
    return r.method == Method::kGet || r.method == Method::kHead || r.method == Method::kPut || r.method == Method::kDelete;
  });
  for (bool is_retry : {false, true}) {
    if (fd_ >= 0 && IsStale()) Disconnect();
    bool was_kept = fd_ >= 0;
    if (!was_kept) SW_TRY(Connect(NowMs() + options_.connect_timeout_ms));
    Result<std::vector<Response>> answers = Exchange(bytes, requests);
    if (answers) return answers;
    Disconnect();  // what is left on it belongs to nobody
    bool may_retry = was_kept && is_safe && !is_retry && answers.error().code == ErrorCode::kUnavailable;
    if (!may_retry) return answers;
  }
  return Internal("unreachable");
}

Result<Response> Client::Send(const ClientRequest& request) {
  std::vector<Response> answers = SW_TRY(Pipeline({&request, 1}));
  return std::move(answers.front());
}

Result<Response> Client::Get(std::string target) { return Send({.target = std::move(target)}); }

Result<Response> Client::Post(std::string target, const Json& body) {
  return Send({Method::kPost, std::move(target), body.Dump(), {{"Content-Type", "application/json"}}});
}

Result<Json> Client::Call(Method method, std::string target, const Json* body) {
  ClientRequest request{method, std::move(target), {}, {}};
  if (body != nullptr) {
    request.body = body->Dump();
    request.headers.Add("Content-Type", "application/json");
  }
  Response answer = SW_TRY(Send(request));
  return JsonOf(answer);
}

}  // namespace sw::net
