#include "base/clock.h"

#include <array>
#include <charconv>
#include <chrono>
#include <limits>

#include "base/errors.h"

namespace sw::base {
namespace {

struct Unit {
  std::string_view name;
  DurationUs size;
};
constexpr std::array<Unit, 6> kUnits = {{{"d", kDayUs},
                                         {"h", kHourUs},
                                         {"m", kMinuteUs},
                                         {"s", kSecondUs},
                                         {"ms", kMillisecondUs},
                                         {"us", 1}}};

// Reads fixed-width fields from the front; once something does not fit, `ok` stays false.
struct FieldReader {
  std::string_view rest;
  bool ok = true;

  bool At(std::string_view any_of) const {
    return !rest.empty() && any_of.find(rest[0]) != std::string_view::npos;
  }
  bool Take(std::string_view any_of) {
    if (!At(any_of)) return false;
    rest.remove_prefix(1);
    return true;
  }
  void Require(std::string_view any_of) { ok = Take(any_of) && ok; }
  int Digits(std::size_t count) {
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!At("0123456789")) {
        ok = false;
        return 0;
      }
      value = value * 10 + (rest[0] - '0');
      rest.remove_prefix(1);
    }
    return value;
  }
  int Within(std::size_t digits, int max) {
    const int value = Digits(digits);
    ok = ok && value <= max;
    return value;
  }
};

TimeUs TakeDate(FieldReader& reader) {
  const int year = reader.Digits(4);
  reader.Require("-");
  const int month = reader.Digits(2);
  reader.Require("-");
  const int day = reader.Digits(2);
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  reader.ok = reader.ok && date.ok();
  if (!reader.ok) return 0;
  return std::chrono::sys_days(date).time_since_epoch().count() * kDayUs;
}

// Takes 1 to 9 digits after the point and drops what is finer than a microsecond.
DurationUs TakeFraction(FieldReader& reader) {
  DurationUs fraction = 0;
  DurationUs scale = kSecondUs;
  int digits = 0;
  for (; reader.At("0123456789"); ++digits) {
    scale /= 10;
    fraction += reader.Digits(1) * scale;
  }
  reader.ok = reader.ok && digits >= 1 && digits <= 9;
  return fraction;
}

DurationUs TakeTimeOfDay(FieldReader& reader) {
  DurationUs time = reader.Within(2, 23) * kHourUs;
  reader.Require(":");
  time += reader.Within(2, 59) * kMinuteUs;
  reader.Require(":");
  time += reader.Within(2, 60) * kSecondUs;  // a leap second counts as the next second
  if (reader.Take(".")) time += TakeFraction(reader);
  return time;
}

DurationUs TakeOffset(FieldReader& reader) {
  if (reader.rest.empty() || reader.Take("Zz")) return 0;
  const int sign = reader.At("-") ? -1 : 1;
  reader.Require("+-");
  DurationUs offset = reader.Within(2, 23) * kHourUs;
  reader.Require(":");
  offset += reader.Within(2, 59) * kMinuteUs;
  return sign * offset;
}

}  // namespace

TimeUs SystemClock::Now() const {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

Status ManualClock::AdvanceTo(TimeUs time) {
  TimeUs before = now_.load(std::memory_order_acquire);
  do {
    if (time < before) {
      return FailedPrecondition("clock moves only forward: {} is before {}", FormatTime(time),
                                FormatTime(before));
    }
  } while (!now_.compare_exchange_weak(before, time, std::memory_order_acq_rel));
  return Ok();
}

std::int64_t MonotonicNs() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

std::string FormatTime(TimeUs time) {
  constexpr TimeUs kYear0 = -62'167'219'200 * kSecondUs;
  constexpr TimeUs kYear10000 = 253'402'300'800 * kSecondUs;
  if (time < kYear0 || time >= kYear10000) return fmt::format("{}us", time);
  const std::chrono::sys_time<std::chrono::microseconds> point{std::chrono::microseconds(time)};
  const auto days = std::chrono::floor<std::chrono::days>(point);
  const std::chrono::year_month_day date(days);
  const DurationUs of_day = (point - days).count();
  std::string text = fmt::format(
      "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), of_day / kHourUs,
      of_day / kMinuteUs % 60, of_day / kSecondUs % 60);
  const DurationUs fraction = of_day % kSecondUs;
  if (fraction % kMillisecondUs != 0) {
    text += fmt::format(".{:06}", fraction);
  } else if (fraction != 0) {
    text += fmt::format(".{:03}", fraction / kMillisecondUs);
  }
  return text + "Z";
}

Result<TimeUs> ParseTime(std::string_view text) {
  FieldReader reader{text};
  TimeUs time = TakeDate(reader);
  if (reader.ok && !reader.rest.empty()) {
    reader.Require("Tt ");
    time += TakeTimeOfDay(reader);
    time -= TakeOffset(reader);
  }
  if (reader.ok && reader.rest.empty()) return time;
  return InvalidArgument("time is not like 2013-06-01T05:00:00Z: \"{}\"", text.substr(0, 64));
}

Result<DurationUs> ParseDuration(std::string_view text) {
  if (text == "0") return 0;
  std::int64_t count = 0;
  const char* end = text.data() + text.size();
  const auto [after, code] = std::from_chars(text.data(), end, count);
  const std::string_view name(after, static_cast<std::size_t>(end - after));
  for (const Unit& unit : kUnits) {
    if (code != std::errc() || name != unit.name || count < 0 || text[0] == '-') continue;
    if (count > std::numeric_limits<DurationUs>::max() / unit.size) break;
    return count * unit.size;
  }
  return InvalidArgument("duration is not like 250ms, 90s, 5m, 24h or 7d: \"{}\"", text.substr(0, 64));
}

std::string FormatDuration(DurationUs duration) {
  if (duration == 0) return "0";
  for (const Unit& unit : kUnits) {
    if (duration % unit.size == 0) return fmt::format("{}{}", duration / unit.size, unit.name);
  }
  return fmt::format("{}us", duration);
}

}  // namespace sw::base
