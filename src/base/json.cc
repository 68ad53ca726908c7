#include "base/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/errors.h"

namespace sw::base {
namespace {

std::unexpected<Error> WrongMember(std::string_view key, std::string_view expected, const Json* found) {
  if (found == nullptr) return InvalidArgument("missing \"{}\": expected {}", key, expected);
  return InvalidArgument("\"{}\" is of type {}: expected {}", key, found->TypeName(), expected);
}

// Reads the spelling that AppendJsonDouble gives to what JSON cannot say.
bool ReadNonFinite(const std::string& text, double& value) {
  if (text == "NaN") {
    value = std::numeric_limits<double>::quiet_NaN();
  } else if (text == "Infinity") {
    value = std::numeric_limits<double>::infinity();
  } else if (text == "-Infinity") {
    value = -std::numeric_limits<double>::infinity();
  } else {
    return false;
  }
  return true;
}

void AppendNewLine(std::string& out, int indent, int depth) {
  if (indent < 0) return;
  out += '\n';
  out.append(static_cast<std::size_t>(indent) * static_cast<std::size_t>(depth), ' ');
}

void AppendValue(std::string& out, const Json& value, int indent, int depth);

void AppendArray(std::string& out, const Json::Array& items, int indent, int depth) {
  out += '[';
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += ',';
    AppendNewLine(out, indent, depth + 1);
    AppendValue(out, items[i], indent, depth + 1);
  }
  if (!items.empty()) AppendNewLine(out, indent, depth);
  out += ']';
}

void AppendObject(std::string& out, const Json::Object& members, int indent, int depth) {
  out += '{';
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i > 0) out += ',';
    AppendNewLine(out, indent, depth + 1);
    AppendJsonString(out, members[i].first);
    out += indent < 0 ? ":" : ": ";
    AppendValue(out, members[i].second, indent, depth + 1);
  }
  if (!members.empty()) AppendNewLine(out, indent, depth);
  out += '}';
}

void AppendValue(std::string& out, const Json& value, int indent, int depth) {
  if (value.IsNull()) {
    out += "null";
  } else if (value.IsBool()) {
    out += value.AsBool() ? "true" : "false";
  } else if (value.IsInt()) {
    out += fmt::format_int(value.AsInt()).c_str();
  } else if (value.IsDouble()) {
    AppendJsonDouble(out, value.AsDouble());
  } else if (value.IsString()) {
    AppendJsonString(out, value.AsString());
  } else if (value.IsArray()) {
    AppendArray(out, value.AsArray(), indent, depth);
  } else {
    AppendObject(out, value.AsObject(), indent, depth);
  }
}

// Gives the length of the UTF-8 sequence at the front of `text`, or 0 when it is none (overlong,
// surrogate, past U+10FFFF, cut off): table 3-7 of the Unicode standard.
std::size_t Utf8Length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  const unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

// Of the bytes at the front of `text` that stand for themselves in JSON.
std::size_t PlainLength(std::string_view text) {
  const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_plain) - text.begin());
}

void AppendEscaped(std::string& out, unsigned char c) {
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
  }
}

}  // namespace

Json Json::MakeObject(std::initializer_list<Member> members) {
  Json json;
  json.value_ = Object(members);
  return json;
}

Json Json::MakeArray(std::initializer_list<Json> items) {
  Json json;
  json.value_ = Array(items);
  return json;
}

std::string Json::Dump(int indent) const {
  std::string out;
  AppendValue(out, *this, indent, 0);
  return out;
}

std::string_view Json::TypeName() const {
  constexpr std::array<std::string_view, 7> kNames = {"null",   "boolean", "integer", "number",
                                                      "string", "array",   "object"};
  return kNames[value_.index()];
}

bool Json::AsBool() const {
  SW_CHECK(IsBool(), "JSON value is no boolean");
  return *std::get_if<bool>(&value_);
}

std::int64_t Json::AsInt() const {
  SW_CHECK(IsInt(), "JSON value is no integer");
  return *std::get_if<std::int64_t>(&value_);
}

double Json::AsDouble() const {
  if (IsInt()) return static_cast<double>(AsInt());
  SW_CHECK(IsDouble(), "JSON value is no number");
  return *std::get_if<double>(&value_);
}

const std::string& Json::AsString() const {
  SW_CHECK(IsString(), "JSON value is no string");
  return *std::get_if<std::string>(&value_);
}

const Json::Array& Json::AsArray() const {
  SW_CHECK(IsArray(), "JSON value is no array");
  return *std::get_if<Array>(&value_);
}

Json::Array& Json::AsArray() {
  SW_CHECK(IsArray(), "JSON value is no array");
  return *std::get_if<Array>(&value_);
}

const Json::Object& Json::AsObject() const {
  SW_CHECK(IsObject(), "JSON value is no object");
  return *std::get_if<Object>(&value_);
}

Json::Object& Json::AsObject() {
  SW_CHECK(IsObject(), "JSON value is no object");
  return *std::get_if<Object>(&value_);
}

const Json* Json::Find(std::string_view key) const {
  const Object* members = std::get_if<Object>(&value_);
  if (members == nullptr) return nullptr;
  const auto found = std::ranges::find(*members, key, &Member::first);
  return found == members->end() ? nullptr : &found->second;
}

Json* Json::Find(std::string_view key) {
  return const_cast<Json*>(static_cast<const Json*>(this)->Find(key));
}

Json& Json::operator[](std::string_view key) {
  if (IsNull()) value_ = Object();
  if (Json* found = Find(key)) return *found;
  return AsObject().emplace_back(std::string(key), Json()).second;
}

void Json::Erase(std::string_view key) {
  if (Object* members = std::get_if<Object>(&value_)) {
    std::erase_if(*members, [&](const Member& member) { return member.first == key; });
  }
}

void Json::Append(Json item) {
  if (IsNull()) value_ = Array();
  AsArray().push_back(std::move(item));
}

std::size_t Json::size() const {
  if (IsArray()) return AsArray().size();
  return IsObject() ? AsObject().size() : 0;
}

Result<std::string> Json::GetString(std::string_view key) const {
  const Json* found = Find(key);
  if (found == nullptr || !found->IsString()) return WrongMember(key, "a string", found);
  return found->AsString();
}

Result<std::int64_t> Json::GetInt(std::string_view key) const {
  const Json* found = Find(key);
  if (found == nullptr || !found->IsInt()) return WrongMember(key, "an integer", found);
  return found->AsInt();
}

Result<double> Json::GetDouble(std::string_view key) const {
  const Json* found = Find(key);
  double value = 0;
  if (found != nullptr && found->IsString() && ReadNonFinite(found->AsString(), value)) return value;
  if (found == nullptr || !found->IsNumber()) return WrongMember(key, "a number", found);
  return found->AsDouble();
}

Result<bool> Json::GetBool(std::string_view key) const {
  const Json* found = Find(key);
  if (found == nullptr || !found->IsBool()) return WrongMember(key, "a boolean", found);
  return found->AsBool();
}

Result<const Json*> Json::GetArray(std::string_view key) const {
  const Json* found = Find(key);
  if (found == nullptr || !found->IsArray()) return WrongMember(key, "an array", found);
  return found;
}

Result<const Json*> Json::GetObject(std::string_view key) const {
  const Json* found = Find(key);
  if (found == nullptr || !found->IsObject()) return WrongMember(key, "an object", found);
  return found;
}

std::string Json::StringOr(std::string_view key, std::string_view fallback) const {
  const Json* found = Find(key);
  return found != nullptr && found->IsString() ? found->AsString() : std::string(fallback);
}

std::int64_t Json::IntOr(std::string_view key, std::int64_t fallback) const {
  const Json* found = Find(key);
  return found != nullptr && found->IsInt() ? found->AsInt() : fallback;
}

double Json::DoubleOr(std::string_view key, double fallback) const {
  return GetDouble(key).value_or(fallback);
}

bool Json::BoolOr(std::string_view key, bool fallback) const {
  const Json* found = Find(key);
  return found != nullptr && found->IsBool() ? found->AsBool() : fallback;
}

void AppendJsonString(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const std::size_t plain = PlainLength(text);
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const auto c = static_cast<unsigned char>(text[0]);
    const std::size_t length = Utf8Length(text);
    if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f) {
      AppendEscaped(out, c);
    } else if (length == 0) {
      out += "\xef\xbf\xbd";  // U+FFFD
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  out += '"';
}

void AppendJsonDouble(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "\"NaN\"";
    return;
  }
  if (std::isinf(value)) {
    out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
    return;
  }
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

}  // namespace sw::base
