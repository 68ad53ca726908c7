// What RawTable and its neighbours share; inside this room only. Names Arrow's types, includes none of its headers.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "data/arrow_table.h"
#include "data/raw_table.h"

namespace arrow {
class Array;
class DataType;
class MemoryPool;
template <typename T>
class Result;
}  // namespace arrow

namespace sw::data {

struct RawTable::Impl {
  std::vector<std::shared_ptr<arrow::MemoryPool>> pools;  // that buffers came from: first, so that they outlive the table
  std::shared_ptr<arrow::Table> table;
  std::vector<RawColumn> columns = {};
};

template <typename T>
Result<T> Ours(arrow::Result<T> result) {
  if (!result.ok()) return FromArrow(result.status());
  return *std::move(result);
}
template <typename ArrowStatus>
Status OursOf(const ArrowStatus& status) {
  if (!status.ok()) return FromArrow(status);
  return Ok();
}

RawTable RawFromArrow(std::shared_ptr<arrow::Table> table, std::vector<std::shared_ptr<arrow::MemoryPool>> pools = {});
// Checks lengths, offsets and indices of every value first: what came from outside.
Result<RawTable> CheckedRawFromArrow(std::shared_ptr<arrow::Table> table, std::vector<std::shared_ptr<arrow::MemoryPool>> pools);

Result<RawValue> ValueOf(const arrow::Array& array, std::int64_t row);
void AppendContentOf(const arrow::Array& array, std::int64_t row, std::string& out);

}  // namespace sw::data
