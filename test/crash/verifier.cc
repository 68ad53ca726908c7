// crash_program verify: reads lines "<folder> <notes>" and answers each with one line, "ok" or what
// is wrong with the folder that a crash left, after the notes that the program had printed by then.
//
// Each folder is opened in a child of its own: what a crash leaves must not take a process down,
// and if it does, that is an answer too.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "facts.h"

#include "base/files.h"

namespace sw::crash {
namespace {

constexpr unsigned kSecondsMax = 120;

struct Promises {
  std::set<std::string> facts;
  std::set<std::int64_t> erased;
  std::int64_t retained_from = 0;  // rows of kShortStream before this one may be gone
  std::int64_t followed = 0;       // rows that the online store held, or says it has lost
};

std::int64_t NumberAfter(std::string_view text, std::string_view start) { return std::atoll(std::string(text.substr(start.size())).c_str()); }

Result<Promises> ReadPromises(const std::string& path) {
  std::istringstream notes(SW_TRY(base::ReadFile(path)));
  Promises promises;
  for (std::string line; std::getline(notes, line);) {
    const std::size_t space = line.find(' ');
    if (line.starts_with("ack followed ")) {
      promises.followed = std::max(promises.followed, NumberAfter(line, "ack followed "));
      continue;
    }
    if (line.starts_with("ack ") || line.starts_with("seen ")) promises.facts.insert(line.substr(space + 1));
    if (line.starts_with("ack erase ")) promises.erased.insert(NumberAfter(line, "ack erase "));
    if (line.starts_with("retain ")) promises.retained_from = std::max(promises.retained_from, NumberAfter(line, "retain "));
  }
  return promises;
}

std::vector<std::string> Missing(const Promises& promises, const Found& found) {
  std::vector<std::string> missing;
  for (const std::string& fact : promises.facts) {
    if (found.facts.contains(fact)) continue;
    const std::string kind = std::string(kShortStream) + " ";
    if (fact.starts_with(kind) && NumberAfter(fact, kind) < promises.retained_from) continue;
    missing.push_back("lost: " + fact);
  }
  if (!found.online_was_lost && found.followed < promises.followed) {
    missing.push_back(fmt::format("online: {} rows of {}, and it does not say that it was lost", found.followed, promises.followed));
  }
  return missing;
}

std::string Judge(const std::string& folder, const std::string& notes) {
  const Result<Promises> promises = ReadPromises(notes);
  if (!promises) return promises.error().message;
  std::vector<std::string> problems = SecretsOnDisk(folder, promises->erased);
  base::ManualClock clock(0);
  base::Counters counters;
  {
    Result<Stores> stores = Stores::Open(folder, clock, counters);
    if (!stores) return "open: " + stores.error().ToString();
    const Found found = LookAt(*stores);
    problems.insert(problems.end(), found.failures.begin(), found.failures.end());
    problems.insert(problems.end(), found.problems.begin(), found.problems.end());
    const std::vector<std::string> missing = Missing(*promises, found);
    problems.insert(problems.end(), missing.begin(), missing.end());
  }
  return problems.empty() ? "ok" : fmt::format("{}", fmt::join(problems, "; "));
}

// Runs `Judge` in a child; the answer comes through a pipe.
std::string JudgeApart(const std::string& folder, const std::string& notes) {
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child < 0) return "no child";
  if (child == 0) {
    ::alarm(kSecondsMax);
    const std::string answer = Judge(folder, notes).substr(0, 4'000);
    const bool said = ::write(ends[1], answer.data(), answer.size()) == static_cast<ssize_t>(answer.size());
    ::_exit(said ? 0 : 1);
  }
  ::close(ends[1]);
  std::string answer;
  char bytes[4'096];
  for (ssize_t got = 0; (got = ::read(ends[0], bytes, sizeof(bytes))) > 0;) answer.append(bytes, static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return fmt::format("the process died of signal {}", WTERMSIG(status));
  if (answer.empty()) return fmt::format("the process ended with {}", WEXITSTATUS(status));
  std::replace(answer.begin(), answer.end(), '\n', ' ');
  return answer;
}

}  // namespace

int RunVerifier() {
  for (std::string line; std::getline(std::cin, line);) {
    const std::size_t space = line.find(' ');
    std::cout << JudgeApart(line.substr(0, space), line.substr(space + 1)) << std::endl;
  }
  return 0;
}

}  // namespace sw::crash
