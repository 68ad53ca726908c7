#include <charconv>
#include <cmath>
#include <limits>

#include "base/clock.h"
#include "base/errors.h"
#include "feast/values.h"
#include "feast/wire.h"

namespace sw::feast {
namespace {

using Types = ::feast::types::ValueType;

constexpr int kDepthMax = 16;  // of what one value may hold
constexpr double kIntEdge = 9223372036854775808.0;  // 2^63

std::string Shown(const Json& value) {
  std::string text = value.Dump();
  constexpr std::size_t kShownMax = 60;
  if (text.size() > kShownMax) text = text.substr(0, kShownMax) + "...";
  return text;
}

std::unexpected<Error> NotOfType(const Json& value, ValueType type) {
  return InvalidArgument("{} is no {}", Shown(value), TypeName(type));
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

Result<std::int64_t> IntOf(const Json& value, ValueType type) {
  std::int64_t number = 0;
  if (value.IsInt()) {
    number = value.AsInt();
  } else if (value.IsBool()) {
    number = value.AsBool() ? 1 : 0;
  } else if (value.IsDouble() && value.AsDouble() >= -kIntEdge && value.AsDouble() < kIntEdge && std::trunc(value.AsDouble()) == value.AsDouble()) {
    number = static_cast<std::int64_t>(value.AsDouble());
  } else if (value.IsString()) {
    std::string_view text = Trim(value.AsString());
    if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return NotOfType(value, type);
  } else {
    return NotOfType(value, type);
  }
  using Int32 = std::numeric_limits<std::int32_t>;
  if (type == Types::INT32 && (number < Int32::min() || number > Int32::max())) return NotOfType(value, type);
  return number;
}

Result<double> DoubleOf(const Json& value, ValueType type) {
  if (value.IsNumber()) return value.AsDouble();
  if (value.IsBool()) return value.AsBool() ? 1.0 : 0.0;
  if (!value.IsString()) return NotOfType(value, type);
  const std::string_view text = Trim(value.AsString());
  double number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return NotOfType(value, type);
  return number;
}

Result<std::int64_t> SecondsOf(const Json& value) {
  if (!value.IsString()) return IntOf(value, Types::UNIX_TIMESTAMP);
  if (const auto number = IntOf(value, Types::UNIX_TIMESTAMP)) return *number;
  const auto time = base::ParseTime(value.AsString());
  if (!time) return NotOfType(value, Types::UNIX_TIMESTAMP);
  return *time >= 0 ? *time / base::kSecondUs : -((-*time + base::kSecondUs - 1) / base::kSecondUs);
}

Result<bool> BoolOf(const Json& value) {
  if (value.IsBool()) return value.AsBool();
  if (value.IsNumber() && (value.AsDouble() == 0 || value.AsDouble() == 1)) return value.AsDouble() == 1;
  return NotOfType(value, Types::BOOL);
}

// As Python's str() prints it.
Result<std::string> TextOf(const Json& value, ValueType type) {
  if (value.IsString()) return value.AsString();
  if (value.IsBool()) return std::string(value.AsBool() ? "True" : "False");
  if (value.IsNumber()) return value.Dump();
  return NotOfType(value, type);
}

bool IsText(int type) {
  return type == Types::STRING || type == Types::UUID || type == Types::TIME_UUID || type == Types::DECIMAL;
}

bool IsMissing(const Json& value) {
  return value.IsNull() || (value.IsDouble() && std::isnan(value.AsDouble()));
}

Status Append(const Json& value, ValueType type, int depth, std::string& out);

ValueType Inferred(const Json& value) {
  if (value.IsBool()) return Types::BOOL;
  if (value.IsInt()) return Types::INT64;
  if (value.IsDouble()) return Types::DOUBLE;
  if (value.IsString()) return Types::STRING;
  if (value.IsObject()) return Types::MAP;
  if (!value.IsArray()) return Types::INVALID;
  ValueType common = Types::INVALID;
  for (const Json& item : value.AsArray()) {
    if (item.IsNull()) continue;
    const ValueType type = Inferred(item);
    if (common == Types::INT64 && type == Types::DOUBLE) common = Types::DOUBLE;
    if (common == Types::DOUBLE && type == Types::INT64) continue;
    if (common != Types::INVALID && common != type) return Types::VALUE_LIST;
    common = type;
  }
  if (common == Types::MAP) return Types::MAP_LIST;
  if (common >= Types::BYTES && common <= Types::UNIX_TIMESTAMP) return static_cast<ValueType>(common + 10);
  return Types::VALUE_LIST;
}

Status AppendMapEntries(const Json& value, int depth, std::string& out) {
  for (const auto& [key, item] : value.AsObject()) {
    std::string bytes;
    if (!item.IsNull()) SW_TRY(Append(item, Inferred(item), depth + 1, bytes));
    std::string entry;
    AppendBytesField(entry, 1, key);
    AppendBytesField(entry, 2, bytes);
    AppendBytesField(out, 1, entry);
  }
  return Ok();
}

// A map comes as an object, or as the text of one: so Feast's remote client sends it.
Result<Json> ObjectOf(const Json& value, ValueType type) {
  if (value.IsObject()) return value;
  if (value.IsString()) {
    if (auto parsed = Json::Parse(value.AsString()); parsed && parsed->IsObject()) return *std::move(parsed);
  }
  return NotOfType(value, type);
}

Status AppendItems(const Json& value, ValueType type, int item, std::string& out) {
  if (!value.IsArray()) return NotOfType(value, type);
  std::string packed;
  for (const Json& element : value.AsArray()) {
    if (element.IsNull()) {
      if (item == Types::STRING) AppendBytesField(out, 1, "");  // so Feast does; of others it drops them
      continue;
    }
    switch (item) {
      case Types::INT32:
      case Types::INT64: AppendVarint(packed, static_cast<std::uint64_t>(SW_TRY(IntOf(element, static_cast<ValueType>(item))))); break;
      case Types::UNIX_TIMESTAMP: AppendVarint(packed, static_cast<std::uint64_t>(SW_TRY(SecondsOf(element)))); break;
      case Types::BOOL: AppendVarint(packed, SW_TRY(BoolOf(element)) ? 1 : 0); break;
      case Types::DOUBLE: AppendFixed(packed, SW_TRY(DoubleOf(element, Types::DOUBLE))); break;
      case Types::FLOAT: AppendFixed(packed, static_cast<float>(SW_TRY(DoubleOf(element, Types::FLOAT)))); break;
      case Types::BYTES:
        if (!element.IsString()) return NotOfType(element, Types::BYTES);
        AppendBytesField(out, 1, SW_TRY(DecodeBase64(element.AsString())));
        break;
      case Types::JSON: AppendBytesField(out, 1, element.IsString() ? element.AsString() : element.Dump()); break;
      default: AppendBytesField(out, 1, SW_TRY(TextOf(element, Types::STRING)));
    }
  }
  if (!packed.empty()) AppendBytesField(out, 1, packed);
  return Ok();
}

// The bytes inside of a list, a set, a map: none for a scalar type.
int ItemTypeOf(ValueType type) {
  if (type >= Types::BYTES_LIST && type <= Types::UNIX_TIMESTAMP_LIST) return type - 10;
  if (type >= Types::BYTES_SET && type <= Types::UNIX_TIMESTAMP_SET) return type - 21;
  switch (type) {
    case Types::JSON_LIST: return Types::JSON;
    case Types::UUID_LIST:
    case Types::TIME_UUID_LIST:
    case Types::UUID_SET:
    case Types::TIME_UUID_SET:
    case Types::DECIMAL_LIST:
    case Types::DECIMAL_SET: return Types::STRING;
    default: return Types::INVALID;
  }
}

Json WithoutRepeats(const Json& value) {
  Json set = Json::MakeArray();
  for (const Json& item : value.AsArray()) {
    bool is_new = true;
    for (const Json& other : set.AsArray()) is_new = is_new && !(other == item);
    if (is_new) set.Append(item);
  }
  return set;
}

bool IsSet(ValueType type) {
  return (type >= Types::BYTES_SET && type <= Types::UNIX_TIMESTAMP_SET) || type == Types::UUID_SET || type == Types::TIME_UUID_SET ||
         type == Types::DECIMAL_SET;
}

Status AppendNestedItems(const Json& value, ValueType type, int depth, std::string& out) {
  const Json* items = &value;
  Json parsed;
  if (value.IsString() && type != Types::VALUE_LIST && type != Types::VALUE_SET) {
    if (auto read = Json::Parse(value.AsString())) parsed = *std::move(read);
    items = &parsed;
  }
  if (!items->IsArray()) return NotOfType(value, type);
  for (const Json& item : items->AsArray()) {
    std::string bytes;
    if (type == Types::MAP_LIST || type == Types::STRUCT_LIST) {
      SW_TRY(AppendMapEntries(SW_TRY(ObjectOf(item, type)), depth + 1, bytes));
    } else if (!item.IsNull() && !(item.IsArray() && item.AsArray().empty())) {
      SW_TRY(Append(item, Inferred(item), depth + 1, bytes));
    }
    AppendBytesField(out, 1, bytes);
  }
  return Ok();
}

Status AppendZoned(const Json& value, std::string& out) {
  if (!value.IsString()) return NotOfType(value, Types::ZONED_TIMESTAMP);
  const std::string_view text = value.AsString();
  std::string message;
  AppendTag(message, 1, WireType::kVarint);
  AppendVarint(message, static_cast<std::uint64_t>(SW_TRY(SecondsOf(value))));
  const bool has_offset = text.size() > 6 && text[text.size() - 3] == ':' && (text[text.size() - 6] == '+' || text[text.size() - 6] == '-');
  if (has_offset) AppendBytesField(message, 2, fmt::format("UTC{}", text.substr(text.size() - 6)));
  if (text.ends_with('Z')) AppendBytesField(message, 2, "UTC");
  AppendBytesField(out, Types::ZONED_TIMESTAMP, message);
  return Ok();
}

// A repeated value in a large set costs its square.
constexpr std::size_t kSetItemsMax = 10'000;

Status AppendCollection(const Json& value, ValueType type, int depth, std::string& out) {
  std::string inner;
  if (const int item = ItemTypeOf(type); item != Types::INVALID) {
    if (IsSet(type) && value.IsArray() && value.size() > kSetItemsMax) {
      return ResourceExhausted("a set of {} values; it may have {}", value.size(), kSetItemsMax);
    }
    SW_TRY(AppendItems(IsSet(type) && value.IsArray() ? WithoutRepeats(value) : value, type, item, inner));
  } else if (type == Types::MAP || type == Types::STRUCT) {
    SW_TRY(AppendMapEntries(SW_TRY(ObjectOf(value, type)), depth, inner));
  } else {
    SW_TRY(AppendNestedItems(value, type, depth, inner));
  }
  AppendBytesField(out, type, inner);
  return Ok();
}

Status Append(const Json& value, ValueType type, int depth, std::string& out) {
  if (depth > kDepthMax) return InvalidArgument("a value is nested deeper than {}", kDepthMax);
  switch (type) {
    case Types::INT32:
    case Types::INT64: AppendIntValue(out, type, SW_TRY(IntOf(value, type))); return Ok();
    case Types::BOOL: AppendIntValue(out, type, SW_TRY(BoolOf(value)) ? 1 : 0); return Ok();
    case Types::UNIX_TIMESTAMP: AppendIntValue(out, type, SW_TRY(SecondsOf(value))); return Ok();
    case Types::DOUBLE: AppendDoubleValue(out, SW_TRY(DoubleOf(value, type))); return Ok();
    case Types::FLOAT: AppendFloatValue(out, static_cast<float>(SW_TRY(DoubleOf(value, type)))); return Ok();
    case Types::BYTES:
      if (!value.IsString()) return NotOfType(value, type);
      AppendTextValue(out, type, SW_TRY(DecodeBase64(value.AsString())));
      return Ok();
    case Types::JSON:
      if (value.IsString() && !Json::Parse(value.AsString())) return NotOfType(value, type);
      AppendTextValue(out, type, value.IsString() ? value.AsString() : value.Dump());
      return Ok();
    case Types::ZONED_TIMESTAMP: return AppendZoned(value, out);
    case Types::INVALID:
    case Types::NULL_: {
      const ValueType inferred = Inferred(value);
      if (inferred == Types::INVALID) return NotOfType(value, type);
      return Append(value, inferred, depth, out);
    }
    case Types::SCALAR_MAP: return Unimplemented("a map with keys that are no texts cannot be written as JSON");
    default: break;
  }
  if (!IsText(type)) return AppendCollection(value, type, depth, out);
  AppendTextValue(out, type, SW_TRY(TextOf(value, type)));
  return Ok();
}

}  // namespace

void AppendIntValue(std::string& out, ValueType type, std::int64_t value) {
  AppendTag(out, type, WireType::kVarint);
  AppendVarint(out, static_cast<std::uint64_t>(value));
}

void AppendDoubleValue(std::string& out, double value) {
  AppendTag(out, Types::DOUBLE, WireType::kFixed64);
  AppendFixed(out, value);
}

void AppendFloatValue(std::string& out, float value) {
  AppendTag(out, Types::FLOAT, WireType::kFixed32);
  AppendFixed(out, value);
}

void AppendTextValue(std::string& out, ValueType type, std::string_view value) { AppendBytesField(out, type, value); }

Result<std::string> EncodeValue(const Json& value, ValueType type) {
  std::string bytes;
  if (IsMissing(value)) return bytes;
  SW_TRY(Append(value, type, 0, bytes));
  return bytes;
}

std::string_view TypeName(ValueType type) {
  // Feast's own Value has no such numbers beyond these.
  const google::protobuf::EnumValueDescriptor* found = Types::Enum_descriptor()->FindValueByNumber(type);
  return found == nullptr ? "value" : std::string_view(found->name());
}

Result<std::string> DecodeBase64(std::string_view text) {
  const auto digit = [](char c) -> int {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
  };
  if (text.size() % 4 != 0) return InvalidArgument("bytes come as base64, which has 4 digits for 3 bytes");
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool is_last = i + 4 == text.size();
    const int pads = is_last ? (text[i + 3] == '=') + (text[i + 3] == '=' && text[i + 2] == '=') : 0;
    int bits = 0;
    for (int k = 0; k < 4; ++k) {
      const int value = k >= 4 - pads ? 0 : digit(text[i + static_cast<std::size_t>(k)]);
      if (value < 0) return InvalidArgument("bytes come as base64; {} is no digit of it", text.substr(i, 4));
      bits = bits << 6 | value;
    }
    for (int k = 0; k < 3 - pads; ++k) out += static_cast<char>(bits >> (16 - 8 * k));
  }
  return out;
}

}  // namespace sw::feast
