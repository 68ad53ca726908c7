// Rows as JSON objects, to a typed batch and back. Pure.
//
//   data::Batch rows = SW_TRY(BatchFromRows(body, {{"departs", data::Type::kTimestamp}}));
#pragma once

#include <map>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "data/batch.h"

namespace sw::wire {

inline constexpr std::size_t kRowsMax = 100'000;  // in one request, limit rows_per_request_max
inline constexpr std::size_t kColumnsMax = 2'000;

using TypeHints = std::map<std::string, data::Type>;

// `rows` is an array of objects. Columns are in order of first appearance, absent values null. A
// column without a hint is bool, int64, float64, timestamp (all RFC 3339) or string by its values.
// Errors name row and column.
Result<data::Batch> BatchFromRows(const Json& rows, const TypeHints& hints);
Json RowsFromBatch(const data::Batch& batch);

}  // namespace sw::wire
