// CSV bodies to rows of an endpoint's request. Hostile input. Pure.
//
//   data::Batch rows = SW_TRY(RowsFromCsv(snapshot->request, request.body, CsvHeader::kNames));
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "data/batch.h"

namespace sw::wire {

enum class CsvHeader : std::uint8_t {
  kNames,  // the first line names the columns, in any order; all must be there, and no other
  kNone,   // every line is a row, its cells in the request's order (SageMaker)
};

// RFC 4180: quotes, doubled quotes, LF or CRLF. An empty cell is missing, unless it is text.
// INVALID_ARGUMENT names line and column.
Result<data::Batch> RowsFromCsv(const data::Schema& request, std::string_view text, CsvHeader header);

// The other way: a header, and a line a row. A null is an empty cell.
std::string CsvFromRows(const data::Batch& rows);

}  // namespace sw::wire
