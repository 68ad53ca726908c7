// What the scoring benchmark's programs share: how time is taken, and what they print.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

namespace bench_score {

inline constexpr std::size_t kBatch = 4096;

[[noreturn]] inline void Fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

// CPU nanoseconds of this thread so far.
inline double ThreadTime() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

// CPU nanoseconds of this thread a row, the least of `passes` and of half a second: what else runs on the
// machine comes and goes within that.
inline double LeastTime(int passes, std::size_t rows, const std::function<void()>& score_all) {
  constexpr double kLongEnough = 0.5e9;
  double best = 1e18;
  const double start = ThreadTime();
  for (int pass = 0; pass < passes || ThreadTime() - start < kLongEnough; ++pass) {
    const double before = ThreadTime();
    score_all();
    best = std::min(best, ThreadTime() - before);
  }
  return best / static_cast<double>(rows);
}

inline void PrintFigures(double one_row_ns, double batch_ns, bool one_row_equal) {
  std::printf("{\"one_row_ns\": %.1f, \"batch_ns\": %.1f, \"one_row_equal\": %s}\n", one_row_ns, batch_ns,
              one_row_equal ? "true" : "false");
}

}  // namespace bench_score
