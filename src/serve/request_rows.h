// Checks what a request brings against what its endpoint declares.
//
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/batch.h"

namespace sw::serve {

inline constexpr std::size_t kIdBytesMax = 256;
inline constexpr std::size_t kUnitBytesMax = 1'024;

// The columns of `schema`, in its order and types. int64 widens to float64. INVALID_ARGUMENT names a
// column that is missing (with near misses) or of another type, and a null that is not allowed.
// Columns that the schema lacks are left out and counted in `ignored_columns`.
Result<data::Batch> ConformRows(const data::Schema& schema, data::Batch rows, std::size_t& ignored_columns);

// The client's own prediction ids: one a row, 1 to 256 bytes without control characters, unlike
// each other.
Status CheckIds(const std::vector<std::string>& ids, std::size_t rows);

}  // namespace sw::serve
