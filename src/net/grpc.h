// gRPC's own words in HTTP/2: framing, status, deadline, compression. A message is bytes here.
//
//   Route route{.method = Method::kPost, .pattern = "/inference.GRPCInferenceService/ServerLive",
//               .handler = GrpcUnary([](GrpcCall call) { call.Reply(NewGrpcFrame(2), ...); }),
//               .render_error = RenderGrpcError};
//
// api/grpc puts protobuf on top. Protocol: grpc/doc/PROTOCOL-HTTP2.md. Hostile input.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"

namespace sw::net {

constexpr std::size_t kGrpcPrefixBytes = 5;  // before each message: compressed or not, and its length

// "application/grpc", "application/grpc+proto", with or without parameters.
bool IsGrpc(const Headers& headers);

// gRPC's status code of an error.
int GrpcStatusOf(ErrorCode code);
// A whole answer without a message. `details`: a serialised google.rpc.Status, perhaps empty.
Response GrpcErrorResponse(const Error& error, std::string_view details = {});
Headers GrpcTrailers(const Status& status, std::string_view details = {});

// The header "grpc-timeout" in nanoseconds, none when absent; INVALID_ARGUMENT when it is none.
Result<std::optional<std::int64_t>> GrpcTimeoutNs(const Headers& headers);

// What grpc-encoding says of the messages' compression; UNIMPLEMENTED for one that is not read.
Result<bool> IsGrpcGzip(const Headers& headers);
bool AcceptsGrpcGzip(const Headers& headers);

// Takes messages out of a body that comes in pieces. One owner.
class GrpcReader {
 public:
  GrpcReader(bool is_gzip, std::size_t message_bytes_max) : is_gzip_(is_gzip), bytes_max_(message_bytes_max) {}
  void Add(std::string_view piece);
  // The next whole message; none: more must come. RESOURCE_EXHAUSTED: over the limit; INTERNAL: not gRPC.
  Result<std::optional<std::string>> Next();
  bool IsBetweenMessages() const { return position_ == bytes_.size(); }

 private:
  const bool is_gzip_;
  const std::size_t bytes_max_;
  std::string bytes_;
  std::size_t position_ = 0;
};

// The only message of a unary request, a view into `body`, or into `plain` when it was compressed.
Result<std::string_view> UnaryGrpcMessage(const Headers& headers, std::string_view body, std::size_t message_bytes_max,
                                          std::string* plain);

// Writes the prefix over the first kGrpcPrefixBytes of `frame`, which a message follows; compresses
// when asked and when it is worth it.
void FinishGrpcFrame(std::string& frame, bool may_gzip);

}  // namespace sw::net
