#include "model/formats/plan_arrays.h"

#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "base/errors.h"

namespace sw::model {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are little-endian in a plan");

constexpr std::uint8_t kNoDigit = 255;

constexpr std::array<std::uint8_t, 256> MakeDigits() {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<std::uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    digits[static_cast<std::uint8_t>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return digits;
}
constexpr std::array<std::uint8_t, 256> kDigits = MakeDigits();

std::size_t PaddingOf(std::string_view text) {
  if (text.ends_with("==")) return 2;
  return text.ends_with("=") ? 1 : 0;
}

Result<std::string> DecodeBase64(std::string_view text, std::string_view key) {
  if (text.size() % 4 != 0) return InvalidArgument("\"{}\" is not whole base64", key);
  const std::size_t padding = PaddingOf(text);
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_padding = i >= text.size() - padding;
    const std::uint8_t digit = is_padding ? 0 : kDigits[static_cast<std::uint8_t>(text[i])];
    if (digit == kNoDigit) return InvalidArgument("\"{}\" has a character that is not base64", key);
    bits = bits << 6 | digit;
    if (i % 4 != 3) continue;
    for (const int shift : {16, 8, 0}) bytes += static_cast<char>(bits >> shift & 0xff);
  }
  bytes.resize(bytes.size() - padding);
  return bytes;
}

template <typename Number>
Result<std::vector<Number>> Unpack(const Json& packed, std::string_view key) {
  if (!packed.IsString()) return InvalidArgument("\"{}\" must be base64 text, found {}", key, packed.TypeName());
  const std::string bytes = SW_TRY(DecodeBase64(packed.AsString(), key));
  if (bytes.size() % sizeof(Number) != 0) return InvalidArgument("\"{}\" is cut off within a number", key);
  std::vector<Number> numbers(bytes.size() / sizeof(Number));
  if (!numbers.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

Result<double> ReadDouble(const Json& item, std::string_view key) {
  using Limits = std::numeric_limits<double>;
  if (item.IsNumber()) return item.AsDouble();
  if (item == Json("NaN")) return Limits::quiet_NaN();
  if (item == Json("Infinity")) return Limits::infinity();
  if (item == Json("-Infinity")) return -Limits::infinity();
  return InvalidArgument("\"{}\" must hold numbers, found {}", key, item.TypeName());
}

Result<std::vector<double>> ReadDoubles(const Json& value, std::string_view key) {
  if (const Json* packed = value.Find("f64")) return Unpack<double>(*packed, key);
  if (!value.IsArray()) return InvalidArgument("\"{}\" must be numbers, found {}", key, value.TypeName());
  std::vector<double> numbers;
  numbers.reserve(value.AsArray().size());
  for (const Json& item : value.AsArray()) numbers.push_back(SW_TRY(ReadDouble(item, key)));
  return numbers;
}

Result<std::vector<std::int32_t>> ReadInts(const Json& value, std::string_view key) {
  if (const Json* packed = value.Find("i32")) return Unpack<std::int32_t>(*packed, key);
  if (!value.IsArray()) return InvalidArgument("\"{}\" must be integers, found {}", key, value.TypeName());
  std::vector<std::int32_t> numbers;
  numbers.reserve(value.AsArray().size());
  for (const Json& item : value.AsArray()) {
    if (!item.IsInt() || item.AsInt() < std::numeric_limits<std::int32_t>::min() ||
        item.AsInt() > std::numeric_limits<std::int32_t>::max()) {
      return InvalidArgument("\"{}\" must hold integers of 32 bits", key);
    }
    numbers.push_back(static_cast<std::int32_t>(item.AsInt()));
  }
  return numbers;
}

Result<const Json*> Member(const Json& json, std::string_view key) {
  const Json* value = json.Find(key);
  if (value == nullptr) return InvalidArgument("missing \"{}\"", key);
  return value;
}

}  // namespace

Result<std::vector<double>> GetDoubles(const Json& json, std::string_view key) {
  return ReadDoubles(*SW_TRY(Member(json, key)), key);
}

Result<std::vector<double>> DoublesOr(const Json& json, std::string_view key) {
  const Json* value = json.Find(key);
  return value == nullptr ? std::vector<double>() : ReadDoubles(*value, key);
}

Result<std::vector<std::int32_t>> GetInts(const Json& json, std::string_view key) {
  return ReadInts(*SW_TRY(Member(json, key)), key);
}

Result<std::vector<std::int32_t>> IntsOr(const Json& json, std::string_view key) {
  const Json* value = json.Find(key);
  return value == nullptr ? std::vector<std::int32_t>() : ReadInts(*value, key);
}

Result<std::vector<std::optional<std::string>>> GetTexts(const Json& json, std::string_view key) {
  std::vector<std::optional<std::string>> texts;
  for (const Json& item : SW_TRY(json.GetArray(key))->AsArray()) {
    if (!item.IsString() && !item.IsNull()) return InvalidArgument("\"{}\" must hold texts", key);
    texts.push_back(item.IsNull() ? std::nullopt : std::optional(item.AsString()));
  }
  return texts;
}

Result<std::uint32_t> GetIndex(const Json& json, std::string_view key) {
  const std::int64_t index = SW_TRY(json.GetInt(key));
  if (index < 0 || index > std::numeric_limits<std::int32_t>::max()) {
    return InvalidArgument("\"{}\" is {}; it must be an index", key, index);
  }
  return static_cast<std::uint32_t>(index);
}

}  // namespace sw::model
