// ChildProcess: runs a program that is not ours (a trainer, a user's script) with limits.
//
// The child gets its own process group, only the environment given, a memory and a time limit, and
// is killed with its group when the owner goes away. No shell is ever involved. One owner.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace sw::base {

struct ChildSpec {
  std::vector<std::string> argv;  // argv[0] is a path
  std::vector<std::pair<std::string, std::string>> env;
  std::string folder;                         // working folder, empty: inherit
  std::string input;                          // its standard input, then end of file
  std::uint64_t memory_bytes_max = 4ull << 30;  // address space
  DurationUs time_max = 10 * kMinuteUs;       // wall clock
  std::size_t output_bytes_max = 16u << 20;   // stdout and stderr each; the rest is dropped and noted
  std::function<void(std::string_view line)> on_stderr_line;  // progress; called on the waiting thread
};

struct ChildResult {
  int exit_code = 0;  // 128 + signal when killed by one
  std::string output;
  std::string errors;
  bool truncated = false;  // output or errors went past output_bytes_max
  std::uint64_t peak_rss_bytes = 0;
  DurationUs cpu_time = 0;
};

// Runs to the end. INVALID_ARGUMENT/NOT_FOUND when it cannot start, DEADLINE_EXCEEDED on time_max (with the end of its stderr);
// a non-zero exit is a Result with that exit code, for the caller to judge.
Result<ChildResult> RunChild(const ChildSpec& spec);

}  // namespace sw::base
