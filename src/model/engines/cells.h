// Cells: numeric rows as the forest engines read them, row-major, column-major or strided.
//
//   Cells one_row{.columns = pointers, .stride = 0, .rows = 1};
//
// Borrows. A value of column c in row r is columns[c][r * stride]; NaN is missing.
#pragma once

#include <cstddef>
#include <span>

namespace sw::model {

struct Cells {
  std::span<const double* const> columns;  // one a feature of the forest
  std::size_t stride = 1;                  // in doubles, from a row to the next
  std::size_t rows = 0;
};

}  // namespace sw::model
