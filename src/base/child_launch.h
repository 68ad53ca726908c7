// Starts a child process and ends it with its whole group. Internal to child_process.cc and
// worker_process.cc; one owner each.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sw::base {

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { Close(); }
  int get() const { return fd_; }
  void Close();

 private:
  int fd_;
};

struct Pipe {
  Descriptor read;
  Descriptor write;
};
Result<Pipe> MakePipe();

inline constexpr int kChannelFd = 3;  // where a child finds LaunchSpec::channel

struct LaunchSpec {
  const std::vector<std::string>& argv;  // argv[0] is a path
  const std::vector<std::pair<std::string, std::string>>& env;
  std::string folder = {};            // working folder, empty: inherit
  std::uint64_t memory_bytes_max = 0;  // address space, 0: no limit
  bool has_network = true;            // false: a network namespace of its own, with nothing in it
  int input = -1;                     // its standard streams; borrowed
  int output = -1;
  int errors = -1;
  int channel = -1;                   // becomes kChannelFd; -1: none
};

// Returns once the program runs. NOT_FOUND or INVALID_ARGUMENT when it cannot, PERMISSION_DENIED when
// the system allows no network namespace. The child dies with the calling thread.
Result<pid_t> Launch(const LaunchSpec& spec);

// Kills the group and reaps the child, whatever way its owner is left.
class Group {
 public:
  explicit Group(pid_t pid) : pid_(pid) {}
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;
  ~Group() {
    if (pid_ > 0) Reap();
  }

  bool HasExited() const;
  // Kills before it reaps: until then the group's number cannot belong to anybody else.
  std::pair<int, rusage> Reap();

 private:
  pid_t pid_;
};

}  // namespace sw::base
