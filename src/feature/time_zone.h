// TimeZone: civil time (what a clock on the wall shows) to and from TimeUs, by the IANA time zones of
// this machine ("America/New_York").
//
//   const TimeZone zone = SW_TRY(TimeZone::Find("America/New_York"));
//   TimeUs departs = SW_TRY(zone.TimeOf({.year = 2013, .month = 6, .day = 30, .hour = 24}));  // 1 July, 00:00
//   CivilTime local = zone.CivilOf(departs);
//
// Where clocks go forward (2013-03-10 02:30 in New York does not exist), a time in the gap is taken by
// the offset before it: 03:30 EDT. Where they go back (2013-11-03 01:30 comes twice), a repeated time
// is its first occurrence: 01:30 EDT. That is java.time's rule, and Python's with fold=0. Immutable;
// copies are cheap.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace sw::feature {

struct CivilTime {
  std::int64_t year = 1970;
  std::int64_t month = 1;
  std::int64_t day = 1;
  std::int64_t hour = 0;
  std::int64_t minute = 0;
  std::int64_t second = 0;
  bool operator==(const CivilTime&) const = default;
};

class TimeZone {
 public:
  // INVALID_ARGUMENT, with near misses, for a name that this machine's zone files lack. Names are
  // hostile: only files below the folder of zones are ever opened.
  static Result<TimeZone> Find(std::string_view name);

  // Every field may overflow into the next larger one: 31 April is 1 May, hour 24 the next midnight.
  // INVALID_ARGUMENT for a field beyond +-10 million, or a result outside the years 1 to 9999.
  Result<TimeUs> TimeOf(const CivilTime& civil) const;
  CivilTime CivilOf(TimeUs time) const;  // fractions of a second are cut off, towards the past

 private:
  struct Zone;
  explicit TimeZone(std::shared_ptr<const Zone> zone);
  std::shared_ptr<const Zone> zone_;
};

// 0 for Monday to 6 for Sunday.
int Weekday(const CivilTime& civil);

}  // namespace sw::feature
