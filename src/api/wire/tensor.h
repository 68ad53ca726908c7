// Tensor: what the wires of tensors and instances share: named arrays and JSON instances become rows
// of an endpoint's request.
//
//   data::Batch rows = SW_TRY(RowsFromTensors(snapshot->request, std::move(tensors)));
//
// Nothing is converted silently: a name that no column has, an integer out of range and a number with
// a fraction for an integer are INVALID_ARGUMENT, by name. NaN and null are missing. Values; pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "data/batch.h"

namespace sw::wire {

enum class DataType : std::uint8_t {
  kBool, kInt8, kInt16, kInt32, kInt64, kUint8, kUint16, kUint32, kUint64, kFp16, kBf16, kFp32, kFp64, kBytes
};
std::string_view DataTypeName(DataType type);  // the Open Inference Protocol's: "FP32"
Result<DataType> ParseDataType(std::string_view name);
// Bytes of a value; 0 for kBytes.
std::size_t SizeOf(DataType type);
// What a column is shown as: FP64, INT64, BOOL, and BYTES for text and moments.
DataType DataTypeOf(data::Type type);

struct Tensor {
  std::string name = {};
  DataType type = DataType::kFp64;
  std::vector<std::int64_t> shape = {};
  // Row-major: kBool as kBool, integers as kInt64, the rest of the numbers as kFloat64, kBytes as kString.
  data::Column values = data::Column(data::Type::kFloat64);
};
data::Type ColumnTypeOf(DataType type);

// The number of values. INVALID_ARGUMENT for negative sizes and products beyond `values_max`.
Result<std::size_t> CountOf(const std::vector<std::int64_t>& shape, std::size_t values_max = 100'000'000);

// `json` is an array, nested as the shape says or flat.
Result<Tensor> TensorFromJson(std::string name, DataType type, std::vector<std::int64_t> shape, const Json& json);
// Little-endian values, without padding; a text is its length in 4 bytes and its bytes.
Result<Tensor> TensorFromBytes(std::string name, DataType type, std::vector<std::int64_t> shape, std::string_view bytes);

// One tensor of shape [N] or [N, 1] a column, or one matrix of shape [N, columns] for all of them: the
// only tensor, named "input", "inputs", "input-0", "input_0" or "input__0".
Result<data::Batch> RowsFromTensors(const data::Schema& request, std::vector<Tensor> tensors);
// The same into `rows`, which is empty and has the request's schema.
Result<data::Batch> RowsFromTensors(data::Batch rows, std::vector<Tensor> tensors);
bool IsMatrixName(std::string_view name);
// INVALID_ARGUMENT for a name that no column has, with near misses.
std::unexpected<Error> UnknownInput(const data::Schema& request, std::string_view name);
// Each instance is an object of columns, an array of all columns' values in their order or, where there
// is one column, a value.
Result<data::Batch> RowsFromInstances(const data::Schema& request, const Json& instances);
// Columns by name, an array each: {"a": [1, 2], "b": [3, 4]}; or an array as RowsFromInstances takes it.
Result<data::Batch> RowsFromColumns(const data::Schema& request, const Json& columns);

}  // namespace sw::wire
