#include "model/engines/python_worker.h"

#include <chrono>
#include <utility>

#include "base/errors.h"
#include "base/memory.h"

namespace sw::model {
namespace {

// As in python/seaworthy_worker.py.
enum Order : std::uint32_t { kLoad = 1, kScore = 2 };
enum Answer : std::uint32_t { kReady = 1, kScores = 2, kFailed = 3 };
constexpr std::uint32_t kKindBits = 4;
constexpr std::size_t kErrorBytesMax = 4200;

std::string Text(std::string_view bytes) {
  std::string text(bytes.substr(0, kErrorBytesMax));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return text;
}

}  // namespace

// A place in the queue, then the lock.
class PythonWorker::Turn {
 public:
  explicit Turn(PythonWorker& worker) : worker_(worker), lock_(worker.mutex_, std::defer_lock), waiting_(worker.waiting_.fetch_add(1)) {}
  ~Turn() { worker_.waiting_.fetch_sub(1); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  Status Await() {
    const PythonWorkerOptions& options = worker_.options_;
    if (waiting_ > options.waiting_max) {
      return ResourceExhausted("{}: limit python_calls_waiting_max: {} requests wait already; retry later", options.name,
                               options.waiting_max);
    }
    if (!lock_.try_lock_for(std::chrono::microseconds(options.start_time_max + options.call_time_max))) {
      return DeadlineExceeded("{}: requests before this one took too long", options.name);
    }
    if (options.process.stop.stop_requested()) return Unavailable("{}: the server is stopping", options.name);
    return Ok();
  }

 private:
  PythonWorker& worker_;
  std::unique_lock<std::timed_mutex> lock_;
  std::size_t waiting_;  // when this one came, the running one included
};

PythonWorker::PythonWorker(PythonWorkerOptions options, const base::Clock& clock)
    : options_(std::move(options)), clock_(clock), backoff_(options_.backoff) {}

Result<std::string> PythonWorker::Start() {
  Turn turn(*this);
  SW_TRY(turn.Await());
  return process_ == nullptr ? StartLocked() : Result<std::string>(ready_);
}

Result<std::string> PythonWorker::Call(const std::string& content) {
  Turn turn(*this);
  SW_TRY(turn.Await());
  if (process_ == nullptr) SW_TRY(StartLocked());
  return Ask(kScore, content, options_.call_time_max);
}

std::size_t PythonWorker::memory_bytes() const {
  const int id = process_id_.load();
  return id == 0 ? 0 : base::PrivateBytes(id);
}

Result<std::string> PythonWorker::StartLocked() {
  const TimeUs now = clock_.Now();
  if (!backoff_.MayStart(now)) {
    return Unavailable("{}: down until {} after {} failures in a row; the last: {}", options_.name,
                       base::FormatTime(backoff_.next_start()), backoff_.failures(), last_error_);
  }
  backoff_.Started(now);
  if (Status checked = options_.check(); !checked) return Fail(std::move(checked).error());
  auto process = base::WorkerProcess::Start(options_.process);
  if (!process) return Fail(std::move(process).error());
  process_ = *std::move(process);
  process_id_ = process_->id();
  Result<std::string> ready = Ask(kLoad, options_.order, options_.start_time_max);
  if (ready) return ready_ = *ready;
  if (process_ != nullptr) return Fail(std::move(ready).error());  // it said itself that it cannot
  return ready;
}

Result<std::string> PythonWorker::Ask(std::uint32_t kind, const std::string& content, DurationUs time_max) {
  number_ = (number_ + 1) & (0xffffffffU >> kKindBits);
  auto answer = process_->Exchange({.kind = number_ << kKindBits | kind, .bytes = content}, time_max);
  if (!answer) return Fail(std::move(answer).error());
  const std::uint32_t found = answer->kind & ((1U << kKindBits) - 1);
  const std::uint32_t expected = kind == kLoad ? kReady : kScores;
  // A late or made-up answer must never be taken for another request's.
  if (answer->kind >> kKindBits != number_ || (found != expected && found != kFailed)) {
    return Fail(Internal("it answered a message of kind {} to one of kind {}; the model writes to its channel", answer->kind,
                         number_ << kKindBits | kind).error());
  }
  if (found == kFailed) return FailedPrecondition("{}: the model raised {}", options_.name, Text(answer->bytes));
  return std::move(answer->bytes);
}

std::unexpected<Error> PythonWorker::Fail(Error error) {
  process_id_ = 0;
  process_.reset();
  backoff_.Failed(clock_.Now());
  if (!error.message.starts_with(options_.name)) error = std::move(error).Within(options_.name);
  last_error_ = error.message;
  return std::unexpected(std::move(error));
}

}  // namespace sw::model
