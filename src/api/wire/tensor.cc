#include "api/wire/tensor.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

#include "base/errors.h"

namespace sw::wire {
namespace {

struct TypeFacts {
  DataType type;
  std::string_view name;
  std::size_t size;
  double least, greatest;  // of integers
};

constexpr std::array<TypeFacts, 14> kTypes = {{
    {DataType::kBool, "BOOL", 1, 0, 1},
    {DataType::kInt8, "INT8", 1, -128, 127},
    {DataType::kInt16, "INT16", 2, -32768, 32767},
    {DataType::kInt32, "INT32", 4, -2147483648.0, 2147483647.0},
    {DataType::kInt64, "INT64", 8, -9223372036854775808.0, 9223372036854775807.0},
    {DataType::kUint8, "UINT8", 1, 0, 255},
    {DataType::kUint16, "UINT16", 2, 0, 65535},
    {DataType::kUint32, "UINT32", 4, 0, 4294967295.0},
    {DataType::kUint64, "UINT64", 8, 0, 18446744073709551615.0},
    {DataType::kFp16, "FP16", 2, 0, 0},
    {DataType::kBf16, "BF16", 2, 0, 0},
    {DataType::kFp32, "FP32", 4, 0, 0},
    {DataType::kFp64, "FP64", 8, 0, 0},
    {DataType::kBytes, "BYTES", 0, 0, 0},
}};
constexpr int kDepthMax = 16;
constexpr std::array<std::string_view, 5> kMatrixNames = {"input", "inputs", "input-0", "input_0", "input__0"};
constexpr std::int64_t kExactIntMax = std::int64_t{1} << 53;

const TypeFacts& FactsOf(DataType type) { return kTypes[static_cast<std::size_t>(type)]; }

bool IsInteger(DataType type) { return type >= DataType::kInt8 && type <= DataType::kUint64; }

template <typename T>
T Load(const char* bytes) {
  T value{};
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// IEEE 754's half precision.
double HalfToDouble(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int fraction = bits & 1023;
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (exponent == 31) return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

template <typename Wire, typename To>
void LoadAll(const char* bytes, std::span<To> values) {
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<To>(Load<Wire>(bytes + i * sizeof(Wire)));
}

// `bytes` has as many values as there are to fill.
void LoadReals(DataType type, const char* bytes, std::span<double> values) {
  if (type == DataType::kFp32) return LoadAll<float>(bytes, values);
  if (type == DataType::kFp64) return LoadAll<double>(bytes, values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto half = Load<std::uint16_t>(bytes + 2 * i);
    values[i] = type == DataType::kFp16 ? HalfToDouble(half) : std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16);
  }
}

// UINT64's as INT64's bits.
void LoadIntegers(DataType type, const char* bytes, std::span<std::int64_t> values) {
  switch (type) {
    case DataType::kInt8: return LoadAll<std::int8_t>(bytes, values);
    case DataType::kInt16: return LoadAll<std::int16_t>(bytes, values);
    case DataType::kInt32: return LoadAll<std::int32_t>(bytes, values);
    case DataType::kUint8: return LoadAll<std::uint8_t>(bytes, values);
    case DataType::kUint16: return LoadAll<std::uint16_t>(bytes, values);
    case DataType::kUint32: return LoadAll<std::uint32_t>(bytes, values);
    default: return LoadAll<std::int64_t>(bytes, values);
  }
}

// What a value of JSON adds to a tensor's column.
class JsonValues {
 public:
  JsonValues(const std::string& name, DataType type, data::Column& values) : name_(name), type_(type), values_(values) {}

  // All of an array and the arrays in it.
  Status Take(const Json& json, int depth = 0) {
    if (!json.IsArray()) return TakeOne(json);
    if (depth == kDepthMax) return InvalidArgument("input {}: data is nested more than {} deep", name_, kDepthMax);
    for (const Json& each : json.AsArray()) SW_TRY(Take(each, depth + 1));
    return Ok();
  }

 private:
  std::unexpected<Error> Wrong(const Json& json) const {
    return InvalidArgument("input {}: {} has a value of {}: {}", name_, DataTypeName(type_), json.TypeName(),
                           json.Dump().substr(0, 64));
  }

  Status TakeOne(const Json& json) {
    if (json.IsNull()) return values_.AppendNull(), Ok();
    if (type_ == DataType::kBytes) {
      if (!json.IsString()) return Wrong(json);
      return values_.AppendString(json.AsString()), Ok();
    }
    if (type_ == DataType::kBool) {
      if (json.IsBool()) return values_.AppendBool(json.AsBool()), Ok();
      if (json.IsInt() && (json.AsDouble() == 0 || json.AsDouble() == 1)) return values_.AppendBool(json.AsDouble() == 1), Ok();
      return Wrong(json);
    }
    return IsInteger(type_) ? TakeInteger(json) : TakeReal(json);
  }

  Status TakeInteger(const Json& json) {
    if (!json.IsInt()) {
      if (json.IsDouble() && std::fabs(json.AsDouble()) >= 0x1p63) return OutOfRange(json);
      return Wrong(json);
    }
    const TypeFacts& facts = FactsOf(type_);
    const std::int64_t value = json.AsInt();
    if (static_cast<double>(value) < facts.least || static_cast<double>(value) > facts.greatest) return OutOfRange(json);
    return values_.AppendInt(value), Ok();
  }

  Status TakeReal(const Json& json) {
    if (!json.IsNumber()) return Wrong(json);
    const double value = json.AsDouble();
    if (type_ == DataType::kFp64) return values_.AppendDouble(value), Ok();
    const auto rounded = static_cast<float>(value);
    if (std::isinf(rounded) && !std::isinf(value)) return OutOfRange(json);
    return values_.AppendDouble(rounded), Ok();
  }

  std::unexpected<Error> OutOfRange(const Json& json) const {
    return InvalidArgument("input {}: {} is out of {}'s range", name_, json.Dump().substr(0, 64), DataTypeName(type_));
  }

  const std::string& name_;
  DataType type_;
  data::Column& values_;
};

Status AppendText(const std::string& name, std::size_t index, std::string_view text, data::Column& column) {
  if (auto appended = column.AppendText(text); !appended) {
    return std::unexpected(std::move(appended).error().Within(fmt::format("input {}, row {}", name, index)));
  }
  return Ok();
}

// One value of a tensor as a column has it.
Status Convert(const Tensor& tensor, std::size_t index, const data::Field& field, data::Column& column) {
  const data::Column& from = tensor.values;
  const auto wrong = [&] {
    return InvalidArgument("input {} is {}, the model reads {} ({})", tensor.name, DataTypeName(tensor.type),
                           DataTypeName(DataTypeOf(field.type)), data::TypeName(field.type));
  };
  if (from.IsNull(index)) return column.AppendNull(), Ok();
  switch (field.type) {
    case data::Type::kFloat64: {
      if (tensor.type == DataType::kBytes) return wrong();
      if (IsInteger(tensor.type) && (from.Int(index) > kExactIntMax || from.Int(index) < -kExactIntMax)) {
        return InvalidArgument("input {}, row {}: {} is no number that a double holds", field.name, index, from.Int(index));
      }
      return column.AppendDouble(from.AsDouble(index)), Ok();
    }
    case data::Type::kInt64:
      if (!IsInteger(tensor.type)) return wrong();
      return column.AppendInt(from.Int(index)), Ok();
    case data::Type::kBool:
      if (tensor.type != DataType::kBool) return wrong();
      return column.AppendInt(from.Int(index)), Ok();
    case data::Type::kString:
      if (tensor.type != DataType::kBytes) return wrong();
      return column.AppendString(from.String(index)), Ok();
    case data::Type::kTimestamp:
      if (tensor.type != DataType::kBytes) return wrong();
      return AppendText(field.name, index, from.String(index), column);
  }
  return wrong();
}

Result<data::Batch> RowsFromMatrix(data::Batch rows, const Tensor& matrix) {
  const data::Schema& request = rows.schema();
  const std::size_t width = request.fields.size();
  if (matrix.shape.size() != 2 || matrix.shape[1] != static_cast<std::int64_t>(width)) {
    return InvalidArgument("input {} has the shape [{}]; expected [rows, {}], or one input a column: {}", matrix.name,
                           fmt::join(matrix.shape, ", "), width, [&] {
                             std::vector<std::string> names;
                             for (const data::Field& field : request.fields) names.push_back(field.name);
                             return fmt::format("{}", fmt::join(names, ", "));
                           }());
  }
  const auto is_real = [](const data::Field& field) { return field.type == data::Type::kFloat64; };
  if (matrix.values.type() == data::Type::kFloat64 && matrix.values.null_count() == 0 && std::ranges::all_of(request.fields, is_real)) {
    for (std::size_t c = 0; c < width; ++c) {
      std::vector<double> values(matrix.values.size() / width);
      for (std::size_t row = 0; row < values.size(); ++row) values[row] = matrix.values.Double(row * width + c);
      rows.column(c) = data::Column(std::move(values));
    }
    return rows;
  }
  for (std::size_t i = 0; i < matrix.values.size(); ++i) {
    SW_TRY(Convert(matrix, i, request.fields[i % width], rows.column(i % width)));
  }
  return rows;
}

Status CheckColumnShape(const Tensor& tensor, std::size_t rows) {
  const std::size_t rank = tensor.shape.size();
  const bool is_column = rank == 1 || (rank == 2 && tensor.shape[1] == 1);
  if (!is_column) {
    return InvalidArgument("input {} has the shape [{}]; expected [rows] or [rows, 1]", tensor.name,
                           fmt::join(tensor.shape, ", "));
  }
  if (tensor.values.size() == rows) return Ok();
  return InvalidArgument("input {} has {} rows, others have {}", tensor.name, tensor.values.size(), rows);
}

// One cell of an instance, by the column's own rules for JSON.
Status AppendCell(const data::Field& field, std::size_t row, const Json& value, data::Column& column) {
  auto appended = column.AppendJson(value);
  if (appended) return Ok();
  return std::unexpected(std::move(appended).error().Within(fmt::format("instance {}, {}", row, field.name)));
}

Status AppendObject(const data::Schema& request, std::size_t row, const Json& object, data::Batch& rows) {
  for (const auto& [name, value] : object.AsObject()) {
    if (!request.Find(name)) return UnknownInput(request, name);
  }
  for (std::size_t c = 0; c < request.fields.size(); ++c) {
    const Json* value = object.Find(request.fields[c].name);
    if (value == nullptr) return InvalidArgument("instance {} has no {}", row, request.fields[c].name);
    SW_TRY(AppendCell(request.fields[c], row, *value, rows.column(c)));
  }
  return Ok();
}

Status AppendInstance(const data::Schema& request, std::size_t row, const Json& instance, data::Batch& rows) {
  if (instance.IsObject()) return AppendObject(request, row, instance, rows);
  if (!instance.IsArray()) {
    if (request.fields.size() == 1) return AppendCell(request.fields[0], row, instance, rows.column(0));
    return InvalidArgument("instance {} is {}; expected {} values or an object of them", row, instance.TypeName(),
                           request.fields.size());
  }
  const Json::Array& values = instance.AsArray();
  if (values.size() != request.fields.size()) {
    return InvalidArgument("instance {} has {} values, the model reads {}", row, values.size(), request.fields.size());
  }
  for (std::size_t c = 0; c < values.size(); ++c) SW_TRY(AppendCell(request.fields[c], row, values[c], rows.column(c)));
  return Ok();
}

}  // namespace

std::string_view DataTypeName(DataType type) { return FactsOf(type).name; }

Result<DataType> ParseDataType(std::string_view name) {
  const auto* found = std::ranges::find(kTypes, name, &TypeFacts::name);
  if (found != kTypes.end()) return found->type;
  return InvalidArgument("datatype {} is none; BOOL, INT8 to INT64, UINT8 to UINT64, FP16, BF16, FP32, FP64 and BYTES are",
                         name.substr(0, 32));
}

std::size_t SizeOf(DataType type) { return FactsOf(type).size; }

DataType DataTypeOf(data::Type type) {
  switch (type) {
    case data::Type::kBool: return DataType::kBool;
    case data::Type::kInt64: return DataType::kInt64;
    case data::Type::kFloat64: return DataType::kFp64;
    default: return DataType::kBytes;
  }
}

data::Type ColumnTypeOf(DataType type) {
  if (type == DataType::kBool) return data::Type::kBool;
  if (type == DataType::kBytes) return data::Type::kString;
  return IsInteger(type) ? data::Type::kInt64 : data::Type::kFloat64;
}

Result<std::size_t> CountOf(const std::vector<std::int64_t>& shape, std::size_t values_max) {
  std::size_t count = 1;
  for (const std::int64_t size : shape) {
    if (size < 0) return InvalidArgument("the shape [{}] has a negative size", fmt::join(shape, ", "));
    if (size != 0 && count > values_max / static_cast<std::size_t>(size)) {
      return ResourceExhausted("the shape [{}] has more than {} values (limit tensor_values_max)", fmt::join(shape, ", "), values_max);
    }
    count *= static_cast<std::size_t>(size);
  }
  return count;
}

Result<Tensor> TensorFromJson(std::string name, DataType type, std::vector<std::int64_t> shape, const Json& json) {
  if (type == DataType::kFp16 || type == DataType::kBf16) {
    return InvalidArgument("input {}: {} has no form in JSON; send it as binary data, or FP32", name, DataTypeName(type));
  }
  if (!json.IsArray()) return InvalidArgument("input {}: data is {}, expected an array", name, json.TypeName());
  const std::size_t count = SW_TRY(CountOf(shape));
  Tensor tensor{std::move(name), type, std::move(shape), data::Column(ColumnTypeOf(type))};
  SW_TRY(JsonValues(tensor.name, type, tensor.values).Take(json));
  if (tensor.values.size() == count) return tensor;
  return InvalidArgument("input {}: the shape [{}] has {} values, data has {}", tensor.name, fmt::join(tensor.shape, ", "),
                         count, tensor.values.size());
}

namespace {

Status TakeTexts(const std::string& name, std::string_view bytes, std::size_t count, data::Column& values) {
  for (std::size_t i = 0; i < count; ++i) {
    if (bytes.size() < 4) return InvalidArgument("input {}: its bytes end within value {}", name, i);
    const auto length = Load<std::uint32_t>(bytes.data());
    bytes.remove_prefix(4);
    if (length > bytes.size()) return InvalidArgument("input {}: its bytes end within value {}", name, i);
    values.AppendString(bytes.substr(0, length));
    bytes.remove_prefix(length);
  }
  if (bytes.empty()) return Ok();
  return InvalidArgument("input {}: {} bytes are left after its {} values", name, bytes.size(), count);
}

}  // namespace

Result<Tensor> TensorFromBytes(std::string name, DataType type, std::vector<std::int64_t> shape, std::string_view bytes) {
  const std::size_t count = SW_TRY(CountOf(shape)), size = SizeOf(type);
  Tensor tensor{std::move(name), type, std::move(shape), data::Column(ColumnTypeOf(type))};
  if (type == DataType::kBytes) return SW_TRY(TakeTexts(tensor.name, bytes, count, tensor.values)), tensor;
  if (bytes.size() != count * size) {
    return InvalidArgument("input {}: {} values of {} are {} bytes, found {}", tensor.name, count, DataTypeName(type),
                           count * size, bytes.size());
  }
  if (type == DataType::kBool) {
    tensor.values.Reserve(count);
    for (const char each : bytes) tensor.values.AppendBool(each != 0);
  } else if (IsInteger(type)) {
    std::vector<std::int64_t> values(count);
    LoadIntegers(type, bytes.data(), values);
    const auto wrapped = type == DataType::kUint64 ? std::ranges::find_if(values, [](std::int64_t value) { return value < 0; }) : values.end();
    if (wrapped != values.end()) {
      return InvalidArgument("input {}: {} is out of INT64's range", tensor.name, static_cast<std::uint64_t>(*wrapped));
    }
    tensor.values.AppendInts(values);
  } else {
    std::vector<double> values(count);
    LoadReals(type, bytes.data(), values);
    tensor.values = data::Column(std::move(values));
  }
  return tensor;
}

std::unexpected<Error> UnknownInput(const data::Schema& request, std::string_view name) {
  std::vector<std::string> names;
  for (const data::Field& field : request.fields) names.push_back(field.name);
  const auto near = data::NearMisses(name, names);
  if (!near.empty()) return InvalidArgument("unexpected input {}; did you mean {}?", name, fmt::join(near, ", "));
  return InvalidArgument("unexpected input {}; the inputs are {}", name, fmt::join(names, ", "));
}

bool IsMatrixName(std::string_view name) { return std::ranges::find(kMatrixNames, name) != kMatrixNames.end(); }

Result<data::Batch> RowsFromTensors(const data::Schema& request, std::vector<Tensor> tensors) {
  return RowsFromTensors(data::Batch(request), std::move(tensors));
}

Result<data::Batch> RowsFromTensors(data::Batch rows, std::vector<Tensor> tensors) {
  const data::Schema& request = rows.schema();
  if (tensors.empty()) return InvalidArgument("the request has no inputs");
  const bool is_matrix = tensors.size() == 1 && !request.Find(tensors[0].name) && IsMatrixName(tensors[0].name);
  if (is_matrix) return RowsFromMatrix(std::move(rows), tensors[0]);
  std::vector<Tensor*> of_column(request.fields.size(), nullptr);
  for (Tensor& tensor : tensors) {
    const auto column = request.Find(tensor.name);
    if (!column) return UnknownInput(request, tensor.name);
    if (std::exchange(of_column[*column], &tensor) != nullptr) return InvalidArgument("input {} is there twice", tensor.name);
    SW_TRY(CheckColumnShape(tensor, tensors[0].values.size()));
  }
  for (std::size_t c = 0; c < request.fields.size(); ++c) {
    if (of_column[c] == nullptr) return InvalidArgument("input {} is missing", request.fields[c].name);
    const std::size_t count = of_column[c]->values.size();
    if (of_column[c]->values.type() == request.fields[c].type) {
      rows.column(c) = std::move(of_column[c]->values);
      continue;
    }
    for (std::size_t i = 0; i < count; ++i) SW_TRY(Convert(*of_column[c], i, request.fields[c], rows.column(c)));
  }
  return rows;
}

Result<data::Batch> RowsFromInstances(const data::Schema& request, const Json& instances) {
  if (!instances.IsArray()) return InvalidArgument("instances must be an array, found {}", instances.TypeName());
  data::Batch rows(request);
  for (std::size_t row = 0; row < instances.size(); ++row) {
    SW_TRY(AppendInstance(request, row, instances.AsArray()[row], rows));
  }
  return rows;
}

Result<data::Batch> RowsFromColumns(const data::Schema& request, const Json& columns) {
  if (!columns.IsObject()) return RowsFromInstances(request, columns);
  for (const auto& [name, values] : columns.AsObject()) {
    if (!request.Find(name)) return UnknownInput(request, name);
  }
  data::Batch rows(request);
  for (std::size_t c = 0; c < request.fields.size(); ++c) {
    const std::string& name = request.fields[c].name;
    const Json* values = columns.Find(name);
    if (values == nullptr) return InvalidArgument("input {} is missing", name);
    if (!values->IsArray()) return InvalidArgument("input {} must be an array, found {}", name, values->TypeName());
    for (std::size_t row = 0; row < values->size(); ++row) {
      const Json& value = values->AsArray()[row];
      const bool is_boxed = value.IsArray() && value.size() == 1;  // of shape [rows, 1]
      SW_TRY(AppendCell(request.fields[c], row, is_boxed ? value.AsArray()[0] : value, rows.column(c)));
    }
    if (rows.column(c).size() == rows.column(0).size()) continue;
    return InvalidArgument("input {} has {} rows, {} has {}", name, rows.column(c).size(), request.fields[0].name,
                           rows.column(0).size());
  }
  return rows;
}

}  // namespace sw::wire
