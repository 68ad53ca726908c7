#include "feast/entity_key.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/errors.h"
#include "feast/values.h"
#include "feast/wire.h"

namespace sw::feast {
namespace {

using Types = ::feast::types::ValueType;

void AppendWord(std::string& out, std::size_t value) { AppendFixed(out, static_cast<std::uint32_t>(value)); }

void AppendValue(const KeyValue& value, std::string& out) {
  AppendWord(out, value.type);
  if (value.type == Types::STRING || value.type == Types::BYTES) {
    AppendWord(out, value.text.size());
    out += value.text;
  } else if (value.type == Types::INT32) {
    AppendWord(out, sizeof(std::int32_t));
    AppendFixed(out, static_cast<std::int32_t>(value.number));
  } else {
    AppendWord(out, sizeof(std::int64_t));
    AppendFixed(out, value.number);
  }
}

bool IsKeyType(ValueType type) {
  return type == Types::STRING || type == Types::BYTES || type == Types::INT32 || type == Types::INT64 || type == Types::UNIX_TIMESTAMP;
}

}  // namespace

EntityKeyFormat::EntityKeyFormat(std::span<const Field> keys) : order_(keys.size()) {
  std::iota(order_.begin(), order_.end(), std::size_t{0});
  std::ranges::stable_sort(order_, {}, [&](std::size_t i) -> const std::string& { return keys[i].name; });
  std::vector<std::string_view> names;
  for (const std::size_t i : order_) names.push_back(keys[i].name);
  if (keys.empty()) names.push_back(kDummyKey);
  AppendWord(head_, names.size());
  for (const std::string_view name : names) {
    AppendWord(head_, Types::STRING);
    AppendWord(head_, name.size());
    head_ += name;
  }
  if (keys.empty()) AppendValue({.type = Types::STRING}, head_);
}

void EntityKeyFormat::Append(std::span<const KeyValue> values, std::string& out) const {
  out += head_;
  for (const std::size_t i : order_) AppendValue(values[i], out);
}

Status CheckKeyType(const Field& key) {
  if (IsKeyType(key.type) || key.type == Types::INVALID) return Ok();
  return InvalidArgument("join key {}: Feast stores no keys of type {}, only INT32, INT64, STRING, BYTES and UNIX_TIMESTAMP", key.name,
                         TypeName(key.type));
}

Result<KeyValue> ReadKeyValue(const Json& value, ValueType type, std::string& scratch) {
  if (value.IsNull()) return InvalidArgument("an entity's value is null");
  if (type == Types::INVALID) type = value.IsInt() ? Types::INT64 : Types::STRING;
  if (type == Types::INT64 && value.IsInt()) return KeyValue{type, value.AsInt(), {}};
  if (type == Types::STRING && value.IsString()) return KeyValue{type, 0, value.AsString()};
  if (value.IsBool() && type != Types::STRING) return InvalidArgument("{} is no {}", value.Dump(), TypeName(type));
  const std::string bytes = SW_TRY(EncodeValue(value, type));
  WireReader reader(bytes);
  WireReader::Field field;
  if (!IsKeyType(type) || !reader.Next(&field)) return InvalidArgument("{} is no value of a key of type {}", value.Dump(), TypeName(type));
  if (field.type == WireType::kVarint) return KeyValue{type, static_cast<std::int64_t>(field.number_value), {}};
  scratch = field.bytes;
  return KeyValue{type, 0, scratch};
}

Result<KeyValue> ReadKeyValue(const ::feast::types::Value& value, const Field& key) {
  using Value = ::feast::types::Value;
  const ValueType type = static_cast<ValueType>(value.val_case());
  KeyValue read{.type = type};
  switch (value.val_case()) {
    case Value::kStringVal: read.text = value.string_val(); break;
    case Value::kBytesVal: read.text = value.bytes_val(); break;
    case Value::kInt32Val: read.number = value.int32_val(); break;
    case Value::kInt64Val: read.number = value.int64_val(); break;
    case Value::kUnixTimestampVal: read.number = value.unix_timestamp_val(); break;
    default: return InvalidArgument("entity {}: a value of type {} is no key", key.name, TypeName(type));
  }
  if (key.type == Types::INVALID || key.type == type) return read;
  const bool is_int = type == Types::INT32 || type == Types::INT64;
  if (key.type == Types::INT64 && is_int) return KeyValue{Types::INT64, read.number, {}};
  if (key.type == Types::INT32 && is_int && read.number == static_cast<std::int32_t>(read.number)) return KeyValue{Types::INT32, read.number, {}};
  return InvalidArgument("entity {} is of type {}, not {}", key.name, TypeName(key.type), TypeName(type));
}

}  // namespace sw::feast
