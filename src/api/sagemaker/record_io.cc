#include "api/sagemaker/record_io.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "api/sagemaker/number_rows.h"
#include "base/errors.h"
#include "model/formats/protobuf_wire.h"

namespace sw::sagemaker {
namespace {

using model::Wire;
using model::WireField;
using model::WireType;

static_assert(std::endian::native == std::endian::little);

constexpr std::uint32_t kMagic = 0xced7230a;
constexpr std::uint32_t kLengthMax = (1u << 29) - 1;  // the three bits above say that a record goes on

enum class Kind : std::uint8_t { kFloat32 = 2, kFloat64 = 3, kInt32 = 7 };  // fields of Value

struct RecordTensor {
  Kind kind = Kind::kFloat32;
  std::vector<double> values;
  std::vector<std::uint64_t> keys;
};

std::unexpected<Error> Broken() { return InvalidArgument("its bytes are no message of SageMaker's Record"); }

template <typename T>
T Load(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

// Varints back to back, as a packed field has them.
Result<std::vector<std::uint64_t>> Varints(std::string_view bytes) {
  std::vector<std::uint64_t> values;
  int shift = 0;
  std::uint64_t value = 0;
  for (const char c : bytes) {
    if (shift > 63) return Broken();
    value |= static_cast<std::uint64_t>(c & 0x7f) << shift;
    shift += 7;
    if ((c & 0x80) != 0) continue;
    values.push_back(std::exchange(value, 0));
    shift = 0;
  }
  if (shift != 0) return Broken();
  return values;
}

Status TakeWhole(const WireField& field, std::vector<std::uint64_t>& values) {
  if (field.type == WireType::kVarint) return values.push_back(field.value), Ok();
  if (field.type != WireType::kBytes) return Broken();
  for (const std::uint64_t value : SW_TRY(Varints(field.bytes))) values.push_back(value);
  return Ok();
}

template <typename Real>
Status TakeReals(const WireField& field, WireType alone, std::vector<double>& values) {
  std::string_view bytes = field.bytes;
  if (field.type == alone) bytes = field.raw.substr(field.raw.size() - sizeof(Real));
  if ((field.type != alone && field.type != WireType::kBytes) || bytes.size() % sizeof(Real) != 0) return Broken();
  for (; !bytes.empty(); bytes.remove_prefix(sizeof(Real))) values.push_back(static_cast<double>(Load<Real>(bytes)));
  return Ok();
}

Status TakeValues(const WireField& field, RecordTensor& tensor) {
  if (tensor.kind == Kind::kFloat32) return TakeReals<float>(field, WireType::kFixed32, tensor.values);
  if (tensor.kind == Kind::kFloat64) return TakeReals<double>(field, WireType::kFixed64, tensor.values);
  std::vector<std::uint64_t> whole;
  SW_TRY(TakeWhole(field, whole));
  for (const std::uint64_t value : whole) tensor.values.push_back(static_cast<std::int32_t>(value));
  return Ok();
}

Result<RecordTensor> ParseTensor(Kind kind, std::string_view bytes) {
  RecordTensor tensor{.kind = kind, .values = {}, .keys = {}};
  std::vector<std::uint64_t> shape;  // of the row; NumberRows knows how wide it may be
  for (Wire wire(bytes); !wire.AtEnd();) {
    const auto field = wire.Next();
    if (!field) return Broken();
    if (field->number == 1) SW_TRY(TakeValues(*field, tensor));
    if (field->number == 2) SW_TRY(TakeWhole(*field, tensor.keys));
    if (field->number == 3) SW_TRY(TakeWhole(*field, shape));
  }
  if (shape.size() > 1) return InvalidArgument("a row is a vector, found a tensor of {} dimensions", shape.size());
  return tensor;
}

Result<RecordTensor> ParseValue(std::string_view bytes) {
  for (Wire wire(bytes); !wire.AtEnd();) {
    const auto field = wire.Next();
    if (!field) return Broken();
    const bool is_tensor = field->number == 2 || field->number == 3 || field->number == 7;
    if (is_tensor && field->type == WireType::kBytes) return ParseTensor(static_cast<Kind>(field->number), field->bytes);
  }
  return InvalidArgument("its values are no tensor of float32, float64 or int32");
}

// The value of the feature "values"; an entry of a map is a message of a key and a value.
Result<std::string_view> FindValues(std::string_view record) {
  std::string_view found;
  for (Wire wire(record); !wire.AtEnd();) {
    const auto field = wire.Next();
    if (!field) return Broken();
    if (field->number != 1 || field->type != WireType::kBytes) continue;
    std::string_view key, value;
    for (Wire entry(field->bytes); !entry.AtEnd();) {
      const auto part = entry.Next();
      if (!part) return Broken();
      if (part->number == 1) key = part->bytes;
      if (part->number == 2) value = part->bytes;
    }
    if (key != "values") return InvalidArgument("it has the feature \"{}\"; a row is the feature \"values\"", key.substr(0, 64));
    found = value;
  }
  if (found.empty()) return InvalidArgument("it has no feature \"values\"");
  return found;
}

Status TakeRecord(std::string_view bytes, NumberRows& rows) {
  const RecordTensor tensor = SW_TRY(ParseValue(SW_TRY(FindValues(bytes))));
  SW_TRY(rows.Begin());
  const bool is_sparse = !tensor.keys.empty();
  const std::size_t expected = is_sparse ? tensor.keys.size() : rows.columns();
  if (tensor.values.size() != expected) {
    return InvalidArgument("it has {} values, expected {}", tensor.values.size(), expected);
  }
  for (std::size_t i = 0; i < expected; ++i) SW_TRY(rows.Set(is_sparse ? tensor.keys[i] : i, tensor.values[i]));
  return Ok();
}

// One record's bytes, without its head and padding.
Result<std::string_view> NextRecord(std::string_view& bytes) {
  if (bytes.size() < 8) return InvalidArgument("the body ends within it");
  if (Load<std::uint32_t>(bytes) != kMagic) return InvalidArgument("it does not begin with RecordIO's magic number");
  const auto length = Load<std::uint32_t>(bytes.substr(4));
  if (length > kLengthMax) return InvalidArgument("it is a part of a record; send records whole");
  const std::size_t padded = (std::size_t{length} + 3) & ~std::size_t{3};
  bytes.remove_prefix(8);
  if (padded > bytes.size()) return InvalidArgument("the body ends within it");
  const std::string_view record = bytes.substr(0, length);
  bytes.remove_prefix(padded);
  return record;
}

// A label: Record.label[name].float32_tensor.values.
std::string LabelField(std::string_view name, std::span<const double> values) {
  std::string raw(values.size() * sizeof(float), '\0');
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto narrowed = static_cast<float>(values[i]);
    std::memcpy(raw.data() + i * sizeof narrowed, &narrowed, sizeof narrowed);
  }
  const std::string tensor = model::BytesField(2, model::BytesField(1, raw));
  return model::BytesField(2, model::BytesField(1, name) + model::BytesField(2, tensor));
}

void AppendHead(std::uint32_t value, std::string& out) {
  char raw[sizeof value];
  std::memcpy(raw, &value, sizeof value);
  out.append(raw, sizeof value);
}

}  // namespace

Result<data::Batch> RowsFromRecordIo(const data::Schema& request, std::string_view bytes) {
  NumberRows rows(request);
  for (std::size_t index = 0; !bytes.empty(); ++index) {
    const auto record = NextRecord(bytes);
    Status taken = record ? TakeRecord(*record, rows) : std::unexpected(record.error());
    if (!taken) return std::unexpected(std::move(taken).error().Within(fmt::format("record {}", index)));
  }
  return std::move(rows).Take();
}

std::optional<std::size_t> PredictedLabel(const serve::PredictResult& result, std::size_t row) {
  if (!result.decisions.empty()) return result.decisions[row] ? 1 : 0;
  return result.outputs->are_classes ? serve::Outputs::Greatest(result.ScoresOf(row)) : std::nullopt;
}

std::string RecordIoFrom(const serve::PredictResult& result) {
  std::string out;
  for (std::size_t row = 0; row < result.rows(); ++row) {
    std::string record = LabelField("score", result.ScoresOf(row));
    if (const auto label = PredictedLabel(result, row)) {
      const double number = static_cast<double>(*label);
      record += LabelField("predicted_label", {&number, 1});
    }
    AppendHead(kMagic, out);
    AppendHead(static_cast<std::uint32_t>(record.size()), out);
    out += record;
    out.append((4 - record.size() % 4) % 4, '\0');
  }
  return out;
}

}  // namespace sw::sagemaker
