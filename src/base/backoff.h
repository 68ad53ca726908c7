// Backoff: how long to leave alone what keeps failing. The wait doubles with each failure, up to a
// limit; whatever then ran well for a while is forgiven. A value; the time is passed in.
//
//   if (!backoff.MayStart(now)) return Unavailable("... until {}", FormatTime(backoff.next_start()));
//   backoff.Started(now);
//   ...
//   backoff.Failed(now);
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace sw::base {

class Backoff {
 public:
  struct Options {
    DurationUs first = kSecondUs;
    DurationUs max = kMinuteUs;
    DurationUs well = kMinuteUs;  // from a start to a failure: earlier failures are forgotten
  };
  explicit Backoff(const Options& options) : options_(options) {}

  bool MayStart(TimeUs now) const { return failures_ == 0 || now >= next_start_; }
  TimeUs next_start() const { return next_start_; }
  int failures() const { return failures_; }  // in a row
  void Started(TimeUs now) { started_ = now; }

  void Failed(TimeUs now) {
    if (now - started_ >= options_.well) failures_ = 0;
    constexpr int kDoublingsMax = 30;  // keeps the shift in range
    next_start_ = now + std::min(options_.first << std::min(failures_, kDoublingsMax), options_.max);
    ++failures_;
  }

 private:
  Options options_;
  TimeUs started_ = 0;
  TimeUs next_start_ = 0;
  int failures_ = 0;
};

}  // namespace sw::base
