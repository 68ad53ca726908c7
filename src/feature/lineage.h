// Lineage: did a column of a training table know the future?
//
// Each value of a column became known at some time. One that became known only after the moment its
// row is used at cannot be there when the model serves: it leaks, whatever it is called and however
// it was scaled.
//
//   data::Batch rows = SW_TRY(store->Rows("flights", cut));
//   const Availability known{{"dep_delay", SW_TRY(AvailabilityOf(rows))}};
//   LineageReport report = CheckLineage(table, moments, known);   // rows_too_late > 0: a leak
//
// Pure functions over values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "data/batch.h"
#include "feature/kernel.h"

namespace sw::feature {

// The column of FeatureStore::Rows that says when a row became known.
inline constexpr std::string_view kAvailableColumn = "_available_at";

// What a training set would see of the future, by column: rows whose column became known only after
// the moment they are used at.
struct LineageReport {
  struct Column {
    std::string name;
    std::uint64_t rows = 0;             // that hold a value
    std::uint64_t rows_too_late = 0;    // available only after the row's moment
    std::vector<std::string> examples;  // at most five: row, value, moment, known at
  };
  std::vector<Column> columns;          // of the table, in its order, those whose availability is given

  bool Leaks() const;                   // any row of any column
};

// Column of the table -> when its value became known, a time for each row of the table.
using Availability = std::map<std::string, std::vector<TimeUs>>;

// INVALID_ARGUMENT when a column is not in the table, or lengths differ. Columns without
// availability are left out: that they are unknown is for the caller to judge.
Result<LineageReport> CheckLineage(const data::Batch& table, const std::vector<TimeUs>& moments,
                                   const Availability& columns);

// When each row of FeatureStore::Rows became known: its availability, which every column that comes
// from the row has, and every expression over them.
Result<std::vector<TimeUs>> AvailabilityOf(const data::Batch& rows);

}  // namespace sw::feature
