// Between Arrow's tables and ours; inside this room only. Names Arrow's types, includes none of
// its headers. Functions are pure; thread-safe.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "data/batch.h"

namespace arrow {
class RecordBatch;
class Schema;
class Status;
class Table;
}  // namespace arrow

namespace sw::data {

// INVALID_ARGUMENT with Arrow's reason; RESOURCE_EXHAUSTED when memory or a limit ran out.
std::unexpected<Error> FromArrow(const arrow::Status& status);

// Integers become int64, other numbers float64, dates and times timestamps, the rest text; nested
// columns are refused. The table may come from a hostile file: it is validated first.
Result<Batch> BatchFromArrow(const arrow::Table& table);
Result<Batch> BatchFromArrow(const arrow::RecordBatch& rows);
Result<Schema> SchemaFromArrow(const arrow::Schema& schema);
// Where `columns` are, or all where none are named; NOT_FOUND with near misses, `table` in the message.
Result<std::vector<int>> IndicesOf(const arrow::Schema& schema, const std::vector<std::string>& columns, const std::string& table);
// Each borrows the values of `batch`, which must outlive it.
Result<std::shared_ptr<arrow::RecordBatch>> RowsFromBatch(const Batch& batch);
Result<std::shared_ptr<arrow::Table>> TableFromBatch(const Batch& batch);

// Rows in order: a null where one is not valid, and `append(first row, count)` for each run of those between.
template <typename IsValid, typename Append>
void AppendBetweenNulls(std::size_t rows, Column& column, IsValid is_valid, Append append) {
  for (std::size_t row = 0, end = 0; row < rows; row = end) {
    for (end = row; end < rows && is_valid(end);) ++end;
    append(row, end - row);
    for (; end < rows && !is_valid(end); ++end) column.AppendNull();
  }
}

// Runs `body`, which calls Arrow, and turns an exception that leaves it into an error.
template <typename T>
Result<T> CatchingExceptions(const std::function<Result<T>()>& body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return base::MakeError(ErrorCode::kResourceExhausted, "not enough memory for this table");
  } catch (const std::exception& error) {
    return base::MakeError(ErrorCode::kInvalidArgument, error.what());
  }
}

}  // namespace sw::data
