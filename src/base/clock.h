// Time is passed in: every room takes a Clock, and a test advances a ManualClock.
//
// TimeUs counts microseconds since 1970-01-01T00:00:00Z, without leap seconds; DurationUs is a
// difference of two. All stored times are TimeUs. Thread-safe.
//
//   ManualClock clock(ParseTime("2013-06-01T00:00:00Z").value());
//   clock.AdvanceTo(clock.Now() + 3 * kHourUs);
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sw::base {

using TimeUs = std::int64_t;
using DurationUs = std::int64_t;

inline constexpr DurationUs kMillisecondUs = 1'000;
inline constexpr DurationUs kSecondUs = 1'000'000;
inline constexpr DurationUs kMinuteUs = 60 * kSecondUs;
inline constexpr DurationUs kHourUs = 60 * kMinuteUs;
inline constexpr DurationUs kDayUs = 24 * kHourUs;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimeUs Now() const = 0;
};

class SystemClock final : public Clock {
 public:
  TimeUs Now() const override;
};

// Moves only forward; AdvanceTo with an earlier time is FAILED_PRECONDITION.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(TimeUs start) : now_(start) {}
  TimeUs Now() const override { return now_.load(std::memory_order_acquire); }
  Status AdvanceTo(TimeUs time);

 private:
  std::atomic<TimeUs> now_;
};

// Nanoseconds of a clock that never jumps, for durations only; never stored.
std::int64_t MonotonicNs();
inline std::int64_t MonotonicMs() { return MonotonicNs() / 1'000'000; }

// RFC 3339 in UTC: "2013-06-01T05:00:00Z", with as many fraction digits (0, 3 or 6) as needed.
// A time outside the years 0 to 9999 has no such form and prints as "<microseconds>us".
std::string FormatTime(TimeUs time);
// Takes RFC 3339 with any offset, "YYYY-MM-DD", and "YYYY-MM-DD HH:MM:SS[.ffffff]" with 'T' or a
// space between (as UTC). Digits past the microsecond are dropped.
Result<TimeUs> ParseTime(std::string_view text);
// "90s", "5m", "1h", "24h", "7d", "250ms", "10us", "0", never negative; the inverse prints the largest unit that divides.
Result<DurationUs> ParseDuration(std::string_view text);
std::string FormatDuration(DurationUs duration);

}  // namespace sw::base

namespace sw {
using base::DurationUs;
using base::TimeUs;
}  // namespace sw
