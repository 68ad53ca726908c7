// RequestObserver: is told of each request, for traces or a log of accesses.
//
//   class Observer final : public net::RequestObserver { ... };
//   options.observer = &observer;    // of ServerOptions; null costs nothing
//
// Called on the loops: both functions must be thread-safe, and quick.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/trace_context.h"
#include "net/router.h"

namespace sw::net {

struct FinishedRequest {
  base::TraceContext trace = {};                     // as Begin answered
  std::optional<base::TraceContext> parent = {};     // of the client; none when it sent none, or nonsense
  std::string tracestate = {};                       // of the client; "" without a parent
  Method method = Method::kOther;
  const Route* route = nullptr;  // null: none has that method and path
  bool is_grpc = false;
  bool is_tls = false;
  std::string_view http_version = {};                // "1.0", "1.1" or "2"
  int status = 0;                                    // 0: the client went away before it was answered
  std::optional<int> grpc_status = {};
  std::int64_t begin_ns = 0, end_ns = 0;             // ServerOptions::now_ns, from the end of its head to its answer
  std::string peer = {};                             // address of the client, without port
  std::string request_id = {};                       // the X-Request-Id that it was answered with
  // Of a sampled request only.
  std::string path = {};                             // without the query
  std::string host = {};
  std::string user_agent = {};
};

class RequestObserver {
 public:
  virtual ~RequestObserver() = default;
  // At the end of a request's head: its own place in its trace, which handlers find in Caller::trace.
  virtual base::TraceContext Begin(const std::optional<base::TraceContext>& parent) = 0;
  virtual void End(FinishedRequest request) = 0;
};

}  // namespace sw::net
