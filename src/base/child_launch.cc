#include "base/child_launch.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/errors.h"

namespace sw::base {
namespace {

enum class Step : int { kExec, kNetwork };

// What a child that cannot run its program tells its parent.
struct Failure {
  Step step = Step::kExec;
  int error = 0;
};

// All that the child needs between fork and exec, where it may not allocate.
struct Prepared {
  std::vector<std::string> env;
  std::vector<char*> argv_pointers;
  std::vector<char*> env_pointers;
  const char* folder = nullptr;
  std::string user_map, group_map;
  rlim_t memory = RLIM_INFINITY;
  bool has_network = true;
  int input = -1;
  int output = -1;
  int errors = -1;
  int channel = -1;
  int failure = -1;  // takes a Failure when exec fails; closed by a successful exec
};

void Prepare(const LaunchSpec& spec, Prepared& prepared) {
  for (const auto& [key, value] : spec.env) prepared.env.push_back(key + "=" + value);
  for (const std::string& arg : spec.argv) prepared.argv_pointers.push_back(const_cast<char*>(arg.c_str()));
  for (std::string& entry : prepared.env) prepared.env_pointers.push_back(entry.data());
  prepared.argv_pointers.push_back(nullptr);
  prepared.env_pointers.push_back(nullptr);
  if (!spec.folder.empty()) prepared.folder = spec.folder.c_str();
  if (spec.memory_bytes_max != 0) prepared.memory = spec.memory_bytes_max;
  prepared.user_map = fmt::format("{0} {0} 1", geteuid());
  prepared.group_map = fmt::format("{0} {0} 1", getegid());
  prepared.has_network = spec.has_network;
  prepared.input = spec.input;
  prepared.output = spec.output;
  prepared.errors = spec.errors;
  prepared.channel = spec.channel;
}

bool WriteProc(const char* path, std::string_view text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool ok = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(fd);
  return ok;
}

// Without the right to it, a user namespace of its own gives the child that right, over itself only.
bool LeaveNetwork(const Prepared& prepared) {
  if (prepared.has_network || unshare(CLONE_NEWNET) == 0) return true;
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  return WriteProc("/proc/self/uid_map", prepared.user_map) && WriteProc("/proc/self/setgroups", "deny") &&
         WriteProc("/proc/self/gid_map", prepared.group_map);
}

// Copies first: a descriptor may have the number of another one's place.
bool PlaceDescriptors(const Prepared& prepared) {
  std::array<int, 4> fds = {prepared.input, prepared.output, prepared.errors, prepared.channel};
  for (int& fd : fds) {
    if (fd >= 0 && (fd = fcntl(fd, F_DUPFD_CLOEXEC, kChannelFd + 1)) < 0) return false;
  }
  for (int place = 0; place < 4; ++place) {
    const int fd = fds[static_cast<std::size_t>(place)];
    if (fd >= 0 && dup2(fd, place) < 0) return false;
  }
  return true;
}

// Runs in the child of a process with threads: only async-signal-safe calls.
[[noreturn]] void ExecChild(const Prepared& prepared, pid_t parent) {
  Failure failure;
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // the parent died before prctl
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const rlimit memory{prepared.memory, prepared.memory};
  const rlimit no_core{0, 0};
  bool ok = setrlimit(RLIMIT_AS, &memory) == 0 && setrlimit(RLIMIT_CORE, &no_core) == 0;
  ok = ok && (prepared.folder == nullptr || chdir(prepared.folder) == 0);
  if (ok && !LeaveNetwork(prepared)) {
    failure.step = Step::kNetwork;
    ok = false;
  }
  ok = ok && PlaceDescriptors(prepared);
  if (ok) {
    // Whatever a library of ours opened without O_CLOEXEC is none of the child's business.
    const unsigned first = prepared.channel < 0 ? kChannelFd : kChannelFd + 1;
    syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC);
    execve(prepared.argv_pointers[0], prepared.argv_pointers.data(), prepared.env_pointers.data());
  }
  failure.error = errno;
  [[maybe_unused]] const ssize_t told = write(prepared.failure, &failure, sizeof(failure));
  _exit(127);
}

std::unexpected<Error> CannotStart(const std::string& program, const Failure& failure) {
  if (failure.step == Step::kNetwork) {
    return PermissionDenied("cannot start {}: this system allows no network namespace ({}), so it would reach the network",
                            program, std::strerror(failure.error));
  }
  if (failure.error == ENOENT) return NotFound("cannot start {}: it or its working folder does not exist", program);
  return InvalidArgument("cannot start {}: {}", program, std::strerror(failure.error));
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  Close();
  fd_ = std::exchange(other.fd_, -1);
  return *this;
}

void Descriptor::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

Result<Pipe> MakePipe() {
  std::array<int, 2> fds{};
  if (pipe2(fds.data(), O_CLOEXEC) != 0) return ResourceExhausted("pipe: {}", std::strerror(errno));
  return Pipe{Descriptor(fds[0]), Descriptor(fds[1])};
}

Result<pid_t> Launch(const LaunchSpec& spec) {
  Prepared prepared;
  Prepare(spec, prepared);
  Pipe told = SW_TRY(MakePipe());
  // Above the places that the child's own descriptors take.
  Descriptor failure_fd(fcntl(told.write.get(), F_DUPFD_CLOEXEC, kChannelFd + 1));
  if (failure_fd.get() < 0) return ResourceExhausted("fcntl: {}", std::strerror(errno));
  told.write.Close();
  prepared.failure = failure_fd.get();
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return ResourceExhausted("fork: {}", std::strerror(errno));
  if (pid == 0) ExecChild(prepared, parent);
  setpgid(pid, pid);  // in both, because either may come first
  failure_fd.Close();
  Failure failure;
  ssize_t got = 0;
  while ((got = read(told.read.get(), &failure, sizeof(failure))) < 0 && errno == EINTR) {
  }
  if (got != 0) {
    waitpid(pid, nullptr, 0);
    return CannotStart(spec.argv[0], failure);
  }
  return pid;
}

bool Group::HasExited() const {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_;
}

std::pair<int, rusage> Group::Reap() {
  kill(-pid_, SIGKILL);
  int status = 0;
  rusage usage{};
  while (wait4(pid_, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return {status, usage};
}

}  // namespace sw::base
