// Tracer: makes spans of the requests that a server tells of, and of what happened within them.
//
//   Tracer tracer({.ratio = 0.1, .random = base::Random::FromSystem()}, exporter);
//   server_options.observer = &tracer;
//   ...
//   tracer.Add(parent, {stage, ...});     // within a request: parent is its Caller::trace
//
// A request with a parent is sampled when its parent was; of the others, a share by the trace's id. Names
// and attributes follow OpenTelemetry's semantic conventions for HTTP servers and for RPC. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "net/observer.h"
#include "trace/span.h"

namespace sw::trace {

// Pure: what a request becomes. `offset_ns` takes its monotonic times to those since 1970.
Span SpanOf(const net::FinishedRequest& request, std::int64_t offset_ns);

class Tracer final : public net::RequestObserver {
 public:
  using Sink = std::function<void(std::vector<Span>)>;
  struct Options {
    double ratio = 1;  // of requests without a parent, 0 to 1
    base::Random random{0};
    std::function<std::int64_t()> monotonic_ns = {};  // as the server's; empty: base::MonotonicNs
    std::function<std::int64_t()> unix_ns = {};       // empty: the system's clock
  };
  Tracer(Options options, Sink sink);

  base::TraceContext Begin(const std::optional<base::TraceContext>& parent) override;
  void End(net::FinishedRequest request) override;

  struct Child {
    std::string name;
    std::int64_t begin_ns = 0, end_ns = 0;  // monotonic
  };
  // `span` without context, parent and times, and its own children: a part of the request whose
  // traceparent this is. Nothing when that was not sampled.
  void AddPart(std::string_view traceparent, Span span, Child times, const std::vector<Child>& children);

 private:
  std::array<std::uint8_t, 8> NewSpanId();
  std::int64_t OffsetNs() const;

  Options options_;
  const Sink sink_;
  const std::uint64_t seeds_[3];
  std::atomic<std::uint64_t> count_{0};
};

}  // namespace sw::trace
