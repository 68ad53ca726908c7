// From a source's rows to the histories of entities, in total order: what the kernel reads.
//
//   SourceRows rows = SW_TRY(ReadSourceRows(logbook, "flights", 0, end, fields));
//   Entities by_origin = SW_TRY(GroupRows(view, rows, {}));
//   Merge(chunk, by_origin.at(key));
//
// Online chunks, lifetime records and the point-in-time join are all filled through GroupRows and
// Merge, so that they hold the same rows in the same order. Pure functions over values, but for
// ReadSourceRows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "feature/kernel.h"
#include "feature/plan.h"
#include "store/logbook.h"

namespace sw::feature {

struct SourceRows {
  std::vector<TimeUs> event_time;
  std::vector<TimeUs> available_at;
  std::vector<std::uint64_t> tie;
  data::Batch columns;
  std::vector<std::int64_t> offset = {};  // in the stream, where they were read from it
  std::size_t num_rows() const { return event_time.size(); }
};

inline std::string StreamOf(std::string_view source) { return "source/" + std::string(source); }
std::uint64_t TieOf(std::string_view row_id);

// Rows [from, to) of the source's stream; erased ones are left out. Null where a
// row lacks a field.
Result<SourceRows> ReadSourceRows(const store::Logbook& logbook, std::string_view source, std::int64_t from,
                                  std::int64_t to, const std::vector<data::Field>& fields);

// Positions of rows in the order (time, tie).
std::vector<std::size_t> TotalOrder(const std::vector<TimeUs>& time, const std::vector<std::uint64_t>& tie);

// The columns that the views need of their source, each once.
std::vector<data::Field> FieldsOf(const std::vector<const ViewPlan*>& views);

// The entity key of a row as canonical bytes; nothing when a part of it is null. `columns` are those
// of the keys, in their order and of their types.
std::optional<std::string> EntityKey(const std::vector<const data::Column*>& columns, std::size_t row);
// NOT_FOUND or INVALID_ARGUMENT when `table` lacks a key or has it in another type.
Result<std::vector<const data::Column*>> KeyColumns(const ViewPlan& view, const data::Batch& table,
                                                    std::string_view table_name);

data::Schema ValuesSchema(const ViewPlan& view);
// A column of the view, of the source's rows, with the type that the view takes it as; kEveryRow is true in each.
// DATA_LOSS when the rows hold another type.
Result<data::Column> ViewColumn(const data::Field& field, const SourceRows& rows);

// When a row happened as the view's windows see it, and when it became known. With ignore_availability every row is
// always known and windows run over event time.
struct RowTimes {
  TimeUs event_time = 0;
  TimeUs available_at = 0;
};
inline RowTimes TimesOf(const ViewPlan& view, const SourceRows& rows, std::size_t row, bool ignore_availability) {
  if (ignore_availability) return {rows.event_time[row], kAlways};
  return {view.window_over_available ? rows.available_at[row] : rows.event_time[row], rows.available_at[row]};
}

using Entities = std::unordered_map<std::string, History>;  // by entity key

// Rows without a key, and those that never become known, are left out; times as TimesOf says.
Result<Entities> GroupRows(const ViewPlan& view, const SourceRows& rows, bool ignore_availability);

// Both in total order, of the same columns; rows [begin, end) of `more`.
void Merge(History& into, const History& more, std::size_t begin, std::size_t end);
inline void Merge(History& into, const History& more) { Merge(into, more, 0, more.num_rows()); }
}  // namespace sw::feature
