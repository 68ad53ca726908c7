#include "net/exchange.h"

#include <algorithm>
#include <future>

#include "base/check.h"
#include "base/errors.h"

namespace sw::net {

template <typename Task>
void Exchange::RunOnLoop(Task task) {
  if (mailbox_->OnLoop() && posted_.load() == 0) return task();
  posted_.fetch_add(1);
  mailbox_->Post([self = shared_from_this(), task = std::move(task)]() mutable {
    self->posted_.fetch_sub(1);
    task();
  });
}

void Exchange::Send(Response response) {
  if (claimed_.exchange(true)) return;
  const bool may_retry = response.status == 429 || response.status == 503;
  if (may_retry && response.headers.Find("retry-after") == nullptr) response.headers.Add("Retry-After", "1");
  RunOnLoop([self = shared_from_this(), response = std::move(response)]() mutable {
    if (self->owner_ != nullptr) self->owner_->SendWhole(std::move(response));
  });
}

void Exchange::SendError(const Error& error) {
  int status = base::HttpStatus(error.code);
  Send(render_error_ ? render_error_(status, error) : ErrorResponse(status, error));
}

Status Exchange::Start(int status, Headers headers, std::optional<Beat> endless) {
  if (Cancelled()) return sw::Cancelled("client went away");
  if (claimed_.exchange(true)) return FailedPrecondition("the answer was already begun");
  streaming_.store(true);
  is_endless_.store(endless.has_value());
  RunOnLoop([self = shared_from_this(), head = Response{status, std::move(headers)}, endless = std::move(endless)]() mutable {
    if (endless) self->beat_ = *std::move(endless);
    if (self->owner_ != nullptr) self->owner_->SendStart(std::move(head));
  });
  return Ok();
}

std::string Exchange::Frame(std::string piece) const {
  if (!chunked_) return piece;
  return fmt::format("{:x}\r\n{}\r\n", piece.size(), piece);
}

Status Exchange::Write(std::string piece, bool wait) {
  if (!streaming_.load()) return FailedPrecondition("Write before Start");
  if (piece.empty()) return Ok();  // an empty chunk would end the body
  std::string framed = Frame(std::move(piece));
  SW_TRY(Reserve(framed.size(), wait));
  RunOnLoop([self = shared_from_this(), framed = std::move(framed)]() mutable {
    self->has_sent_ = true;
    if (self->owner_ != nullptr) self->owner_->SendPiece(std::move(framed));
  });
  return Ok();
}

// An endless stream that lost one piece takes none after it: its reader must see where it broke.
Status Exchange::Reserve(std::size_t bytes, bool wait) {
  std::unique_lock lock(mutex_);
  auto has_room = [&] { return Cancelled() || pending_bytes_ == 0 || pending_bytes_ + bytes <= buffer_bytes_max_; };
  if (wait && !mailbox_->OnLoop()) room_.wait(lock, has_room);
  if (Cancelled()) return sw::Cancelled("client went away");
  if (!is_overrun_ && has_room()) {
    pending_bytes_ += bytes;
    return Ok();
  }
  const bool is_first = IsEndless() && !std::exchange(is_overrun_, true);
  lock.unlock();
  if (is_first) RunOnLoop([self = shared_from_this()] { self->Overrun(); });
  return ResourceExhausted("client reads too slowly (limit stream_buffer_bytes_max, {} bytes)", buffer_bytes_max_);
}

void Exchange::Overrun() {
  if (owner_ != nullptr) owner_->CountRefused("stream_buffer_bytes_max");
  End();
}

// Whoever writes is told first: then none of its pieces comes after the end.
void Exchange::End() {
  if (!IsEndless() || !streaming_.exchange(false)) return;
  const std::shared_ptr<Exchange> self = shared_from_this();
  Cancel();
  if (owner_ != nullptr) owner_->SendFinish({});
}

// Nothing is said to who has not read what was said before.
void Exchange::Tick(std::int64_t now_ms) {
  if (!IsEndless() || !streaming_.load()) return;
  if (Cancelled()) return End();
  if (std::exchange(has_sent_, false)) sent_ms_ = now_ms;
  if (now_ms - sent_ms_ < beat_.every_ms) return;
  {
    const std::lock_guard lock(mutex_);
    if (pending_bytes_ > 0) return;
  }
  static_cast<void>(Write(beat_.piece, false));  // there is room, and a stream that ended needs none
}

void Exchange::OnWritable(std::move_only_function<void()> callback) {
  RunOnLoop([self = shared_from_this(), callback = std::move(callback)]() mutable {
    bool now = false;
    {
      std::lock_guard lock(self->mutex_);
      now = self->pending_bytes_ < self->buffer_bytes_max_ / 2;
    }
    if (now || self->Cancelled()) return callback();
    self->writable_callback_ = std::move(callback);
  });
}

void Exchange::Finish(Headers trailers) {
  if (!streaming_.exchange(false)) return;
  RunOnLoop([self = shared_from_this(), trailers = std::move(trailers)]() mutable {
    if (self->owner_ != nullptr) self->owner_->SendFinish(std::move(trailers));
  });
}

void Exchange::Abandon() {
  if (streaming_.load()) return Finish();
  if (!claimed_.load()) SendError(Internal("the handler gave no answer").error());
}

void Exchange::OnCancel(std::move_only_function<void()> callback) {
  RunOnLoop([self = shared_from_this(), callback = std::move(callback)]() mutable {
    if (self->Cancelled()) return callback();
    std::lock_guard lock(self->mutex_);
    self->on_cancel_.push_back(std::move(callback));
  });
}

void Exchange::Read(BodyReader::Callback callback) {
  RunOnLoop([self = shared_from_this(), callback = std::move(callback)]() mutable {
    if (self->owner_ == nullptr) return callback(sw::Cancelled("client went away"));
    if (self->read_callback_) return callback(FailedPrecondition("one Read at a time"));
    self->read_callback_ = std::move(callback);
    self->owner_->BodyAsked();
  });
}

void Exchange::Cancel() {
  std::vector<std::move_only_function<void()>> callbacks;
  {
    std::lock_guard lock(mutex_);
    cancelled_.store(true, std::memory_order_release);
    callbacks.swap(on_cancel_);
    room_.notify_all();
  }
  for (auto& callback : callbacks) callback();
  if (auto writable = std::exchange(writable_callback_, nullptr)) writable();
}

void Exchange::Release() {
  writable_callback_ = nullptr;
  std::vector<std::move_only_function<void()>> dropped;
  std::lock_guard lock(mutex_);
  dropped.swap(on_cancel_);
}

void Exchange::Wrote(std::size_t bytes) {
  bool low = false;
  {
    std::lock_guard lock(mutex_);
    pending_bytes_ -= std::min(bytes, pending_bytes_);
    low = pending_bytes_ < buffer_bytes_max_ / 2;
    room_.notify_all();
  }
  if (!low || !writable_callback_) return;
  std::exchange(writable_callback_, nullptr)();
}

void Exchange::Deliver(Result<std::string> piece) {
  BodyReader::Callback callback = std::exchange(read_callback_, nullptr);
  if (callback) callback(std::move(piece));
}

struct Responder::Guard {
  explicit Guard(std::shared_ptr<Exchange> e) : exchange(std::move(e)) {}
  ~Guard() { exchange->Abandon(); }
  std::shared_ptr<Exchange> exchange;
};

Responder::Responder(std::shared_ptr<Exchange> exchange) : guard_(std::make_shared<Guard>(std::move(exchange))) {}
void Responder::Send(Response response) const { guard_->exchange->Send(std::move(response)); }
void Responder::SendError(const Error& error) const { guard_->exchange->SendError(error); }
Status Responder::Start(int status, Headers headers) const { return guard_->exchange->Start(status, std::move(headers)); }
Status Responder::StartEndless(int status, Headers headers, Beat beat) const {
  return guard_->exchange->Start(status, std::move(headers), std::move(beat));
}
Status Responder::TryWrite(std::string piece) const { return guard_->exchange->Write(std::move(piece), false); }
Status Responder::Write(std::string piece) const { return guard_->exchange->Write(std::move(piece), true); }
void Responder::OnWritable(std::move_only_function<void()> callback) const { guard_->exchange->OnWritable(std::move(callback)); }
void Responder::Finish(Headers trailers) const { guard_->exchange->Finish(std::move(trailers)); }
bool Responder::Cancelled() const { return guard_->exchange->Cancelled(); }
void Responder::OnCancel(std::move_only_function<void()> callback) const { guard_->exchange->OnCancel(std::move(callback)); }

void BodyReader::Read(Callback callback) const { exchange_->Read(std::move(callback)); }

Result<std::string> BodyReader::ReadBlocking() const {
  auto promise = std::make_shared<std::promise<Result<std::string>>>();
  std::future<Result<std::string>> piece = promise->get_future();
  exchange_->Read([promise](Result<std::string> got) { promise->set_value(std::move(got)); });
  return piece.get();
}

}  // namespace sw::net
