// Which rows have which value of a column. Internal to this room.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "eval/report.h"

namespace sw::eval {

struct SliceRows {
  std::string value;
  std::vector<std::size_t> rows;  // ascending
};

// The values of the column, most rows first, then by value. INVALID_ARGUMENT when the column has
// not `rows` rows.
Result<std::vector<SliceRows>> SplitBySlice(const SliceColumn& slice, std::size_t rows);

}  // namespace sw::eval
