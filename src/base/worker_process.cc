#include "base/worker_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <future>
#include <mutex>
#include <optional>
#include <thread>

#include "base/child_launch.h"
#include "base/errors.h"

namespace sw::base {
namespace {

constexpr std::size_t kLastWordsBytes = 2000;  // of its standard streams, kept for errors
constexpr std::size_t kGrowthBytes = 1u << 20;  // an answer's memory grows with what has come in
constexpr std::size_t kHeaderBytes = 12;
constexpr int kPollMs = 60'000;
constexpr int kExitMs = 500;  // between a child's last word and its exit

struct Channel {
  Descriptor ours, theirs;
};

Result<Channel> MakeChannel() {
  std::array<int, 2> fds{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0) {
    return ResourceExhausted("socketpair: {}", std::strerror(errno));
  }
  Channel channel{Descriptor(fds[0]), Descriptor(fds[1])};
  fcntl(channel.ours.get(), F_SETFL, O_NONBLOCK);
  return channel;
}

template <typename Number>
void Put(char* to, Number value) {
  for (std::size_t i = 0; i < sizeof(value); ++i) to[i] = static_cast<char>(value >> (8 * i) & 0xff);
}

template <typename Number>
Number Get(const char* from) {
  Number value = 0;
  for (std::size_t i = 0; i < sizeof(value); ++i) value |= static_cast<Number>(static_cast<unsigned char>(from[i])) << (8 * i);
  return value;
}

std::string HowItEnded(int status) {
  if (WIFSIGNALED(status)) return fmt::format("was killed by signal {}", WTERMSIG(status));
  return fmt::format("exited with code {}", WEXITSTATUS(status));
}

}  // namespace

// A thread that starts the child (which dies with the thread that started it), drains its standard
// streams, and reaps it when stopped.
class WorkerProcess::Keeper {
 public:
  static Result<std::unique_ptr<Keeper>> Start(const WorkerSpec& spec) {
    auto keeper = std::make_unique<Keeper>();
    keeper->stop_ = Descriptor(eventfd(0, EFD_CLOEXEC));
    if (keeper->stop_.get() < 0) return ResourceExhausted("eventfd: {}", std::strerror(errno));
    std::promise<Status> started;
    std::future<Status> outcome = started.get_future();
    keeper->thread_ = std::jthread([&, keeper = keeper.get()] { keeper->Run(spec, started); });
    SW_TRY(outcome.get());
    return keeper;
  }

  ~Keeper() { Stop(); }

  int channel() const { return channel_.get(); }
  int id() const { return pid_; }

  // Kills the child. How it ended: on its own account, if it had ended already. One that has `left`
  // its end of the channel is about to exit, which tells more than our signal does.
  std::string Stop(bool left = false) {
    if (thread_.joinable()) {
      left_ = left;
      const std::uint64_t one = 1;
      [[maybe_unused]] const ssize_t wrote = write(stop_.get(), &one, sizeof(one));
      thread_.join();
    }
    return ending_;
  }

  const std::string& last_words() const { return last_words_; }  // after Stop()

 private:
  // `spec` and `started` live until `started` is set.
  void Run(const WorkerSpec& spec, std::promise<Status>& started) {
    Result<pid_t> pid = Launched(spec);
    if (!pid) return started.set_value(std::unexpected(std::move(pid).error()));
    Group group(*pid);
    pid_ = *pid;
    started.set_value(Ok());
    Drain();
    if (left_) AwaitExit(*pid);
    const bool had_ended = group.HasExited();
    const int status = group.Reap().first;
    ending_ = had_ended ? HowItEnded(status) : "closed its channel and was stopped";
    while (ReadSome()) {
    }
  }

  Result<pid_t> Launched(const WorkerSpec& spec) {
    Channel channel = SW_TRY(MakeChannel());
    Pipe output = SW_TRY(MakePipe());
    const Descriptor nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
    fcntl(output.read.get(), F_SETFL, O_NONBLOCK);
    const pid_t pid = SW_TRY(Launch({.argv = spec.argv, .env = spec.env, .folder = spec.folder,
                                     .memory_bytes_max = spec.memory_bytes_max, .has_network = spec.has_network,
                                     .input = nothing.get(), .output = output.write.get(), .errors = output.write.get(),
                                     .channel = channel.theirs.get()}));
    channel_ = std::move(channel.ours);
    output_ = std::move(output.read);
    return pid;
  }

  // Until Stop(). The streams may end before the child does.
  void Drain() {
    bool is_open = true;
    while (true) {
      std::array<pollfd, 2> fds = {{{stop_.get(), POLLIN, 0}, {is_open ? output_.get() : -1, POLLIN, 0}}};
      if (poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
      if (fds[1].revents != 0) is_open = ReadSome();
      if (fds[0].revents != 0) return;
    }
  }

  void AwaitExit(pid_t pid) const {
    const Descriptor child(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    pollfd exited{child.get(), POLLIN, 0};
    poll(&exited, 1, kExitMs);
  }

  // False when there is no more for now, or ever.
  bool ReadSome() {
    std::array<char, 16384> chunk{};
    const ssize_t got = read(output_.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) return true;
    if (got <= 0) return false;
    last_words_.append(chunk.data(), static_cast<std::size_t>(got));
    if (last_words_.size() > 2 * kLastWordsBytes) last_words_.erase(0, last_words_.size() - kLastWordsBytes);
    return true;
  }

  Descriptor stop_, channel_, output_;
  pid_t pid_ = 0;      // handed over by Start()
  bool left_ = false;  // handed over by stop_
  std::string last_words_, ending_;
  std::jthread thread_;  // last: it uses the others
};

WorkerProcess::WorkerProcess(WorkerSpec spec) : spec_(std::move(spec)) {}
WorkerProcess::~WorkerProcess() = default;

int WorkerProcess::id() const { return keeper_->id(); }

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::Start(WorkerSpec spec) {
  if (spec.argv.empty()) return InvalidArgument("worker process: argv is empty; give a program's path");
  std::unique_ptr<WorkerProcess> worker(new WorkerProcess(std::move(spec)));
  worker->keeper_ = SW_TRY(Keeper::Start(worker->spec_));
  return worker;
}

// Without a `what` it went away by itself.
std::unexpected<Error> WorkerProcess::Broken(ErrorCode code, std::string what) {
  const std::string ending = keeper_->Stop(what.empty());
  if (what.empty()) what = ending;
  const std::string& words = keeper_->last_words();
  const std::size_t kept = std::min(words.size(), kLastWordsBytes);
  std::string message = fmt::format("{} {}", spec_.argv[0], what);
  if (kept > 0) message += "; its last words: " + words.substr(words.size() - kept);
  return MakeError(code, std::move(message));
}

Status WorkerProcess::Transfer(bool is_send, char* bytes, std::size_t count, std::int64_t deadline_ns) {
  const int fd = keeper_->channel();
  while (count > 0) {
    const ssize_t moved = is_send ? send(fd, bytes, count, MSG_NOSIGNAL) : recv(fd, bytes, count, 0);
    if (moved > 0) {
      bytes += moved;
      count -= static_cast<std::size_t>(moved);
    } else if (moved == 0 || (errno != EAGAIN && errno != EINTR)) {
      return Broken(ErrorCode::kUnavailable, "");
    }
    const std::int64_t left_ns = deadline_ns - MonotonicNs();
    if (left_ns <= 0) return Broken(ErrorCode::kDeadlineExceeded, "did not answer in the time given and was stopped");
    if (spec_.stop.stop_requested()) return Broken(ErrorCode::kUnavailable, "was stopped before it answered");
    if (moved > 0) continue;
    pollfd ready{fd, static_cast<short>(is_send ? POLLOUT : POLLIN), 0};
    poll(&ready, 1, static_cast<int>(std::min<std::int64_t>(left_ns / 1'000'000 + 1, spec_.stop.stop_possible() ? kStopMs : kPollMs)));
  }
  return Ok();
}

Status WorkerProcess::Send(const Message& message, std::int64_t deadline_ns) {
  std::array<char, kHeaderBytes> header{};
  Put(header.data(), message.kind);
  Put(header.data() + 4, static_cast<std::uint64_t>(message.bytes.size()));
  SW_TRY(Transfer(true, header.data(), header.size(), deadline_ns));
  return Transfer(true, const_cast<char*>(message.bytes.data()), message.bytes.size(), deadline_ns);
}

Result<Message> WorkerProcess::ReceiveUntil(std::int64_t deadline_ns) {
  std::array<char, kHeaderBytes> header{};
  SW_TRY(Transfer(false, header.data(), header.size(), deadline_ns));
  Message message{.kind = Get<std::uint32_t>(header.data()), .bytes = {}};
  const auto length = Get<std::uint64_t>(header.data() + 4);
  if (length > spec_.message_bytes_max) {
    return Broken(ErrorCode::kResourceExhausted,
                  fmt::format("answers {} bytes, the limit message_bytes_max is {}; it was stopped", length, spec_.message_bytes_max));
  }
  while (message.bytes.size() < length) {  // a length is only a promise
    const std::size_t had = message.bytes.size();
    message.bytes.resize(std::min<std::uint64_t>(length, had + std::max(had, kGrowthBytes)));
    SW_TRY(Transfer(false, message.bytes.data() + had, message.bytes.size() - had, deadline_ns));
  }
  return message;
}

namespace {
std::int64_t DeadlineNs(DurationUs time_max) { return MonotonicNs() + std::min(time_max, 1000 * kDayUs) * 1000; }
}  // namespace

Result<Message> WorkerProcess::Exchange(const Message& request, DurationUs time_max) {
  const std::int64_t deadline_ns = DeadlineNs(time_max);
  SW_TRY(Send(request, deadline_ns));
  return ReceiveUntil(deadline_ns);
}

Result<Message> WorkerProcess::Receive(DurationUs time_max) { return ReceiveUntil(DeadlineNs(time_max)); }

}  // namespace sw::base
