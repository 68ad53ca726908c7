// Json: one JSON value. Objects keep insertion order; integers stay exact (int64), doubles print
// with the shortest digits that read back as the same bits.
//
//   Json body = SW_TRY(Json::Parse(text));
//   std::string name = SW_TRY(body.GetString("name"));
//   Json answer = Json::MakeObject({{"name", name}, {"rows", 3}});
//   answer["scores"].Append(0.25);
//
// NaN and infinities have no JSON form: they print as the strings "NaN", "Infinity", "-Infinity",
// and GetDouble reads those back. A value: copies are deep. For decoding predictions into a batch
// use the streaming decoder of the native API instead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace sw::base {

struct JsonLimits {
  std::size_t bytes_max = 64u << 20;
  int depth_max = 64;
  bool floats = false;  // a number with a fraction or exponent is read as the nearest float
};

class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;

  Json() = default;  // null
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  template <typename N>
    requires(std::is_integral_v<N> && !std::is_same_v<N, bool>)
  Json(N value) : value_(static_cast<std::int64_t>(value)) {}
  Json(double value) : value_(value) {}
  Json(const char* text) : value_(std::string(text)) {}
  Json(std::string text) : value_(std::move(text)) {}
  Json(std::string_view text) : value_(std::string(text)) {}
  Json(Array items) : value_(std::move(items)) {}
  static Json MakeObject(std::initializer_list<Member> members = {});
  static Json MakeArray(std::initializer_list<Json> items = {});
  template <typename Range>
  static Json FromRange(const Range& items) {
    Array array;
    for (const auto& item : items) array.emplace_back(item);
    return Json(std::move(array));
  }

  // An integer beyond int64 becomes a double. Duplicate keys, trailing bytes, invalid UTF-8, and anything past the limits are refused; the
  // message gives line and column.
  static Result<Json> Parse(std::string_view text, const JsonLimits& limits = {});
  // indent < 0: one line without spaces.
  std::string Dump(int indent = -1) const;

  bool IsNull() const { return std::holds_alternative<std::monostate>(value_); }
  bool IsBool() const { return std::holds_alternative<bool>(value_); }
  bool IsInt() const { return std::holds_alternative<std::int64_t>(value_); }
  bool IsDouble() const { return std::holds_alternative<double>(value_); }
  bool IsNumber() const { return IsInt() || IsDouble(); }
  bool IsString() const { return std::holds_alternative<std::string>(value_); }
  bool IsArray() const { return std::holds_alternative<Array>(value_); }
  bool IsObject() const { return std::holds_alternative<Object>(value_); }
  std::string_view TypeName() const;  // "null", "boolean", "integer", "number", "string", ...

  // Views of the value itself; each requires the type it names (SW_CHECK).
  bool AsBool() const;
  std::int64_t AsInt() const;
  double AsDouble() const;  // of an integer too
  const std::string& AsString() const;
  const Array& AsArray() const;
  Array& AsArray();
  const Object& AsObject() const;
  Object& AsObject();

  // Members of an object. Find gives nullptr when the key is absent or this is no object.
  const Json* Find(std::string_view key) const;
  Json* Find(std::string_view key);
  bool Has(std::string_view key) const { return Find(key) != nullptr; }
  Json& operator[](std::string_view key);  // turns null into an object; inserts null
  void Set(std::string_view key, Json value) { (*this)[key] = std::move(value); }
  void Erase(std::string_view key);
  void Append(Json item);  // turns null into an array
  std::size_t size() const;

  // Typed members; INVALID_ARGUMENT names key, expected type and what was found.
  Result<std::string> GetString(std::string_view key) const;
  Result<std::int64_t> GetInt(std::string_view key) const;
  Result<double> GetDouble(std::string_view key) const;
  Result<bool> GetBool(std::string_view key) const;
  Result<const Json*> GetArray(std::string_view key) const;
  Result<const Json*> GetObject(std::string_view key) const;
  // The default when the key is absent, null or of another type.
  std::string StringOr(std::string_view key, std::string_view fallback) const;
  std::int64_t IntOr(std::string_view key, std::int64_t fallback) const;
  double DoubleOr(std::string_view key, double fallback) const;
  bool BoolOr(std::string_view key, bool fallback) const;

  bool operator==(const Json&) const = default;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

// Appends `text` as a JSON string with quotes; invalid UTF-8 becomes U+FFFD.
void AppendJsonString(std::string& out, std::string_view text);
// Shortest digits that read back as the same double, and as a double: 1 prints as 1.0. "NaN" etc.
// in quotes.
void AppendJsonDouble(std::string& out, double value);

}  // namespace sw::base

namespace sw {
using base::Json;
}  // namespace sw
