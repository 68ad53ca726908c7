// Exchange: one request and its answer, between a connection's loop and the threads that hold its
// Responder and BodyReader. Internal to net.
//
// What any thread calls is marshalled to the loop, in order. Thread-safe unless marked `loop`.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/mailbox.h"
#include "net/responder.h"
#include "net/router.h"

namespace sw::net {

// What an exchange needs of its connection; always called on the loop.
class ExchangeOwner {
 public:
  virtual ~ExchangeOwner() = default;
  virtual void SendWhole(Response response) = 0;
  virtual void SendStart(Response head) = 0;
  virtual void SendPiece(std::string framed) = 0;
  virtual void SendFinish(Headers trailers) = 0;
  virtual void BodyAsked() = 0;
  virtual void CountRefused(std::string_view limit) = 0;
};

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(std::shared_ptr<Mailbox> mailbox, ExchangeOwner* owner, const Route* route, bool chunked,
           std::size_t buffer_bytes_max)
      : mailbox_(std::move(mailbox)), chunked_(chunked), buffer_bytes_max_(buffer_bytes_max), owner_(owner) {
    if (route != nullptr) render_error_ = route->render_error;
  }

  void Send(Response response);
  void SendError(const Error& error);
  Status Start(int status, Headers headers, std::optional<Beat> endless = std::nullopt);
  Status Write(std::string piece, bool wait);
  void OnWritable(std::move_only_function<void()> callback);
  void Finish(Headers trailers = {});
  void Abandon();  // every Responder is gone
  bool Cancelled() const { return cancelled_.load(std::memory_order_acquire); }
  void OnCancel(std::move_only_function<void()> callback);
  void Read(BodyReader::Callback callback);

  // loop: the client has gone or stopped sending; the answer is still written where possible.
  void Cancel();
  // loop: the connection has no more to do with this exchange.
  void Detach() { owner_ = nullptr; }
  // loop: frees callbacks, which may hold the Responder and so this exchange.
  void Release();
  // loop: bytes of this answer have left.
  void Wrote(std::size_t bytes);
  // loop: whether somebody waits for a piece of the body; Deliver hands it over.
  bool WantsBody() const { return static_cast<bool>(read_callback_); }
  void Deliver(Result<std::string> piece);
  bool Claimed() const { return claimed_.load(); }
  // Of a stream without an end of its own. loop: Tick is called now and then, and does what is due; End ends it.
  bool IsEndless() const { return is_endless_.load(); }
  void Tick(std::int64_t now_ms);
  void End();

 private:
  template <typename Task>
  void RunOnLoop(Task task);
  std::string Frame(std::string piece) const;
  Status Reserve(std::size_t bytes, bool wait);
  void Overrun();

  const std::shared_ptr<Mailbox> mailbox_;
  std::function<Response(int, const Error&)> render_error_;  // a copy: a Responder may outlive the server and its routes
  const bool chunked_;
  const std::size_t buffer_bytes_max_;
  std::atomic<bool> claimed_{false};   // Send or Start was called
  std::atomic<bool> streaming_{false};
  std::atomic<bool> is_endless_{false};
  std::atomic<bool> cancelled_{false};
  std::atomic<int> posted_{0};         // keeps the order of calls from several threads

  std::mutex mutex_;
  std::condition_variable room_;
  std::size_t pending_bytes_ = 0;                               // guarded by mutex_
  bool is_overrun_ = false;                                     // guarded by mutex_; of an endless stream
  std::vector<std::move_only_function<void()>> on_cancel_;      // guarded by mutex_

  ExchangeOwner* owner_;                                 // loop
  BodyReader::Callback read_callback_;                   // loop
  std::move_only_function<void()> writable_callback_;    // loop
  Beat beat_;                                            // loop
  bool has_sent_ = true;                                 // loop: since the last Tick
  std::int64_t sent_ms_ = 0;                             // loop: the last Tick after a piece
};

}  // namespace sw::net
