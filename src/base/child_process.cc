#include "base/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/child_launch.h"
#include "base/errors.h"

namespace sw::base {
namespace {

constexpr int kPollMs = 20;                      // how late an exit is seen, at most
constexpr std::size_t kLineBytesMax = 64u << 10;  // a longer line of stderr is told in pieces

// Gives the input as a file in memory: the child may read it late or never, and nobody blocks.
Result<Descriptor> MakeInput(std::string_view bytes) {
  Descriptor file(memfd_create("stdin", MFD_CLOEXEC));
  if (file.get() < 0) return ResourceExhausted("memfd_create: {}", std::strerror(errno));
  while (!bytes.empty()) {
    const ssize_t wrote = write(file.get(), bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return ResourceExhausted("child's input: {}", std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  lseek(file.get(), 0, SEEK_SET);
  return file;
}

// Collects one of the child's streams up to a limit; reads on past it, so that the child never
// blocks.
class Stream {
 public:
  Stream(Descriptor fd, std::size_t bytes_max, const std::function<void(std::string_view)>* on_line)
      : fd_(std::move(fd)), bytes_max_(bytes_max), on_line_(on_line) {
    fcntl(fd_.get(), F_SETFL, O_NONBLOCK);
  }

  int fd() const { return fd_.get(); }
  bool truncated() const { return truncated_; }
  std::string& text() { return text_; }

  // Takes at most twice what a pipe holds, so that a child that never stops writing cannot keep us
  // from looking at the clock.
  void ReadAvailable() {
    std::array<char, 16384> chunk{};
    for (int reads = 0; reads < 8 && fd_.get() >= 0; ++reads) {
      const ssize_t got = read(fd_.get(), chunk.data(), chunk.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) {
        fd_.Close();
        return;
      }
      Take({chunk.data(), static_cast<std::size_t>(got)});
    }
  }

  void FlushLine() {
    if (!line_.empty() && on_line_ != nullptr) (*on_line_)(line_);
    line_.clear();
  }

 private:
  void Take(std::string_view bytes) {
    const std::size_t kept = std::min(bytes.size(), bytes_max_ - text_.size());
    text_ += bytes.substr(0, kept);
    truncated_ = truncated_ || kept < bytes.size();
    if (on_line_ == nullptr) return;
    for (const char c : bytes) {
      if (c == '\n' || line_.size() >= kLineBytesMax) FlushLine();
      if (c != '\n') line_ += c;
    }
  }

  Descriptor fd_;
  std::size_t bytes_max_;
  const std::function<void(std::string_view)>* on_line_;
  std::string text_;
  std::string line_;
  bool truncated_ = false;
};

Result<pid_t> Start(const ChildSpec& spec, Descriptor& output, Descriptor& errors) {
  const Descriptor input = SW_TRY(MakeInput(spec.input));
  Pipe out = SW_TRY(MakePipe());
  Pipe err = SW_TRY(MakePipe());
  const pid_t pid = SW_TRY(Launch({.argv = spec.argv, .env = spec.env, .folder = spec.folder,
                                   .memory_bytes_max = spec.memory_bytes_max, .input = input.get(),
                                   .output = out.write.get(), .errors = err.write.get()}));
  output = std::move(out.read);
  errors = std::move(err.read);
  return pid;
}

// Reads both streams until the child has exited; false when the time ran out first.
bool Watch(const Group& group, Stream& output, Stream& errors, std::int64_t deadline_ns) {
  while (true) {
    // Asks before reading: what an exited child wrote is then in the pipes already.
    const bool exited = group.HasExited();
    output.ReadAvailable();
    errors.ReadAvailable();
    if (exited) return true;
    if (MonotonicNs() >= deadline_ns) return false;
    std::array<pollfd, 2> fds = {{{output.fd(), POLLIN, 0}, {errors.fd(), POLLIN, 0}}};
    poll(fds.data(), fds.size(), kPollMs);
  }
}

}  // namespace

Result<ChildResult> RunChild(const ChildSpec& spec) {
  if (spec.argv.empty()) return InvalidArgument("child process: argv is empty; give a program's path");
  Descriptor output_fd;
  Descriptor errors_fd;
  const DurationUs time_max = std::min(spec.time_max, 1000 * kDayUs);  // keeps the sum in range
  const std::int64_t deadline_ns = MonotonicNs() + time_max * 1000;
  Group group(SW_TRY(Start(spec, output_fd, errors_fd)));
  Stream output(std::move(output_fd), spec.output_bytes_max, nullptr);
  Stream errors(std::move(errors_fd), spec.output_bytes_max,
                spec.on_stderr_line ? &spec.on_stderr_line : nullptr);
  const bool in_time = Watch(group, output, errors, deadline_ns);
  const auto [status, usage] = group.Reap();
  output.ReadAvailable();
  errors.ReadAvailable();
  errors.FlushLine();
  if (!in_time) {
    const std::string& text = errors.text();
    return DeadlineExceeded("{} ran longer than {} and was stopped; its last words: {}", spec.argv[0],
                            FormatDuration(spec.time_max),
                            text.substr(text.size() - std::min<std::size_t>(text.size(), 500)));
  }
  const auto micros = [](const timeval& t) { return t.tv_sec * kSecondUs + t.tv_usec; };
  ChildResult result;
  result.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  result.truncated = output.truncated() || errors.truncated();
  result.output = std::move(output.text());
  result.errors = std::move(errors.text());
  result.peak_rss_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  result.cpu_time = micros(usage.ru_utime) + micros(usage.ru_stime);
  return result;
}

}  // namespace sw::base
