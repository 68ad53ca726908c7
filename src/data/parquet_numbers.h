// Blocks of a Parquet file's columns that are plain numbers, which features mostly are; inside this room
// only. Values are decoded where they stay, with no arrays of Arrow in between. Names Arrow's types, includes
// none of its headers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/readers.h"
#include "data/table_stream.h"

namespace parquet::arrow {
class FileReader;
}  // namespace parquet::arrow

namespace sw::data {

struct NumberLeaf {
  Field field;
  int leaf = 0;  // of the file
};

// Of each of `columns` (empty: of all), in that order; nothing unless each is of float32, float64, int32 or
// int64, neither nested nor stored as something else.
std::optional<std::vector<NumberLeaf>> FindNumbers(parquet::arrow::FileReader& file, const std::vector<std::string>& columns);

// A block ends where a row group does.
std::unique_ptr<TableReader> MakeNumberBlocks(std::unique_ptr<parquet::arrow::FileReader> file, std::vector<NumberLeaf> leaves,
                                              std::uint64_t rows_max, std::size_t block_rows);

}  // namespace sw::data
