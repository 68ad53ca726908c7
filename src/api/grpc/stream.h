// Streams of gRPC messages, both ways: a method that is no Unary.
//
//   routes.push_back(Streaming<Request, Response>(clock, "/inference.GRPCInferenceService/ModelStreamInfer", scope,
//       [](std::shared_ptr<Stream<Request, Response>> stream) { Next(stream); }));
//
// A stream reads only when it is asked, and writes no more than its client takes. Thread-safe; one Read and
// one Write at a time.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "api/grpc/service.h"
#include "net/grpc.h"

namespace sw::grpc {

// What all streams that share it may have read together, while they live.
class StreamBudget {
 public:
  explicit StreamBudget(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  Status Take(std::size_t bytes);  // RESOURCE_EXHAUSTED
  void GiveBack(std::size_t bytes) { taken_ -= bytes; }

 private:
  const std::size_t bytes_max_;
  std::atomic<std::size_t> taken_{0};
};

struct StreamLimits {
  std::size_t message_bytes_max = kMessageBytesMax;
  std::shared_ptr<StreamBudget> budget = nullptr;  // none: only each message is bounded
};

class UntypedStream : public std::enable_shared_from_this<UntypedStream> {
 public:
  using Taken = std::move_only_function<void(Result<std::optional<std::string>>)>;
  UntypedStream(Call call, net::BodyReader body, net::Responder responder, bool is_gzip, StreamLimits limits = {});
  ~UntypedStream();
  UntypedStream(const UntypedStream&) = delete;
  UntypedStream& operator=(const UntypedStream&) = delete;

  const Call& GetCall() const { return call_; }
  // The next message; none at their end.
  void ReadBytes(Taken taken);
  // `then` runs once there is room for more; never when the client has gone.
  void WriteMessage(const google::protobuf::MessageLite& message, std::move_only_function<void()> then);
  void Finish(const Status& status);
  bool Cancelled() const { return responder_.Cancelled(); }
  void OnCancel(std::move_only_function<void()> callback) { responder_.OnCancel(std::move(callback)); }

 private:
  void Drive();
  void WritePieces(std::string frame, std::size_t position, std::move_only_function<void()> then);

  const Call call_;
  const net::BodyReader body_;
  const net::Responder responder_;
  const std::shared_ptr<StreamBudget> budget_;
  std::size_t taken_bytes_ = 0;  // of the budget; only of who drives
  std::mutex mutex_;
  net::GrpcReader reader_;   // only of who drives
  bool has_ended_ = false;   // likewise
  bool is_driven_ = false;   // guarded by mutex_
  Taken taken_;              // guarded by mutex_
};

template <typename Request, typename Response>
class Stream final : public UntypedStream {
 public:
  using UntypedStream::UntypedStream;
  // nullptr at the end; the message is gone when `taken` returns.
  void Read(std::move_only_function<void(Result<const Request*>)> taken) {
    ReadBytes([taken = std::move(taken)](Result<std::optional<std::string>> bytes) mutable {
      if (!bytes) return taken(std::unexpected(bytes.error()));
      if (!*bytes) return taken(nullptr);
      Scratch<Request> message;
      if (!message->ParseFromString(**bytes)) return taken(std::unexpected(Unreadable(message->GetTypeName())));
      taken(&*message);
    });
  }
  void Write(const Response& response, std::move_only_function<void()> then) { WriteMessage(response, std::move(then)); }
};

// One message after the other, each read once what was written about the one before it has room:
// `answer(request, write)` calls `write(response)` once, perhaps later, from any thread.
template <typename Request, typename Response, typename Answer>
void AnswerEach(const std::shared_ptr<Stream<Request, Response>>& stream, const Answer& answer) {
  stream->Read([stream, answer](Result<const Request*> request) {
    if (!request) return stream->Finish(std::unexpected(request.error()));
    if (*request == nullptr) return stream->Finish(Ok());
    answer(**request, [stream, answer](const Response& response) {
      stream->Write(response, [stream, answer] { AnswerEach(stream, answer); });
    });
  });
}

using MakeStream = std::function<std::shared_ptr<UntypedStream>(Call, net::BodyReader, net::Responder, bool is_gzip)>;
net::Route UntypedStreaming(const base::Clock& clock, std::string path, std::string scope, MakeStream make);

template <typename Request, typename Response>
net::Route Streaming(const base::Clock& clock, std::string path, std::string scope,
                     std::function<void(std::shared_ptr<Stream<Request, Response>>)> handler, StreamLimits limits = {}) {
  return UntypedStreaming(clock, std::move(path), std::move(scope),
                          [handler = std::move(handler), limits = std::move(limits)](Call call, net::BodyReader body, net::Responder responder, bool is_gzip) {
                            auto stream = std::make_shared<Stream<Request, Response>>(std::move(call), std::move(body), std::move(responder), is_gzip, limits);
                            handler(stream);
                            return stream;
                          });
}

}  // namespace sw::grpc
