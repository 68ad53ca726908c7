// The newest row of a table for each label, and for each key: row numbers only. The first pass of a point-in-time
// join; what the chosen rows hold is gathered afterwards (data::RawFiles::Gather).
//
//   const auto rows = SW_TRY(NewestRows(table, labels, {.ttl = ttl, .threads = 2}));    // -1: none
//
// Newest is by event time, then by created time (none: the oldest), then by a hash of the content: never by where a
// row stands. Each row of the table is looked at once and not kept: memory grows with the labels, and by two words
// for each row that is as new as another. Pure but for reading.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/raw_files.h"

namespace sw::feast {

// Columns by their names in the table.
struct EventTable {
  data::RawFiles files;
  std::vector<std::string> keys = {};     // none: all rows are of one entity
  std::string event_time = {};
  std::string created = {};               // empty: none
  std::vector<std::string> content = {};  // that tells apart what is equally new
};

struct Labels {
  data::RawKeys keys = {};           // not looked at where the table has no keys
  data::RawTimes moments = {};       // one without a moment sees nothing
  data::TimeUnit unit = data::TimeUnit::kMicroseconds;
};

struct NewestOptions {
  DurationUs ttl = 0;                // 0: rows do not grow old; else as old as that, and not older
  bool by_created = false;           // only rows that had been created by the moment
  std::size_t threads = 1;
  std::size_t ties_max = std::size_t{64} << 20;
};

Result<std::vector<std::int64_t>> NewestRows(const EventTable& table, const Labels& labels, const NewestOptions& options);

// The newest row of each key, by row number; rows without a key or an event time are left out.
struct TimeRange {
  std::int64_t from = INT64_MIN;     // both included, in the unit
  std::int64_t to = INT64_MAX;
};
Result<std::vector<std::int64_t>> NewestOfEachKey(const EventTable& table, const TimeRange& range, data::TimeUnit unit, const NewestOptions& options);

// All rows in the range, the oldest first; equally old ones as they stand.
Result<std::vector<std::int64_t>> RowsInRange(const EventTable& table, const TimeRange& range, data::TimeUnit unit);

// Nanoseconds where one of the columns has them.
data::TimeUnit UnitOf(const EventTable& table);
std::int64_t InUnit(std::int64_t us, data::TimeUnit unit);  // saturating

}  // namespace sw::feast
