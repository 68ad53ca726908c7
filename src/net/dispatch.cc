#include "net/dispatch.h"

#include <poll.h>

#include "net/exchange.h"

namespace sw::net {
namespace {

constexpr std::size_t kBufferBytesMax = 1u << 20;

// Collects the answer, and gives the request's body piece by piece to who reads it.
class MemoryOwner final : public ExchangeOwner {
 public:
  explicit MemoryOwner(std::string body) : body_(std::move(body)) {}

  void SendWhole(Response response) override {
    response_ = std::move(response);
    done_ = true;
  }
  void SendStart(Response head) override { response_ = std::move(head); }
  void SendPiece(std::string framed) override {
    response_.body += framed;
    exchange->Wrote(framed.size());
  }
  void SendFinish(Headers trailers) override {
    response_.trailers = std::move(trailers);
    done_ = true;
  }
  void BodyAsked() override {
    std::string piece = body_.substr(position_, kPieceBytes);
    position_ += piece.size();
    exchange->Deliver(std::move(piece));
  }

  void CountRefused(std::string_view) override {}

  bool done() const { return done_; }
  Response TakeResponse() { return std::move(response_); }

  Exchange* exchange = nullptr;

 private:
  static constexpr std::size_t kPieceBytes = 64u << 10;
  std::string body_;
  std::size_t position_ = 0;
  Response response_;
  bool done_ = false;
};

void WaitForWork(const Mailbox& mailbox) {
  pollfd item{mailbox.WakeFd(), POLLIN, 0};
  poll(&item, 1, -1);
}

}  // namespace

Response Dispatch(const Router& router, Request request) {
  Match match = router.Find(request.method, request.path, {});
  if (match.route == nullptr) return ErrorResponse(match.status, match.error);
  const Route& route = *match.route;
  request.params = std::move(match.params);

  MemoryOwner owner(route.stream_handler ? std::exchange(request.body, {}) : std::string());
  auto mailbox = std::make_shared<Mailbox>();
  mailbox->Adopt();
  auto exchange =
      std::make_shared<Exchange>(mailbox, &owner, &route, /*chunked=*/false, kBufferBytesMax);
  owner.exchange = exchange.get();
  if (route.stream_handler) {
    route.stream_handler(std::move(request), BodyReader(exchange), Responder(exchange));
  } else {
    route.handler(std::move(request), Responder(exchange));
  }
  while (!owner.done()) {
    WaitForWork(*mailbox);
    mailbox->RunAll();
  }
  exchange->Detach();
  exchange->Release();
  mailbox->Close();  // what other threads still post runs there, and finds nobody
  return owner.TakeResponse();
}

}  // namespace sw::net
