// Conform: brings columns to the types that are expected of them, where no information is lost.
//
//   data::Column delay = SW_TRY(ConformColumn(column, data::Type::kFloat64));     // int64 -> float64
//   data::Batch inputs = SW_TRY(ConformTable(requests, request.inputs, "the requests"));
//
// A column of nulls fits any type; bool and int64 widen; a float64 of whole numbers becomes int64
// (JSON of dynamic languages writes 3.0 for 3). Nothing else converts. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/batch.h"

namespace sw::feature {

// INVALID_ARGUMENT names both types, and a value that does not fit.
Result<data::Column> ConformColumn(const data::Column& column, data::Type type);

// The fields' columns of `table`, in their order; others are left out. NOT_FOUND with near misses.
Result<data::Batch> ConformTable(const data::Batch& table, const std::vector<data::Field>& fields,
                                 std::string_view table_name);

// All columns of `table`; those that `known` has too take its types. Errors name the column.
Result<data::Batch> ConformToKnown(data::Batch table, const data::Schema& known);

}  // namespace sw::feature
