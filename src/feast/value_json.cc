#include <bit>
#include <charconv>

#include "base/clock.h"
#include "feast/values.h"
#include "feast/wire.h"

namespace sw::feast {
namespace {

using Types = ::feast::types::ValueType;

constexpr int kDepthMax = 32;  // of lists in lists
constexpr std::int64_t kNoTime = INT64_MIN;

void AppendJson(std::string_view bytes, std::string& out, int depth);

void AppendInt(std::string& out, std::int64_t value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

// One number or text of a scalar field, or of a list's.
void AppendItem(std::string& out, int type, const WireReader::Field& field) {
  switch (type) {
    case Types::INT32: return AppendInt(out, static_cast<std::int32_t>(field.number_value));
    case Types::INT64:
    case Types::UNIX_TIMESTAMP: return AppendInt(out, static_cast<std::int64_t>(field.number_value));
    case Types::DOUBLE: return base::AppendJsonDouble(out, std::bit_cast<double>(field.number_value));
    case Types::FLOAT: return base::AppendJsonDouble(out, std::bit_cast<float>(static_cast<std::uint32_t>(field.number_value)));
    case Types::BOOL: out += field.number_value != 0 ? "true" : "false"; return;
    case Types::BYTES:
      out += '"';
      AppendBase64(out, field.bytes);
      out += '"';
      return;
    default: return base::AppendJsonString(out, field.bytes);
  }
}

// What a list or set of this type holds.
int ItemType(int type) {
  if (type >= Types::BYTES_LIST && type <= Types::UNIX_TIMESTAMP_LIST) return type - 10;
  if (type >= Types::BYTES_SET && type <= Types::UNIX_TIMESTAMP_SET) return type - 21;
  switch (type) {
    case Types::JSON_LIST:
    case Types::UUID_LIST:
    case Types::TIME_UUID_LIST:
    case Types::UUID_SET:
    case Types::TIME_UUID_SET:
    case Types::DECIMAL_LIST:
    case Types::DECIMAL_SET: return Types::STRING;
    default: return Types::INVALID;
  }
}

WireType WireOf(int type) {
  switch (type) {
    case Types::DOUBLE: return WireType::kFixed64;
    case Types::FLOAT: return WireType::kFixed32;
    case Types::INT32:
    case Types::INT64:
    case Types::BOOL:
    case Types::UNIX_TIMESTAMP: return WireType::kVarint;
    default: return WireType::kBytes;
  }
}

// Numbers lie packed, as protobuf writes them today, or one a field.
void AppendPacked(std::string& out, int type, std::string_view bytes, bool& is_first) {
  WireReader reader(bytes);
  WireReader::Field item;
  while (!reader.AtEnd()) {
    const bool taken = WireOf(type) == WireType::kVarint    ? reader.TakeVarint(&item.number_value)
                       : WireOf(type) == WireType::kFixed64 ? reader.TakeFixed<std::uint64_t>(&item.number_value)
                                                            : reader.TakeFixed<std::uint32_t>(&item.number_value);
    if (!taken) return;
    if (!is_first) out += ',';
    is_first = false;
    AppendItem(out, type, item);
  }
}

void AppendList(std::string& out, int item_type, std::string_view bytes) {
  out += '[';
  bool is_first = true;
  WireReader reader(bytes);
  WireReader::Field field;
  while (reader.Next(&field)) {
    if (field.number != 1) continue;
    if (field.type == WireType::kBytes && WireOf(item_type) != WireType::kBytes) {
      AppendPacked(out, item_type, field.bytes, is_first);
    } else if (field.type == WireOf(item_type)) {
      if (!is_first) out += ',';
      is_first = false;
      AppendItem(out, item_type, field);
    }
  }
  out += ']';
}

void AppendMap(std::string& out, std::string_view bytes, int depth) {
  out += '{';
  bool is_first = true;
  WireReader reader(bytes);
  WireReader::Field entry;
  while (reader.Next(&entry)) {
    if (entry.number != 1 || entry.type != WireType::kBytes) continue;
    std::string_view key;
    std::string_view value;
    WireReader pair(entry.bytes);
    WireReader::Field field;
    while (pair.Next(&field)) {
      if (field.type != WireType::kBytes) continue;
      if (field.number == 1) key = field.bytes;
      if (field.number == 2) value = field.bytes;
    }
    if (!is_first) out += ',';
    is_first = false;
    base::AppendJsonString(out, key);
    out += ':';
    AppendJson(value, out, depth + 1);
  }
  out += '}';
}

// A message whose field 1 repeats values or maps.
void AppendNested(std::string& out, std::string_view bytes, bool is_maps, int depth) {
  out += '[';
  bool is_first = true;
  WireReader reader(bytes);
  WireReader::Field field;
  while (reader.Next(&field)) {
    if (field.number != 1 || field.type != WireType::kBytes) continue;
    if (!is_first) out += ',';
    is_first = false;
    if (is_maps) AppendMap(out, field.bytes, depth + 1);
    else AppendJson(field.bytes, out, depth + 1);
  }
  out += ']';
}

// "2024-01-01T05:30:00+05:30": of zones only fixed offsets are known here, another prints in UTC.
void AppendZoned(std::string& out, std::string_view bytes) {
  std::int64_t seconds = 0;
  std::string_view zone;
  WireReader reader(bytes);
  WireReader::Field field;
  while (reader.Next(&field)) {
    if (field.number == 1 && field.type == WireType::kVarint) seconds = static_cast<std::int64_t>(field.number_value);
    if (field.number == 2 && field.type == WireType::kBytes) zone = field.bytes;
  }
  constexpr std::int64_t kSecondsMax = 253'402'300'799;  // year 9999
  if (seconds == kNoTime || seconds < -62'000'000'000 || seconds > kSecondsMax) {
    out += "null";
    return;
  }
  if (zone.starts_with("UTC") && zone.size() > 3) zone.remove_prefix(3);
  std::int64_t offset = 0;
  const bool is_offset = zone.size() == 6 && (zone[0] == '+' || zone[0] == '-') && zone[3] == ':';
  if (is_offset) offset = ((zone[1] - '0') * 10 + (zone[2] - '0')) * 3600 + ((zone[4] - '0') * 10 + (zone[5] - '0')) * 60;
  if (is_offset && zone[0] == '-') offset = -offset;
  if (offset < -86'400 || offset > 86'400) offset = 0;
  std::string time = base::FormatTime((seconds + offset) * base::kSecondUs);
  if (time.ends_with('Z')) time.pop_back();
  out += '"';
  out += time;
  out += is_offset && offset != 0 ? zone : "+00:00";
  out += '"';
}

void AppendField(std::string& out, const WireReader::Field& field, int depth) {
  switch (field.number) {
    case Types::NULL_:
    case Types::SCALAR_MAP: out += "null"; return;  // Feast's server prints no map with other keys than texts
    case Types::MAP:
    case Types::STRUCT: return AppendMap(out, field.bytes, depth);
    case Types::MAP_LIST:
    case Types::STRUCT_LIST: return AppendNested(out, field.bytes, true, depth);
    case Types::VALUE_LIST:
    case Types::VALUE_SET: return AppendNested(out, field.bytes, false, depth);
    case Types::ZONED_TIMESTAMP: return AppendZoned(out, field.bytes);
    default: break;
  }
  if (const int item = ItemType(field.number); item != Types::INVALID && field.type == WireType::kBytes) {
    return AppendList(out, item, field.bytes);
  }
  if (field.type != WireOf(field.number)) {
    out += "null";
    return;
  }
  AppendItem(out, field.number, field);
}

void AppendJson(std::string_view bytes, std::string& out, int depth) {
  WireReader reader(bytes);
  WireReader::Field field;
  if (depth > kDepthMax || !reader.Next(&field)) {
    out += "null";
    return;
  }
  AppendField(out, field, depth);
}

}  // namespace

void AppendValueJson(std::string_view bytes, std::string& out) { AppendJson(bytes, out, 0); }

void AppendBase64(std::string& out, std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::size_t i = 0;
  const auto at = [&](std::size_t index) { return static_cast<unsigned>(static_cast<unsigned char>(bytes[index])); };
  for (; i + 3 <= bytes.size(); i += 3) {
    const unsigned three = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    for (const int shift : {18, 12, 6, 0}) out += kDigits[three >> shift & 63];
  }
  if (i == bytes.size()) return;
  const bool is_two = i + 2 == bytes.size();
  const unsigned rest = at(i) << 16 | (is_two ? at(i + 1) << 8 : 0);
  out += kDigits[rest >> 18];
  out += kDigits[rest >> 12 & 63];
  out += is_two ? kDigits[rest >> 6 & 63] : '=';
  out += '=';
}

}  // namespace sw::feast
