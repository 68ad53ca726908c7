// Functions of time. A civil time needs a zone, which every function here takes as its last argument:
// there is no session zone that could differ between training and serving.
#include <cmath>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "feature/expression_rows.h"

namespace sw::feature {
namespace {

using data::Type;
using Int = std::int64_t;
using Text = std::string_view;

constexpr double kTimeEnd = 9.2e18;  // below int64's end, so that no rounding passes it

// The zones of one call: the literal one, or each name looked up once.
class Zones {
 public:
  explicit Zones(const TimeZone* literal) : last_(literal), is_literal_(literal != nullptr) {}

  Checked<const TimeZone*> Find(Text name) {
    if (is_literal_ || (last_ != nullptr && name == last_name_)) return last_;
    auto found = by_name_.find(std::string(name));
    if (found == by_name_.end()) {
      auto zone = TimeZone::Find(name);
      if (!zone) return std::unexpected(Failure{std::move(zone).error().message});
      found = by_name_.emplace(std::string(name), *std::move(zone)).first;
    }
    last_ = &found->second;
    last_name_ = found->first;
    return last_;
  }

 private:
  const TimeZone* last_;
  bool is_literal_;
  Text last_name_;
  std::unordered_map<std::string, TimeZone> by_name_;  // keys and values stay where they are
};

Checked<Int> TimeIn(Zones& zones, const CivilTime& civil, Text zone_name) {
  const auto zone = zones.Find(zone_name);
  if (!zone) return std::unexpected(zone.error());
  auto time = (*zone)->TimeOf(civil);
  if (!time) return std::unexpected(Failure{std::move(time).error().message});
  return *time;
}

CallResult MakeTimestamp(const CallInput& input) {
  Zones zones(input.zone);
  return EachRow<Int, Int, Int, Int, Int, Text>(
      input, Type::kTimestamp, [&](Int year, Int month, Int day, Int hour, Int minute, Text zone) {
        return TimeIn(zones, {year, month, day, hour, minute, 0}, zone);
      });
}

CallResult MakeTimestampWithSeconds(const CallInput& input) {
  Zones zones(input.zone);
  return EachRow<Int, Int, Int, Int, Int, Int, Text>(
      input, Type::kTimestamp,
      [&](Int year, Int month, Int day, Int hour, Int minute, Int second, Text zone) {
        return TimeIn(zones, {year, month, day, hour, minute, second}, zone);
      });
}

// A field of the civil time: hour(time, zone) and its kin.
template <auto kField>
CallResult Field(const CallInput& input) {
  Zones zones(input.zone);
  return EachRow<Int, Text>(input, Type::kInt64, [&](Int time, Text name) -> Checked<Int> {
    const auto zone = zones.Find(name);
    if (!zone) return std::unexpected(zone.error());
    const CivilTime civil = (*zone)->CivilOf(time);
    if constexpr (std::is_member_object_pointer_v<decltype(kField)>) {
      return civil.*kField;
    } else {
      return kField(civil);
    }
  });
}

Checked<Int> Sum(TimeUs time, Int count, DurationUs unit) {
  Int duration = 0, sum = 0;
  if (__builtin_mul_overflow(count, unit, &duration) ||
      __builtin_add_overflow(time, duration, &sum)) {
    return std::unexpected(Failure{
        fmt::format("adding {} to {} leaves the range of time", count, base::FormatTime(time))});
  }
  return sum;
}

// Rounds to the microsecond, ties to even.
Checked<Int> Microseconds(double count, DurationUs unit) {
  const double duration = std::nearbyint(count * static_cast<double>(unit));
  if (!(std::fabs(duration) < kTimeEnd))
    return std::unexpected(Failure{fmt::format("{} is no duration", count)});
  return static_cast<Int>(duration);
}

template <DurationUs kUnit>
CallResult AddInts(const CallInput& input) {
  return EachRow<Int, Int>(input, Type::kTimestamp,
                           [](Int time, Int count) { return Sum(time, count, kUnit); });
}

template <DurationUs kUnit>
CallResult AddDoubles(const CallInput& input) {
  return EachRow<Int, double>(input, Type::kTimestamp, [](Int time, double count) -> Checked<Int> {
    const auto duration = Microseconds(count, kUnit);
    return duration ? Sum(time, *duration, 1) : duration;
  });
}

CallResult SecondsBetween(const CallInput& input) {
  return EachRow<Int, Int>(input, Type::kFloat64, [](Int from, Int to) {
    // Exact in 128 bits, rounded once.
    return static_cast<double>(static_cast<__int128>(to) - from) /
           static_cast<double>(base::kSecondUs);
  });
}

CallResult ToTimestampInt(const CallInput& input) {
  return EachRow<Int>(input, Type::kTimestamp,
                      [](Int seconds) { return Sum(0, seconds, base::kSecondUs); });
}

CallResult ToTimestampDouble(const CallInput& input) {
  return EachRow<double>(input, Type::kTimestamp,
                         [](double seconds) { return Microseconds(seconds, base::kSecondUs); });
}

constexpr Signature kSignatures[] = {
    {"make_timestamp", "iiiiiz", Type::kTimestamp, MakeTimestamp},
    {"make_timestamp", "iiiiiiz", Type::kTimestamp, MakeTimestampWithSeconds},
    {"year", "tz", Type::kInt64, Field<&CivilTime::year>},
    {"month", "tz", Type::kInt64, Field<&CivilTime::month>},
    {"day", "tz", Type::kInt64, Field<&CivilTime::day>},
    {"hour", "tz", Type::kInt64, Field<&CivilTime::hour>},
    {"minute", "tz", Type::kInt64, Field<&CivilTime::minute>},
    {"second", "tz", Type::kInt64, Field<&CivilTime::second>},
    {"weekday", "tz", Type::kInt64, Field<Weekday>},
    {"add_seconds", "ti", Type::kTimestamp, AddInts<base::kSecondUs>},
    {"add_seconds", "tf", Type::kTimestamp, AddDoubles<base::kSecondUs>},
    {"add_minutes", "ti", Type::kTimestamp, AddInts<base::kMinuteUs>},
    {"add_minutes", "tf", Type::kTimestamp, AddDoubles<base::kMinuteUs>},
    {"add_hours", "ti", Type::kTimestamp, AddInts<base::kHourUs>},
    {"add_hours", "tf", Type::kTimestamp, AddDoubles<base::kHourUs>},
    {"seconds_between", "tt", Type::kFloat64, SecondsBetween},
    {"to_timestamp", "i", Type::kTimestamp, ToTimestampInt},
    {"to_timestamp", "f", Type::kTimestamp, ToTimestampDouble},
};

}  // namespace

std::span<const Signature> TimeFunctions() { return kSignatures; }

}  // namespace sw::feature
