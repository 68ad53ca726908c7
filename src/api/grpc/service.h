// Typed gRPC methods as routes: protobuf's messages over net/grpc.h.
//
//   routes.push_back(Unary<ServerLiveRequest, ServerLiveResponse>(
//       clock, "/inference.GRPCInferenceService/ServerLive", "",
//       [](const Call&, const ServerLiveRequest&, const Reply<ServerLiveResponse>& reply) {
//         Scratch<ServerLiveResponse> response;
//         response->set_live(true);
//         reply.Send(*response);
//       }));
//
// A request's message is gone when the handler returns; a Reply may be kept, by any thread. Errors get
// gRPC's code, the message, and google.rpc.ErrorInfo in the details. Thread-safe.
#pragma once

#include <google/protobuf/arena.h>
#include <google/protobuf/message_lite.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/http.h"
#include "net/responder.h"
#include "net/router.h"

namespace sw::grpc {

// A message that lives in memory which its thread keeps for the next one.
class ScratchArena {
 public:
  ScratchArena();
  ~ScratchArena();
  ScratchArena(const ScratchArena&) = delete;
  ScratchArena& operator=(const ScratchArena&) = delete;
  google::protobuf::Arena* Get();

 private:
  struct Block;
  static std::vector<std::unique_ptr<Block>>& FreeBlocks();  // that this thread is not using
  std::unique_ptr<Block> block_;
};
template <typename Message>
class Scratch {
 public:
  Scratch() : message_(google::protobuf::Arena::CreateMessage<Message>(arena_.Get())) {}
  Message& operator*() { return *message_; }
  Message* operator->() { return message_; }

 private:
  ScratchArena arena_;
  Message* message_;
};

// Who asks, until when, and with which metadata.
struct Call {
  Caller caller;
  net::Headers metadata;
};
// Takes both from the request.
Call CallOf(net::Request& request, const base::Clock& clock);

// The untyped part of what follows.
class Sender {
 public:
  Sender(net::Responder responder, bool may_gzip) : responder_(std::move(responder)), may_gzip_(may_gzip) {}
  void SendMessage(const google::protobuf::MessageLite& message) const;
  void Fail(const Error& error) const;
  bool Cancelled() const { return responder_.Cancelled(); }

 private:
  net::Responder responder_;
  bool may_gzip_;
};

template <typename Response>
class Reply : public Sender {
 public:
  explicit Reply(Sender sender) : Sender(std::move(sender)) {}
  void Send(const Response& response) const { SendMessage(response); }
};

// What is told a result, once it is there: answers with what `fill(result, response)` makes of it, or with its error.
template <typename Response, typename Fill>
auto ReplyWith(const Reply<Response>& reply, Fill fill) {
  return [reply, fill = std::move(fill)](const auto& result) {
    if (!result) return reply.Fail(result.error());
    Scratch<Response> response;
    if (Status filled = fill(*result, *response); !filled) return reply.Fail(filled.error());
    reply.Send(*response);
  };
}

inline constexpr std::size_t kMessageBytesMax = 64u << 20;
net::Headers TrailersOf(const Status& status);  // with the details of an error
net::Response RenderError(int status, const Error& error);
net::Response NotGrpc();  // 415

using UntypedHandler = std::function<void(const Call&, std::string_view message, Sender)>;
net::Route UntypedUnary(const base::Clock& clock, std::string path, std::string scope, UntypedHandler handler);
Error Unreadable(std::string_view type);  // a message that protobuf cannot parse

template <typename Request, typename Response>
net::Route Unary(const base::Clock& clock, std::string path, std::string scope,
                 std::function<void(const Call&, const Request&, const Reply<Response>&)> handler) {
  return UntypedUnary(clock, std::move(path), std::move(scope),
                      [handler = std::move(handler)](const Call& call, std::string_view message, const Sender& sender) {
                        const Reply<Response> reply(sender);
                        Scratch<Request> request;
                        if (!request->ParseFromArray(message.data(), static_cast<int>(message.size()))) {
                          return reply.Fail(Unreadable(request->GetTypeName()));
                        }
                        handler(call, *request, reply);
                      });
}

// For one that answers at once.
template <typename Request, typename Response>
net::Route Unary(const base::Clock& clock, std::string path, std::string scope,
                 std::function<Status(const Call&, const Request&, Response&)> answer) {
  return Unary<Request, Response>(clock, std::move(path), std::move(scope),
                                  [answer = std::move(answer)](const Call& call, const Request& request, const Reply<Response>& reply) {
                                    Scratch<Response> response;
                                    if (Status done = answer(call, request, *response); !done) return reply.Fail(done.error());
                                    reply.Send(*response);
                                  });
}

}  // namespace sw::grpc
