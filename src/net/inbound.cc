#include "net/inbound.h"

#include <charconv>
#include <exception>
#include <utility>

#include "base/errors.h"
#include "net/grpc.h"

namespace sw::net {
namespace {

// Several parents are none.
std::optional<base::TraceContext> ParentOf(const Headers& headers) {
  const std::string* found = nullptr;
  for (const auto& [name, value] : headers.Fields()) {
    if (!EqualsNoCase(name, "traceparent")) continue;
    if (found != nullptr) return std::nullopt;
    found = &value;
  }
  return found == nullptr ? std::nullopt : base::ParseTraceparent(*found);
}

std::string TracestateOf(const Headers& headers) {
  std::string joined;
  for (const auto& [name, value] : headers.Fields()) {
    if (EqualsNoCase(name, "tracestate")) joined.append(joined.empty() ? "" : ",").append(value);
  }
  return base::CleanTracestate(joined);
}

// The outermost wall: a handler's exception ends its request, not the server.
void Handle(const Route& route, Request request, const std::shared_ptr<Exchange>& exchange, const Responder& responder) {
  try {
    if (route.handler) {
      route.handler(std::move(request), responder);
    } else {
      route.stream_handler(std::move(request), BodyReader(exchange), responder);
    }
  } catch (const std::exception& e) {
    responder.SendError(Internal("handler failed: {}", e.what()).error());
  }
}

}  // namespace

std::optional<Response> Inbound::Begin(ServerState& state, const Carrier& carrier, std::shared_ptr<Exchange> exchange,
                                       Request request, Match match, std::optional<std::uint64_t> content_length) {
  state_ = &state;
  exchange_ = std::move(exchange);
  route_ = match.route;
  request_ = std::move(request);
  request_.params = std::move(match.params);
  begin_ns_ = state.options.now_ns();
  accepted_ = ChooseEncoding(request_.headers.Get("accept-encoding"));
  is_grpc_ = IsGrpc(request_.headers);
  if (state.options.observer != nullptr) Observe(carrier);
  if (std::optional<Response> refused = CheckHost(carrier.listen)) return refused;
  if (route_ == nullptr) {
    Response response = RenderError(match.status, match.error);
    if (!match.allow.empty()) response.headers.Add("Allow", match.allow);
    return response;
  }
  if (route_->is_readiness && state.is_unready.load()) return RenderError(503, Unavailable("the server is shutting down").error());
  if (std::optional<Response> refused = CheckRate()) return refused;
  if (!route_->scope.empty()) {
    Result<Caller> caller = state.options.authorize(request_, *route_);
    if (!caller) return RenderError(base::HttpStatus(caller.error().code), caller.error());
    request_.caller = *std::move(caller);
  }
  if (observed_) request_.caller.trace = base::FormatTraceparent(observed_->trace);
  if (std::optional<Response> refused = CheckEncoding()) return refused;
  body_bytes_max_ = route_->body_bytes_max != 0 ? route_->body_bytes_max : state.options.limits.body_bytes_max;
  if (!Streaming() && content_length && *content_length > body_bytes_max_) return BodyTooLong();
  return std::nullopt;
}

void Inbound::Observe(const Carrier& carrier) {
  observed_ = std::make_unique<FinishedRequest>();
  FinishedRequest& observed = *observed_;
  observed.parent = ParentOf(request_.headers);
  observed.trace = state_->options.observer->Begin(observed.parent);
  observed.method = request_.method;
  observed.route = route_;
  observed.is_grpc = is_grpc_;
  observed.is_tls = carrier.is_tls;
  observed.http_version = carrier.http_version;
  observed.begin_ns = begin_ns_;
  observed.peer = request_.peer;
  if (!observed.trace.IsSampled()) return;
  if (observed.parent) observed.tracestate = TracestateOf(request_.headers);
  observed.path = request_.path;
  observed.host = request_.headers.Get("host");
  observed.user_agent = request_.headers.Get("user-agent");
}

void Inbound::Note(const Headers& fields) {
  if (const std::string* id = fields.Find("x-request-id")) observed_->request_id = *id;
  const std::string_view status = fields.Get("grpc-status");
  int code = 0;
  if (std::from_chars(status.data(), status.data() + status.size(), code).ec == std::errc()) observed_->grpc_status = code;
}

void Inbound::TellObserver(int status) {
  if (!observed_) return;
  observed_->status = status;
  observed_->end_ns = state_->options.now_ns();
  state_->options.observer->End(std::move(*std::exchange(observed_, nullptr)));
}

void Inbound::BeginBroken(ServerState& state, std::shared_ptr<Exchange> exchange) {
  state_ = &state;
  exchange_ = std::move(exchange);
  begin_ns_ = state.options.now_ns();
}

Response Inbound::RenderError(int status, const Error& error) const {
  if (route_ != nullptr) return route_->RenderError(status, error);
  return is_grpc_ ? GrpcErrorResponse(status == 404 ? Unimplemented("{}", error.message).error() : error)
                  : ErrorResponse(status, error);
}

// Without this, a page from elsewhere could reach a server that trusts loopback (DNS rebinding).
std::optional<Response> Inbound::CheckHost(const Listen& listen) {
  if (!listen.loopback_only) return std::nullopt;
  const std::string* host = request_.headers.Find("host");
  const std::string* origin = request_.headers.Find("origin");
  const bool is_host_fine = host == nullptr || IsLoopbackHost(*host);
  bool is_origin_fine = true;
  if (origin != nullptr) {
    const std::size_t scheme = origin->find("://");
    is_origin_fine = scheme != std::string::npos && IsLoopbackHost(std::string_view(*origin).substr(scheme + 3));
  }
  if (is_host_fine && is_origin_fine) return std::nullopt;
  state_->CountRefused("loopback_host");
  const Error error = PermissionDenied("this address answers only to Host and Origin localhost; "
                                       "configure a key to listen for others").error();
  return is_grpc_ ? GrpcErrorResponse(error) : ErrorResponse(error);
}

std::optional<Response> Inbound::CheckRate() {
  if (state_->rates.Take(request_.peer, state_->options.now_ns())) return std::nullopt;
  state_->CountRefused("requests_per_second_max");
  const Error error = ResourceExhausted("more than {} requests a second from {} (limit requests_per_second_max)",
                                        state_->options.limits.requests_per_second_max, request_.peer).error();
  return RenderError(base::HttpStatus(error.code), error);
}

// A streamed body is read as it is.
std::optional<Response> Inbound::CheckEncoding() {
  const std::string_view header = request_.headers.Get("content-encoding");
  const std::optional<Encoding> encoding = ParseContentEncoding(header);
  if (encoding && (*encoding == Encoding::kIdentity || !Streaming())) {
    encoding_ = *encoding;
    return std::nullopt;
  }
  Response response = RenderError(
      415, InvalidArgument("Content-Encoding {} is not read here; {}", header.substr(0, 64),
                           Streaming() ? "send the bytes as they are" : "gzip and deflate are").error());
  response.headers.Add("Accept-Encoding", Streaming() ? "identity" : "gzip, deflate");
  return response;
}

Response Inbound::BodyTooLong() {
  state_->CountRefused("body_bytes_max");
  return RenderError(413, ResourceExhausted("body is longer than {} bytes (limit body_bytes_max of {} {})", body_bytes_max_,
                                            MethodName(route_->method), route_->pattern).error());
}

std::optional<Response> Inbound::Charge(std::size_t bytes) {
  if (request_.body.size() > body_bytes_max_) return BodyTooLong();
  charged_bytes_ += bytes;
  const auto added = static_cast<std::int64_t>(bytes);
  const auto total = static_cast<std::size_t>(state_->bodies_bytes.fetch_add(added) + added);
  if (total <= state_->options.limits.bodies_bytes_max) return std::nullopt;
  state_->CountRefused("bodies_bytes_max");
  return RenderError(503, Unavailable("too many bytes of bodies at once (limit bodies_bytes_max); try again").error());
}

std::optional<Response> Inbound::Decompress() {
  if (encoding_ == Encoding::kIdentity) return std::nullopt;
  Result<std::string> plain = net::Decompress(encoding_, request_.body, body_bytes_max_);
  if (!plain) {
    const bool is_long = plain.error().code == ErrorCode::kResourceExhausted;
    if (is_long) state_->CountRefused("body_bytes_max");
    return RenderError(is_long ? 413 : 400, plain.error());
  }
  const std::size_t before = request_.body.size();
  request_.body = *std::move(plain);
  return request_.body.size() <= before ? std::nullopt : Charge(request_.body.size() - before);
}

void Inbound::Dispatch() {
  if (std::optional<Response> refused = Decompress()) return exchange_->Send(*std::move(refused));
  Responder responder(exchange_);
  if (!route_->slow) return Handle(*route_, std::move(request_), exchange_, responder);
  const ServerOptions& options = state_->options;
  base::Executor& threads = *(route_->patient && options.patient != nullptr ? options.patient : options.executor);
  Status queued = threads.Submit([route = route_, request = std::move(request_), exchange = exchange_, responder]() mutable {
    Handle(*route, std::move(request), exchange, responder);
  });
  if (!queued) responder.SendError(queued.error());
}

void Inbound::Compress(Response& response, bool is_head) const {
  const bool is_plain = response.headers.Find("content-encoding") == nullptr;
  const bool is_worth = IsWorthCompressing(response.headers.Get("content-type"), response.body.size());
  if (!is_plain || !is_worth || is_head) return;
  response.headers.Add("Vary", "Accept-Encoding");
  if (accepted_ == Encoding::kIdentity) return;
  response.body = net::Compress(accepted_, response.body);
  response.headers.Add("Content-Encoding", std::string(EncodingName(accepted_)));
}

void Inbound::Release() {
  if (state_ != nullptr) state_->bodies_bytes.fetch_sub(static_cast<std::int64_t>(charged_bytes_));
  charged_bytes_ = 0;
  request_ = {};
  route_ = nullptr;
  is_grpc_ = false;
  encoding_ = accepted_ = Encoding::kIdentity;
}

void Inbound::Finish(int status) {
  const std::shared_ptr<Exchange> exchange = std::exchange(exchange_, nullptr);
  exchange->Detach();
  exchange->Release();
  exchange->Deliver(Cancelled("the request was already answered"));
  state_->status_class[std::clamp(status / 100, 0, 5)]->Add();
  if (!exchange->IsEndless()) state_->latency->Record(state_->options.now_ns() - begin_ns_);
  TellObserver(status);
  Release();
}

void Inbound::Abort() {
  TellObserver(0);
  const std::shared_ptr<Exchange> exchange = std::exchange(exchange_, nullptr);
  Release();
  if (!exchange) return;
  exchange->Detach();
  exchange->Cancel();
  exchange->Deliver(Cancelled("client went away"));
  exchange->Release();
}

}  // namespace sw::net
