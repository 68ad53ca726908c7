#include "api/grpc/service.h"

#include <proto/status.pb.h>

#include <array>
#include <vector>

#include "base/errors.h"
#include "net/grpc.h"

namespace sw::grpc {
namespace {

constexpr std::size_t kBlockBytes = 32u << 10;
constexpr std::string_view kDomain = "seaworthy";

std::string DetailsOf(const Error& error) {
  google::rpc::Status status;
  status.set_code(net::GrpcStatusOf(error.code));
  status.set_message(error.message);
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(base::ErrorCodeName(error.code)));
  info.set_domain(std::string(kDomain));
  status.add_details()->PackFrom(info);
  return status.SerializeAsString();
}

}  // namespace

struct ScratchArena::Block {
  Block() : arena(Options(memory)) {}
  static google::protobuf::ArenaOptions Options(std::array<char, kBlockBytes>& memory) {
    google::protobuf::ArenaOptions options;
    options.initial_block = memory.data();
    options.initial_block_size = memory.size();
    return options;
  }
  alignas(std::max_align_t) std::array<char, kBlockBytes> memory;
  google::protobuf::Arena arena;
};

std::vector<std::unique_ptr<ScratchArena::Block>>& ScratchArena::FreeBlocks() {
  thread_local std::vector<std::unique_ptr<Block>> blocks;
  return blocks;
}

ScratchArena::ScratchArena() {
  auto& free = FreeBlocks();
  if (free.empty()) {
    block_ = std::make_unique<Block>();
    return;
  }
  block_ = std::move(free.back());
  free.pop_back();
}

ScratchArena::~ScratchArena() {
  block_->arena.Reset();
  FreeBlocks().push_back(std::move(block_));
}

google::protobuf::Arena* ScratchArena::Get() { return &block_->arena; }

Call CallOf(net::Request& request, const base::Clock& clock) {
  Call call{std::move(request.caller), std::move(request.headers)};
  const Result<std::optional<std::int64_t>> timeout = net::GrpcTimeoutNs(call.metadata);
  if (timeout && *timeout) call.caller.deadline = clock.Now() + **timeout / 1'000;
  return call;
}

Error Unreadable(std::string_view type) { return InvalidArgument("the message is no {}", type).error(); }

net::Headers TrailersOf(const Status& status) { return net::GrpcTrailers(status, status ? std::string() : DetailsOf(status.error())); }

net::Response NotGrpc() {
  return net::ErrorResponse(415, InvalidArgument("this path is for gRPC over HTTP/2; send content-type application/grpc").error());
}

net::Response RenderError(int, const Error& error) { return net::GrpcErrorResponse(error, DetailsOf(error)); }

void Sender::SendMessage(const google::protobuf::MessageLite& message) const {
  const std::size_t bytes = net::kGrpcPrefixBytes + message.ByteSizeLong();
  net::Response response{200, {{"content-type", "application/grpc"}}};
  // libstdc++ 12 may tell a greater size than it was asked for.
  response.body.resize_and_overwrite(bytes, [&](char* data, std::size_t) {
    message.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(data) + net::kGrpcPrefixBytes);
    return bytes;
  });
  net::FinishGrpcFrame(response.body, may_gzip_);
  if (may_gzip_) response.headers.Add("grpc-encoding", "gzip");
  response.trailers = net::GrpcTrailers(Ok());
  responder_.Send(std::move(response));
}

void Sender::Fail(const Error& error) const { responder_.Send(RenderError(0, error)); }

net::Route UntypedUnary(const base::Clock& clock, std::string path, std::string scope, UntypedHandler handler) {
  const std::string summary = "gRPC " + path.substr(1);
  return {.method = net::Method::kPost,
          .pattern = std::move(path),
          .scope = std::move(scope),
          .is_grpc = true,
          .handler =
              [&clock, handler = std::move(handler)](net::Request request, const net::Responder& responder) {
                if (!net::IsGrpc(request.headers)) return responder.Send(NotGrpc());
                std::string plain;
                const Result<std::string_view> message =
                    net::UnaryGrpcMessage(request.headers, request.body, kMessageBytesMax, &plain);
                if (!message) return responder.Send(RenderError(0, message.error()));
                const bool may_gzip = request.headers.Get("grpc-encoding") == "gzip" && net::AcceptsGrpcGzip(request.headers);
                handler(CallOf(request, clock), *message, Sender(responder, may_gzip));
              },
          .render_error = RenderError,
          .summary = summary};
}

}  // namespace sw::grpc
