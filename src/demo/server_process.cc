#include "demo/server_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "base/errors.h"
#include "base/files.h"

extern char** environ;

namespace sw::demo {
namespace {

Result<pid_t> Spawn(const std::vector<std::string>& arguments, int stdout_fd, const std::string& log_file) {
  std::vector<std::string> words = {"/proc/self/exe"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, stdout_fd, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return Internal("cannot start the server: errno {}", error);
  return pid;
}

Result<std::string> ReadLine(int fd) {
  std::string line;
  char c = 0;
  while (read(fd, &c, 1) == 1) {
    if (c == '\n') return line;
    line.push_back(c);
  }
  return Unavailable("the server ended before it said its address");
}

}  // namespace

Result<ServerProcess> ServerProcess::Start(const std::vector<std::string>& arguments, const std::string& log_file) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Internal("cannot make a pipe for the server");
  const auto pid = Spawn(arguments, ends[1], log_file);
  close(ends[1]);
  if (!pid) {
    close(ends[0]);
    return std::unexpected(pid.error());
  }
  auto line = ReadLine(ends[0]);
  close(ends[0]);
  ServerProcess server(*pid, line ? *line : "");
  if (!line) return std::unexpected(std::move(line.error()).Within("see " + log_file));
  return server;
}

ServerProcess::ServerProcess(ServerProcess&& other) noexcept : pid_(other.pid_), address_(std::move(other.address_)) { other.pid_ = -1; }

ServerProcess::~ServerProcess() { static_cast<void>(Stop()); }

std::uint64_t ServerProcess::PeakRssBytes() const {
  const auto status = base::ReadFile(fmt::format("/proc/{}/status", pid_));
  const std::size_t at = status ? status->find("VmHWM:") : std::string::npos;
  return at == std::string::npos ? 0 : std::strtoull(status->c_str() + at + 6, nullptr, 10) * 1024;
}

Status ServerProcess::Stop() {
  if (pid_ < 0) return Ok();
  kill(pid_, SIGTERM);
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return Internal("the server did not end cleanly: status {}", status);
  return Ok();
}

}  // namespace sw::demo
