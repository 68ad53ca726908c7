#include "api/tensorflow_serving/grpc_rows.h"

#include <proto/tensorflow_serving.pb.h>

#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "base/errors.h"

namespace sw::tensorflow_serving {
namespace {

using tensorflow::Feature;
using tensorflow::TensorProto;
using wire::DataType;

constexpr int kRankMax = 8;
constexpr std::int64_t kExactIntMax = std::int64_t{1} << 53;
constexpr std::array<std::pair<tensorflow::DataType, DataType>, 14> kTypes = {{
    {tensorflow::DT_BOOL, DataType::kBool},
    {tensorflow::DT_INT8, DataType::kInt8},
    {tensorflow::DT_INT16, DataType::kInt16},
    {tensorflow::DT_INT32, DataType::kInt32},
    {tensorflow::DT_INT64, DataType::kInt64},
    {tensorflow::DT_UINT8, DataType::kUint8},
    {tensorflow::DT_UINT16, DataType::kUint16},
    {tensorflow::DT_UINT32, DataType::kUint32},
    {tensorflow::DT_UINT64, DataType::kUint64},
    {tensorflow::DT_HALF, DataType::kFp16},
    {tensorflow::DT_BFLOAT16, DataType::kBf16},
    {tensorflow::DT_FLOAT, DataType::kFp32},
    {tensorflow::DT_DOUBLE, DataType::kFp64},
    {tensorflow::DT_STRING, DataType::kBytes},
}};

Result<DataType> TypeOf(const std::string& name, tensorflow::DataType type) {
  for (const auto& [theirs, ours] : kTypes) {
    if (theirs == type) return ours;
  }
  const std::string& known = tensorflow::DataType_Name(type);
  return InvalidArgument("input {}: dtype {} is no number, bool or string", name, known.empty() ? fmt::format("{}", static_cast<int>(type)) : known);
}

Result<std::vector<std::int64_t>> ShapeOf(const std::string& name, const tensorflow::TensorShapeProto& proto) {
  if (proto.unknown_rank()) return InvalidArgument("input {}: its shape is unknown", name);
  if (proto.dim_size() > kRankMax) return InvalidArgument("input {}: its shape has {} sizes, expected 1 or 2", name, proto.dim_size());
  std::vector<std::int64_t> shape;
  for (const auto& dim : proto.dim()) shape.push_back(dim.size());
  return shape;
}

// The number of values in all the fields that hold some.
int CountOfFields(const TensorProto& proto) {
  return proto.half_val_size() + proto.float_val_size() + proto.double_val_size() + proto.int_val_size() + proto.string_val_size() +
         proto.int64_val_size() + proto.bool_val_size() + proto.uint32_val_size() + proto.uint64_val_size();
}

// Integers of a field that may be wider than T.
template <typename T, typename Values>
Status AppendIntegers(const Values& values, wire::Tensor& tensor) {
  for (const auto value : values) {
    if (!std::in_range<T>(value)) return InvalidArgument("input {}: {} is out of {}'s range", tensor.name, value, wire::DataTypeName(tensor.type));
    tensor.values.AppendInt(static_cast<std::int64_t>(value));
  }
  return Ok();
}

// Numbers whose bits are in half_val.
Status AppendHalves(const TensorProto& proto, wire::Tensor& tensor) {
  std::string bytes;
  for (const std::int32_t bits : proto.half_val()) {
    if (!std::in_range<std::uint16_t>(bits)) return InvalidArgument("input {}: {} is no {}'s 16 bits", tensor.name, bits, wire::DataTypeName(tensor.type));
    const auto half = static_cast<std::uint16_t>(bits);
    bytes.append(reinterpret_cast<const char*>(&half), sizeof half);
  }
  tensor.values = SW_TRY(wire::TensorFromBytes(tensor.name, tensor.type, {proto.half_val_size()}, bytes)).values;
  return Ok();
}

// The values of the field of the tensor's type, as many as there are.
Status AppendField(const TensorProto& proto, wire::Tensor& tensor) {
  switch (tensor.type) {
    case DataType::kBool:
      for (const bool value : proto.bool_val()) tensor.values.AppendBool(value);
      return Ok();
    case DataType::kInt8: return AppendIntegers<std::int8_t>(proto.int_val(), tensor);
    case DataType::kInt16: return AppendIntegers<std::int16_t>(proto.int_val(), tensor);
    case DataType::kInt32: return AppendIntegers<std::int32_t>(proto.int_val(), tensor);
    case DataType::kInt64: return AppendIntegers<std::int64_t>(proto.int64_val(), tensor);
    case DataType::kUint8: return AppendIntegers<std::uint8_t>(proto.int_val(), tensor);
    case DataType::kUint16: return AppendIntegers<std::uint16_t>(proto.int_val(), tensor);
    case DataType::kUint32: return AppendIntegers<std::uint32_t>(proto.uint32_val(), tensor);
    case DataType::kUint64: return AppendIntegers<std::int64_t>(proto.uint64_val(), tensor);
    case DataType::kFp16:
    case DataType::kBf16: return AppendHalves(proto, tensor);
    case DataType::kFp32:
      for (const float value : proto.float_val()) tensor.values.AppendDouble(static_cast<double>(value));
      return Ok();
    case DataType::kFp64:
      for (const double value : proto.double_val()) tensor.values.AppendDouble(value);
      return Ok();
    case DataType::kBytes:
      for (const std::string& value : proto.string_val()) tensor.values.AppendString(value);
      return Ok();
  }
  return Ok();
}

// Counts the values that stand for more than one.
class Splats {
 public:
  Status Take(std::string_view name, std::size_t count, std::size_t text_bytes) {
    values_ += count;
    text_bytes_ += count * text_bytes;
    if (values_ <= kSplatValuesMax && text_bytes_ <= kSplatTextBytesMax) return Ok();
    return ResourceExhausted("input {}: one value stands for {}, beyond the limits splat_values_max {} and splat_text_bytes_max {}; send the values", name,
                             count, kSplatValuesMax, kSplatTextBytesMax);
  }

 private:
  std::size_t values_ = 0;
  std::size_t text_bytes_ = 0;
};

// `count` times the only value.
Status Splat(std::size_t count, Splats& splats, wire::Tensor& tensor) {
  SW_TRY(splats.Take(tensor.name, count, tensor.type == DataType::kBytes ? tensor.values.String(0).size() : 0));
  const data::Column one = std::exchange(tensor.values, data::Column(wire::ColumnTypeOf(tensor.type)));
  for (std::size_t i = 0; i < count; ++i) tensor.values.AppendFrom(one, 0);
  return Ok();
}

Result<wire::Tensor> TensorOf(const std::string& name, const TensorProto& proto, Splats& splats) {
  const DataType type = SW_TRY(TypeOf(name, proto.dtype()));
  wire::Tensor tensor{name, type, SW_TRY(ShapeOf(name, proto.tensor_shape())), data::Column(wire::ColumnTypeOf(type))};
  const int in_fields = CountOfFields(proto);
  if (!proto.tensor_content().empty()) {
    if (in_fields > 0) return InvalidArgument("input {} has tensor_content and values in fields; send one of them", name);
    if (type == DataType::kBytes) return InvalidArgument("input {}: texts stand in string_val, not in tensor_content", name);
    return wire::TensorFromBytes(name, type, std::move(tensor.shape), proto.tensor_content());
  }
  const std::size_t count = SW_TRY(wire::CountOf(tensor.shape));
  SW_TRY(AppendField(proto, tensor));
  if (std::cmp_not_equal(in_fields, tensor.values.size())) {
    return InvalidArgument("input {}: its values are not in the field of {}", name, tensorflow::DataType_Name(proto.dtype()));
  }
  if (tensor.values.size() == 1 && count > 1) SW_TRY(Splat(count, splats, tensor));
  if (tensor.values.size() == count) return tensor;
  return InvalidArgument("input {}: {} values, its shape [{}] is of {}", name, tensor.values.size(), fmt::join(tensor.shape, ", "), count);
}

Status AppendFeature(const data::Field& field, const Feature& feature, data::Column& column) {
  const auto wrong = [&](std::string_view list) {
    return InvalidArgument("a {} is no {}, which the model reads", list, data::TypeName(field.type));
  };
  switch (feature.kind_case()) {
    case Feature::KIND_NOT_SET: return column.AppendNull(), Ok();
    case Feature::kFloatList: {
      const auto& values = feature.float_list().value();
      if (values.empty()) return column.AppendNull(), Ok();
      if (values.size() > 1) return InvalidArgument("{} values, expected 1", values.size());
      if (field.type != data::Type::kFloat64) return wrong("float_list");
      return column.AppendDouble(static_cast<double>(values[0])), Ok();
    }
    case Feature::kInt64List: {
      const auto& values = feature.int64_list().value();
      if (values.empty()) return column.AppendNull(), Ok();
      if (values.size() > 1) return InvalidArgument("{} values, expected 1", values.size());
      const std::int64_t value = values[0];
      if (field.type == data::Type::kInt64) return column.AppendInt(value), Ok();
      if (field.type == data::Type::kBool && (value == 0 || value == 1)) return column.AppendBool(value == 1), Ok();
      if (field.type != data::Type::kFloat64) return wrong("int64_list");
      if (value > kExactIntMax || value < -kExactIntMax) return InvalidArgument("{} is no number that a double holds", value);
      return column.AppendDouble(static_cast<double>(value)), Ok();
    }
    case Feature::kBytesList: {
      const auto& values = feature.bytes_list().value();
      if (values.empty()) return column.AppendNull(), Ok();
      if (values.size() > 1) return InvalidArgument("{} values, expected 1", values.size());
      if (field.type == data::Type::kTimestamp) return column.AppendText(values[0]);
      if (field.type != data::Type::kString) return wrong("bytes_list");
      return column.AppendString(values[0]), Ok();
    }
  }
  return Ok();
}

using FeatureMap = google::protobuf::Map<std::string, Feature>;

Status CheckNames(const data::Schema& request, const FeatureMap& features) {
  for (const auto& [name, feature] : features) {
    if (!request.Find(name)) return wire::UnknownInput(request, name);
  }
  return Ok();
}

const Feature* Find(const FeatureMap& features, const std::string& name) {
  const auto found = features.find(name);
  return found == features.end() ? nullptr : &found->second;
}

Status AppendExample(std::size_t row, const FeatureMap& features, const FeatureMap* context, Splats& splats, data::Batch& rows) {
  const data::Schema& request = rows.schema();
  SW_TRY(CheckNames(request, features));
  for (std::size_t c = 0; c < request.fields.size(); ++c) {
    const data::Field& field = request.fields[c];
    const Feature* feature = Find(features, field.name);
    if (feature == nullptr && context != nullptr) {
      feature = Find(*context, field.name);
      if (feature != nullptr) SW_TRY(splats.Take(field.name, 1, feature->ByteSizeLong()));
    }
    if (feature == nullptr) return InvalidArgument("example {} has no {}", row, field.name);
    const Status appended = AppendFeature(field, *feature, rows.column(c));
    if (!appended) return InvalidArgument("example {}, {}: {}", row, field.name, appended.error().message);
  }
  return Ok();
}

}  // namespace

Result<data::Batch> RowsFromInputs(std::shared_ptr<const data::Schema> request, const tensorflow::serving::PredictRequest& message) {
  std::vector<wire::Tensor> tensors;
  Splats splats;
  for (const auto& [name, proto] : message.inputs()) {
    if (!request->Find(name) && !wire::IsMatrixName(name)) return wire::UnknownInput(*request, name);
    tensors.push_back(SW_TRY(TensorOf(name, proto, splats)));
  }
  return wire::RowsFromTensors(data::Batch(std::move(request)), std::move(tensors));
}

Result<data::Batch> RowsFromExamples(std::shared_ptr<const data::Schema> request, const tensorflow::serving::Input& input) {
  using tensorflow::serving::Input;
  if (input.kind_case() == Input::KIND_NOT_SET) return InvalidArgument("the request has no input; send an example_list");
  const bool has_context = input.kind_case() == Input::kExampleListWithContext;
  const auto& examples = has_context ? input.example_list_with_context().examples() : input.example_list().examples();
  const FeatureMap* context = has_context ? &input.example_list_with_context().context().features().feature() : nullptr;
  if (context != nullptr) SW_TRY(CheckNames(*request, *context));
  data::Batch rows(std::move(request));
  Splats splats;
  for (int i = 0; i < examples.size(); ++i) {
    SW_TRY(AppendExample(static_cast<std::size_t>(i), examples[i].features().feature(), context, splats, rows));
  }
  return rows;
}

}  // namespace sw::tensorflow_serving
