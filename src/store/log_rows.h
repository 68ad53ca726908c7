// Rows of unlike columns brought together: the union of their fields, and widening between types.
//
// A stream's rows may differ in columns, and a column may change its type as models change. Inside
// a segment types are one; between segments a reader gets the type that it asks for, or the
// narrowest that holds all. Immutable functions, no state.
//
//   std::vector<data::Field> fields = UnionFields({&old_rows, &new_rows});
//   SW_TRY(AppendWidened(old_rows, 0, old_rows.num_rows(), fields, into));
#pragma once

#include <string_view>
#include <vector>

#include "data/batch.h"
#include "store/logbook.h"

namespace sw::store {

// Names that the logbook keeps for itself: _offset, _event_time, _id, _producer, _sequence, _erased.
bool IsReservedColumn(std::string_view name);

// The narrowest of the five types that holds both: bool < int64 < float64, else string.
data::Type WidenType(data::Type a, data::Type b);
// Fields in order of first appearance, without reserved ones, all nullable.
std::vector<data::Field> UnionFields(const std::vector<const data::Batch*>& batches);
// True when each column of `more` that `batch` has too has the same type there.
bool SameTypes(const std::vector<data::Field>& fields, const data::Batch& more);

// Appends rows [begin, begin + count) of `from`, null where it lacks a field. INVALID_ARGUMENT
// where a stored type does not widen to the asked one. `into` has exactly `fields`.
Status AppendWidened(const data::Batch& from, std::size_t begin, std::size_t count,
                     const std::vector<data::Field>& fields, data::Batch& into);

// INVALID_ARGUMENT unless there are rows, of one length everywhere, under usable column names.
Status CheckRows(const LogRows& rows);

}  // namespace sw::store
