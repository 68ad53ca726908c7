// Arrival: a source's derived rows as its stream takes them: when each happened, when it became
// known, and what it is called.
//
//   Arrival arrival = SW_TRY(MakeArrival(flights, derived));
//   arrival.id[0]                       // "UA1545-EWR-2013-1-1-515": of the columns that name a row
//
// A row's name does not depend on the order of columns, nor on the push that brought it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "feature/definitions.h"

namespace sw::feature {

struct Arrival {
  std::vector<TimeUs> event_time;    // kAlways for a source without time
  std::vector<TimeUs> available_at;  // max(event_time + delay, created time); kNever when that is null
  std::vector<std::string> id;       // of the dedupe columns, else a hash of the row's content
  data::Batch columns;
  std::size_t num_rows() const { return event_time.size(); }
};

// Without `is_named` ids are left out: most rows are never asked for theirs, and hashing their content takes long.
Result<Arrival> MakeArrival(const SourceDef& source, data::Batch derived, bool is_named = true);
// Two hashes of a row's id: too long to meet again by chance.
struct RowName {
  std::uint64_t high = 0, low = 0;
  bool operator==(const RowName&) const = default;
};
struct RowNameHash {
  std::size_t operator()(const RowName& name) const { return name.low; }
};
RowName NameOf(std::string_view id);

Arrival Take(const Arrival& arrival, const std::vector<std::size_t>& rows);

}  // namespace sw::feature
