// Rows of a body, as JSON objects or as an encoded batch. Pure.
//
//   data::Batch rows = SW_TRY(RowsOf(request, body, HintsOf(brings)));
#pragma once

#include <string>

#include "api/wire/json_rows.h"
#include "base/json.h"
#include "base/result.h"
#include "data/batch.h"
#include "feature/definitions.h"
#include "feature/service_request.h"
#include "net/http.h"

namespace sw::native {

using wire::BatchFromRows;
using wire::kColumnsMax;
using wire::kRowsMax;
using wire::RowsFromBatch;
using wire::TypeHints;

// Content type of a body that is one encoded batch (data::EncodeBatch).
inline constexpr std::string_view kBatchContentType = "application/vnd.seaworthy.batch";

// The rows of a body: an encoded batch by its content type, else what BatchFromRows makes of the
// member "rows" of `body`.
Result<data::Batch> RowsOf(const net::Request& request, const Json& body, const TypeHints& hints);
bool IsEncodedBatch(const net::Request& request);

// NOT_FOUND, with near misses, for a column that a view of the source uses and that `rows` lack, when
// nothing computes it. JSON leaves nulls out, so there only one that looks misspelt is refused.
Status CheckPushedColumns(const feature::Definitions& defined, const feature::SourceDef& source, const data::Schema& rows,
                          bool absent_is_null);

using feature::RequestSchema;
TypeHints HintsOf(const data::Schema& schema);

}  // namespace sw::native
