// Rows: JSON objects to a typed batch and back. Inside this room only. Pure.
//
//   data::Batch rows = SW_TRY(BatchFromRows(body, {{"departs", data::Type::kTimestamp}}));
#pragma once

#include <map>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "data/batch.h"
#include "feature/definitions.h"
#include "net/http.h"

namespace sw::native {

inline constexpr std::size_t kRowsMax = 100'000;  // in one request, limit rows_per_request_max
inline constexpr std::size_t kColumnsMax = 2'000;

// Content type of a body that is one encoded batch (data::EncodeBatch).
inline constexpr std::string_view kBatchContentType = "application/vnd.seaworthy.batch";

using TypeHints = std::map<std::string, data::Type>;

// `rows` is an array of objects. Columns are in order of first appearance, absent values null. A
// column without a hint is bool, int64, float64, timestamp (all RFC 3339) or string by its values.
// Errors name row and column.
Result<data::Batch> BatchFromRows(const Json& rows, const TypeHints& hints);
Json RowsFromBatch(const data::Batch& batch);

// The rows of a body: an encoded batch by its content type, else what BatchFromRows makes of the
// member "rows" of `body`.
Result<data::Batch> RowsOf(const net::Request& request, const Json& body, const TypeHints& hints);
bool IsEncodedBatch(const net::Request& request);

// NOT_FOUND, with near misses, for a column that a view of the source uses and that `rows` lack, when
// nothing computes it. JSON leaves nulls out, so there only one that looks misspelt is refused.
Status CheckPushedColumns(const feature::Definitions& defined, const feature::SourceDef& source, const data::Schema& rows,
                          bool absent_is_null);

// What a request for the service's features brings: the keys of its entities, and request inputs.
Result<data::Schema> RequestSchema(const feature::Definitions& defined, const std::string& service);
TypeHints HintsOf(const data::Schema& schema);

}  // namespace sw::native
