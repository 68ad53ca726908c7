#include "net/client.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <optional>

#include "base/clock.h"
#include "base/errors.h"
#include "net/client_socket.h"
#include "net/response_parser.h"

namespace sw::net {
Client::Client(std::string host, std::uint16_t port, ClientOptions options)
    : host_(std::move(host)), port_(port), options_(std::move(options)) {}

Client::Client(const Url& url, ClientOptions options)
    : host_(url.host), port_(url.port), is_https_(url.is_https), options_(std::move(options)) {}

Client::~Client() = default;
Client::Client(Client&& other) noexcept = default;
Client& Client::operator=(Client&& other) noexcept = default;

Result<Client> Client::FromUrl(std::string_view url, ClientOptions options) {
  std::string_view rest = url;
  while (rest.ends_with('/')) rest.remove_suffix(1);
  const Url parsed = SW_TRY(ParseUrl(rest.find("://") == rest.npos ? fmt::format("http://{}", rest) : std::string(rest)));
  if (parsed.target != "/") return InvalidArgument("not http://HOST:PORT: {}", url);
  return Client(parsed, std::move(options));
}

void Client::Disconnect() {
  socket_.reset();
  in_.clear();
}

Status Client::Connect(std::int64_t deadline_ms) {
  if (is_https_ && !tls_) tls_ = SW_TRY(ClientTlsContext(options_.ca_file));
  const std::vector<SocketAddress> addresses = SW_TRY(options_.egress ? options_.egress->Resolve(host_, port_) : ResolveHost(host_, port_));
  auto socket = ClientSocket::Connect(addresses, host_, tls_.get(), deadline_ms);
  if (!socket && socket.error().code == ErrorCode::kUnavailable) return std::unexpected(std::move(socket).error().Within(fmt::format("port {}", port_)));
  socket_ = SW_TRY(std::move(socket));
  return Ok();
}

void Client::AppendRequest(std::string& out, const ClientRequest& request) const {
  fmt::format_to(std::back_inserter(out), "{} {} HTTP/1.1\r\nHost: {}:{}\r\n", MethodName(request.method), request.target,
                 BracketedHost(host_), port_);
  for (const Headers* headers : {&options_.headers, &request.headers}) {
    for (const auto& [name, value] : headers->Fields()) out.append(name + ": " + value + "\r\n");
  }
  bool has_length = !request.body.empty() || request.method == Method::kPost || request.method == Method::kPut;
  if (has_length) fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", request.body.size());
  out.append("\r\n");
  out.append(request.body);
}

// Sends and receives at once: a server that waits for its answers to be read must not be able to
// block a client that is still sending. False: the server has ended the connection.
Result<bool> Client::Transfer(Sending& sending, std::int64_t deadline_ms) {
  const std::string_view rest = sending.Rest();
  SW_TRY(socket_->Wait(!rest.empty(), deadline_ms));
  if (!rest.empty()) {
    const ssize_t n = socket_->Write(rest.data(), rest.size());
    if (n > 0) sending.sent += static_cast<std::size_t>(n);
    // A server may refuse a body early: its answer is still to be read.
    if (n < 0 && errno != EAGAIN && errno != EINTR) sending.is_refused = true;
  }
  std::array<char, 64 << 10> buffer;
  const ssize_t got = socket_->Read(buffer.data(), buffer.size());
  if (got > 0) in_.append(buffer.data(), static_cast<std::size_t>(got));
  if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR))) return true;
  if (got == 0) return false;
  return BrokeEarly();
}

std::unexpected<Error> Client::BrokeEarly() const {
  return Unavailable("connection to {}:{} broke before the answer was complete", host_, port_);
}

Result<std::vector<Response>> Client::Exchange(const std::string& bytes, std::span<const ClientRequest> requests,
                                               std::int64_t deadline_ms) {
  std::vector<Response> answers;
  std::optional<ResponseParser> parser;
  Sending sending{bytes};
  while (answers.size() < requests.size()) {
    if (!parser) parser.emplace(requests[answers.size()].method == Method::kHead, options_.response_bytes_max);
    std::size_t used = 0;
    bool complete = SW_TRY(parser->Feed(in_, &used));
    in_.erase(0, used);
    bool keep_alive = true;
    if (!complete) {
      if (SW_TRY(Transfer(sending, deadline_ms))) continue;
      if (!parser->FeedEnd()) return BrokeEarly();
      keep_alive = false;
    }
    keep_alive = keep_alive && parser->KeepAlive();
    Response answer = parser->Take();
    parser.reset();
    if (answer.status == 100) continue;
    answers.push_back(std::move(answer));
    if (keep_alive && (answers.size() < requests.size() || sending.sent == bytes.size())) continue;
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
  const std::int64_t end_ms = options_.total_timeout_ms > 0 ? base::MonotonicMs() + options_.total_timeout_ms : INT64_MAX;
  for (bool is_retry : {false, true}) {
    if (socket_ && socket_->IsStale()) Disconnect();
    bool was_kept = socket_ != nullptr;
    if (!was_kept) SW_TRY(Connect(std::min(end_ms, base::MonotonicMs() + options_.connect_timeout_ms)));
    Result<std::vector<Response>> answers = Exchange(bytes, requests, std::min(end_ms, base::MonotonicMs() + options_.timeout_ms));
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

Result<Response> Client::Stream(const ClientRequest& request, const std::function<bool(std::string_view)>& on_piece) {
  Disconnect();
  SW_TRY(Connect(base::MonotonicMs() + options_.connect_timeout_ms));
  std::string bytes;
  AppendRequest(bytes, request);
  Sending sending{bytes};
  ResponseParser parser(request.method == Method::kHead, std::numeric_limits<std::size_t>::max());
  Result<Response> answer = Receive(parser, sending, on_piece);
  Disconnect();
  return answer;
}

Result<Response> Client::Receive(ResponseParser& parser, Sending& sending, const std::function<bool(std::string_view)>& on_piece) {
  while (true) {
    std::size_t used = 0;
    const bool is_complete = SW_TRY(parser.Feed(in_, &used));
    in_.erase(0, used);
    if (parser.HasHead() && parser.Head().status == 200) {
      const std::string piece = parser.TakeBody();
      if (!piece.empty() && !on_piece(piece)) return parser.Take();
    } else if (parser.Head().body.size() > options_.response_bytes_max) {
      return ResourceExhausted("answer is too long (limit response_bytes_max)");
    }
    if (is_complete) return parser.Take();
    if (SW_TRY(Transfer(sending, base::MonotonicMs() + options_.timeout_ms))) continue;
    if (!parser.FeedEnd()) return BrokeEarly();
    return parser.Take();
  }
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
