#include "trace/tracer.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/clock.h"

namespace sw::trace {
namespace {

// gRPC's names of its codes, in their order.
constexpr std::string_view kGrpcCodes[] = {
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
    "UNAUTHENTICATED"};

std::string GrpcCode(int status) {
  const auto code = static_cast<std::size_t>(status);
  return code < std::size(kGrpcCodes) ? std::string(kGrpcCodes[code]) : std::to_string(status);
}

// The server's own fault, not the client's, by the conventions.
bool IsGrpcFault(int status) {
  constexpr int kFaults[] = {2, 4, 12, 13, 14, 15};
  return std::ranges::find(kFaults, status) != std::end(kFaults);
}

std::int64_t SystemUnixNs() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
}

void AddHost(Span& span, std::string_view host) {
  const std::size_t bracket = host.find(']');
  const std::size_t colon = host.find(':', bracket == host.npos ? 0 : bracket);
  std::int64_t port = 0;
  for (const char c : colon == host.npos ? std::string_view() : host.substr(colon + 1)) {
    if (c < '0' || c > '9' || port > 65'535) return;
    port = 10 * port + (c - '0');
  }
  if (host.empty()) return;
  span.attributes.push_back({"server.address", std::string(host.substr(0, colon))});
  if (colon != host.npos) span.attributes.push_back({"server.port", port});
}

void Fault(Span& span, std::string type) {
  span.is_error = true;
  span.message = type;
  span.attributes.push_back({"error.type", std::move(type)});
}

void DescribeRpc(Span& span, const net::FinishedRequest& request) {
  span.attributes.push_back({"rpc.system.name", "grpc"});
  if (request.route != nullptr) {
    span.name = request.route->pattern.substr(1);  // package.Service/Method
    span.attributes.push_back({"rpc.method", span.name});
  } else {
    span.name = "grpc";  // a name that anybody may make up would be one of ever more
    span.attributes.push_back({"rpc.method", "_OTHER"});
  }
  if (!request.grpc_status) return;
  span.attributes.push_back({"rpc.response.status_code", GrpcCode(*request.grpc_status)});
  if (IsGrpcFault(*request.grpc_status)) Fault(span, GrpcCode(*request.grpc_status));
}

void DescribeHttp(Span& span, const net::FinishedRequest& request) {
  const bool is_known = request.method != net::Method::kOther;
  span.name = is_known ? net::MethodName(request.method) : "HTTP";
  span.attributes.push_back({"http.request.method", is_known ? span.name : std::string("_OTHER")});
  if (request.route != nullptr) {
    span.name += " " + request.route->pattern;
    span.attributes.push_back({"http.route", request.route->pattern});
  }
  span.attributes.push_back({"url.scheme", request.is_tls ? "https" : "http"});
  span.attributes.push_back({"url.path", request.path});
  if (request.status != 0) span.attributes.push_back({"http.response.status_code", request.status});
  if (request.status >= 500) Fault(span, std::to_string(request.status));
}

}  // namespace

Span SpanOf(const net::FinishedRequest& request, std::int64_t offset_ns) {
  Span span;
  span.context = request.trace;
  if (request.parent) span.parent = request.parent->span;
  span.is_parent_remote = request.parent.has_value();
  span.tracestate = request.tracestate;
  span.kind = SpanKind::kServer;
  span.begin_ns = request.begin_ns + offset_ns;
  span.end_ns = request.end_ns + offset_ns;
  if (request.is_grpc) {
    DescribeRpc(span, request);
  } else {
    DescribeHttp(span, request);
  }
  if (request.status == 0) Fault(span, "cancelled");
  span.attributes.push_back({"network.protocol.name", "http"});
  span.attributes.push_back({"network.protocol.version", std::string(request.http_version)});
  span.attributes.push_back({"network.peer.address", request.peer});
  span.attributes.push_back({"client.address", request.peer});
  AddHost(span, request.host);
  if (!request.user_agent.empty()) span.attributes.push_back({"user_agent.original", request.user_agent});
  if (!request.request_id.empty()) span.attributes.push_back({"seaworthy.request_id", request.request_id});
  return span;
}

Tracer::Tracer(Options options, Sink sink)
    : options_(std::move(options)), sink_(std::move(sink)),
      seeds_{options_.random.NextU64(), options_.random.NextU64(), options_.random.NextU64()} {
  if (!options_.monotonic_ns) options_.monotonic_ns = base::MonotonicNs;
  if (!options_.unix_ns) options_.unix_ns = SystemUnixNs;
}

// A mix is one to one: no id comes twice from one tracer. Zero stands for none.
std::array<std::uint8_t, 8> Tracer::NewSpanId() {
  const std::uint64_t id = std::max<std::uint64_t>(base::MixU64(seeds_[0] + count_.fetch_add(1, std::memory_order_relaxed)), 1);
  std::array<std::uint8_t, 8> bytes;
  std::memcpy(bytes.data(), &id, sizeof(id));
  return bytes;
}

base::TraceContext Tracer::Begin(const std::optional<base::TraceContext>& parent) {
  base::TraceContext context;
  if (parent) context = *parent;
  context.span = NewSpanId();
  if (parent) return context;
  std::uint64_t number = 0;
  std::memcpy(&number, context.span.data(), sizeof(number));
  const std::uint64_t halves[2] = {base::MixU64(seeds_[1] + number), std::max<std::uint64_t>(base::MixU64(seeds_[2] + number), 1)};
  std::memcpy(context.trace.data(), halves, sizeof(halves));
  constexpr double kAll = 0x1p53;
  const bool is_sampled = static_cast<double>(halves[1] >> 11) < options_.ratio * kAll;
  context.flags = base::TraceContext::kRandom | (is_sampled ? base::TraceContext::kSampled : 0);
  return context;
}

std::int64_t Tracer::OffsetNs() const { return options_.unix_ns() - options_.monotonic_ns(); }

void Tracer::End(net::FinishedRequest request) {
  if (!request.trace.IsSampled()) return;
  std::vector<Span> spans;
  spans.push_back(SpanOf(request, OffsetNs()));
  sink_(std::move(spans));
}

void Tracer::AddPart(std::string_view traceparent, Span span, Child times, const std::vector<Child>& children) {
  const std::optional<base::TraceContext> parent = base::ParseTraceparent(traceparent);
  if (!parent || !parent->IsSampled()) return;
  const std::int64_t offset_ns = OffsetNs();
  span.name = std::move(times.name);
  span.context = *parent;
  span.context.span = NewSpanId();
  span.parent = parent->span;
  span.begin_ns = times.begin_ns + offset_ns;
  span.end_ns = times.end_ns + offset_ns;
  std::vector<Span> spans;
  spans.reserve(1 + children.size());
  for (const Child& child : children) {
    Span part;
    part.name = child.name;
    part.context = span.context;
    part.context.span = NewSpanId();
    part.parent = span.context.span;
    part.begin_ns = child.begin_ns + offset_ns;
    part.end_ns = child.end_ns + offset_ns;
    spans.push_back(std::move(part));
  }
  spans.push_back(std::move(span));
  sink_(std::move(spans));
}

}  // namespace sw::trace
