#include "api/grpc/stream.h"

#include "base/errors.h"

namespace sw::grpc {
namespace {

constexpr std::size_t kPieceBytes = 64u << 10;

}  // namespace

UntypedStream::UntypedStream(Call call, net::BodyReader body, net::Responder responder, bool is_gzip, StreamLimits limits)
    : call_(std::move(call)), body_(std::move(body)), responder_(std::move(responder)), budget_(std::move(limits.budget)), reader_(is_gzip, limits.message_bytes_max) {}

UntypedStream::~UntypedStream() {
  if (budget_ != nullptr) budget_->GiveBack(taken_bytes_);
}

Status StreamBudget::Take(std::size_t bytes) {
  if (taken_.fetch_add(bytes) + bytes <= bytes_max_) return Ok();
  taken_ -= bytes;
  return ResourceExhausted("limit stream_budget: uploads take {} bytes together, the most there may be; try again later", bytes_max_);
}

void UntypedStream::ReadBytes(Taken taken) {
  {
    std::lock_guard lock(mutex_);
    taken_ = std::move(taken);
    if (std::exchange(is_driven_, true)) return;
  }
  Drive();
}

// One caller at a time, which goes on while messages are asked for: asking from within `taken` comes back
// here instead of going deeper.
void UntypedStream::Drive() {
  while (true) {
    Taken taken;
    {
      std::lock_guard lock(mutex_);
      if (!taken_) {
        is_driven_ = false;
        return;
      }
      taken = std::exchange(taken_, nullptr);
    }
    Result<std::optional<std::string>> message = reader_.Next();
    if (!message || *message) {
      taken(std::move(message));
      continue;
    }
    if (has_ended_) {
      taken(reader_.IsBetweenMessages() ? Result<std::optional<std::string>>(std::nullopt)
                                        : Internal("the stream ends within a gRPC message"));
      continue;
    }
    body_.Read([self = shared_from_this(), taken = std::move(taken)](Result<std::string> piece) mutable {
      if (!piece) return taken(std::unexpected(piece.error()));
      if (self->budget_ != nullptr) {
        if (Status taken_bytes = self->budget_->Take(piece->size()); !taken_bytes) return taken(std::unexpected(taken_bytes.error()));
        self->taken_bytes_ += piece->size();
      }
      self->has_ended_ = piece->empty();
      self->reader_.Add(*piece);
      {
        std::lock_guard lock(self->mutex_);
        self->taken_ = std::move(taken);
      }
      self->Drive();
    });
    return;
  }
}

void UntypedStream::WriteMessage(const google::protobuf::MessageLite& message, std::move_only_function<void()> then) {
  std::string frame(net::kGrpcPrefixBytes, '\0');
  message.AppendToString(&frame);
  net::FinishGrpcFrame(frame, false);
  WritePieces(std::move(frame), 0, std::move(then));
}

void UntypedStream::WritePieces(std::string frame, std::size_t position, std::move_only_function<void()> then) {
  if (!responder_.TryWrite(frame.substr(position, kPieceBytes))) return;  // the client has gone
  position += kPieceBytes;
  responder_.OnWritable([self = shared_from_this(), frame = std::move(frame), position, then = std::move(then)]() mutable {
    if (position < frame.size()) return self->WritePieces(std::move(frame), position, std::move(then));
    if (!self->Cancelled()) then();
  });
}

void UntypedStream::Finish(const Status& status) { responder_.Finish(TrailersOf(status)); }

net::Route UntypedStreaming(const base::Clock& clock, std::string path, std::string scope, MakeStream make) {
  const std::string summary = "gRPC " + path.substr(1) + ", a stream";
  return {.method = net::Method::kPost,
          .pattern = std::move(path),
          .scope = std::move(scope),
          .is_grpc = true,
          .stream_handler =
              [&clock, make = std::move(make)](net::Request request, net::BodyReader body, const net::Responder& responder) {
                if (!net::IsGrpc(request.headers)) return responder.Send(NotGrpc());
                const Result<bool> is_gzip = net::IsGrpcGzip(request.headers);
                if (!is_gzip) return responder.Send(RenderError(0, is_gzip.error()));
                if (!responder.Start(200, {{"content-type", "application/grpc"}, {"grpc-accept-encoding", "identity,gzip"}})) return;
                make(CallOf(request, clock), std::move(body), responder, *is_gzip);
              },
          .render_error = RenderError,
          .summary = summary};
}

}  // namespace sw::grpc
