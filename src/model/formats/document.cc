#include "model/formats/document.h"

#include <algorithm>
#include <limits>

#include "base/errors.h"
#include "model/formats/ubjson.h"

namespace sw::model {
namespace {

constexpr std::size_t kJsonBytesMax = 256u << 20;
constexpr int kDepthMax = 64;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <typename Number, typename Read>
Document NumbersOf(const Json::Array& items, Read read) {
  std::vector<Number> numbers;
  numbers.reserve(items.size());
  for (const Json& item : items) numbers.push_back(static_cast<Number>(read(item)));
  return Document(Document::Numbers(std::move(numbers)));
}

// What QuoteNonFinite put into quotes.
bool IsNonFinite(const Json& item) {
  return item.IsString() && (item.AsString() == "NaN" || item.AsString() == "Infinity" || item.AsString() == "-Infinity");
}

double NumberOf(const Json& item) {
  if (!item.IsString()) return item.AsDouble();
  if (item.AsString() == "NaN") return kNan;
  return item.AsString() == "Infinity" ? kInfinity : -kInfinity;
}

Document FromArray(Json::Array items) {
  const bool has_items = !items.empty();
  if (has_items && std::ranges::all_of(items, &Json::IsInt)) {
    return NumbersOf<std::int64_t>(items, [](const Json& item) { return item.AsInt(); });
  }
  if (has_items && std::ranges::all_of(items, &Json::IsBool)) {
    return NumbersOf<std::uint8_t>(items, [](const Json& item) { return item.AsBool() ? 1 : 0; });
  }
  const auto is_number = [](const Json& item) { return item.IsNumber() || IsNonFinite(item); };
  if (has_items && std::ranges::all_of(items, is_number) && std::ranges::any_of(items, &Json::IsNumber)) {
    return NumbersOf<double>(items, NumberOf);
  }
  Document::Array values;
  values.reserve(items.size());
  for (Json& item : items) values.push_back(Document::FromJson(std::exchange(item, Json())));
  return Document(std::move(values));
}

// Bare NaN, Infinity and -Infinity are no JSON; in quotes they are.
std::string QuoteNonFinite(std::string_view text) {
  constexpr std::string_view kWords[] = {"NaN", "Infinity", "-Infinity"};
  std::string quoted;
  quoted.reserve(text.size() + text.size() / 16);
  bool is_string = false;
  for (std::size_t i = 0; i < text.size();) {
    const auto* word = std::ranges::find_if(kWords, [&](std::string_view w) { return text.substr(i).starts_with(w); });
    std::size_t length = 1;
    if (is_string) {
      if (text[i] == '"') is_string = false;
      if (text[i] == '\\') length = std::min<std::size_t>(2, text.size() - i);
      quoted += text.substr(i, length);
    } else if (word != std::end(kWords)) {
      length = word->size();
      quoted.append("\"").append(*word).append("\"");
    } else {
      is_string = text[i] == '"';
      quoted += text[i];
    }
    i += length;
  }
  return quoted;
}

template <typename Wanted>
std::unexpected<Error> WrongType(std::string_view key, Wanted wanted, const Document& found) {
  return InvalidArgument("\"{}\" must be {}, found {}", key, wanted, found.TypeName());
}

}  // namespace

Document Document::FromJson(Json json) {
  if (json.IsNull()) return Document();
  if (json.IsBool()) return Document(json.AsBool());
  if (json.IsInt()) return Document(json.AsInt());
  if (json.IsDouble()) return Document(json.AsDouble());
  if (json.IsString()) return Document(json.AsString());
  if (json.IsArray()) return FromArray(std::move(json.AsArray()));
  Object members;
  members.reserve(json.size());
  for (Json::Member& member : json.AsObject()) {
    members.emplace_back(std::move(member.first), FromJson(std::exchange(member.second, Json())));
  }
  return Document(std::move(members));
}

std::string_view Document::TypeName() const {
  constexpr std::string_view kNames[] = {"null", "boolean", "integer", "number", "string", "numbers", "array", "object"};
  return kNames[value_.index()];
}

std::size_t Document::size() const {
  if (const auto* items = std::get_if<Array>(&value_)) return items->size();
  const auto* numbers = std::get_if<Numbers>(&value_);
  return numbers == nullptr ? 0 : std::visit([](const auto& list) { return list.size(); }, *numbers);
}

const Document* Document::Find(std::string_view key) const {
  const auto* members = std::get_if<Object>(&value_);
  if (members == nullptr) return nullptr;
  const auto found = std::ranges::find(*members, key, &Member::first);
  return found == members->end() ? nullptr : &found->second;
}

Result<const Document*> Document::Get(std::string_view key) const {
  if (const Document* found = Find(key)) return found;
  return InvalidArgument("\"{}\" is missing", key);
}

Result<std::string_view> Document::String(std::string_view key) const {
  const Document* found = SW_TRY(Get(key));
  if (const auto* text = std::get_if<std::string>(&found->value_)) return std::string_view(*text);
  return WrongType(key, "a string", *found);
}

Result<std::int64_t> Document::Int(std::string_view key) const {
  const Document* found = SW_TRY(Get(key));
  if (const auto* number = std::get_if<std::int64_t>(&found->value_)) return *number;
  return WrongType(key, "an integer", *found);
}

Result<double> Document::Number(std::string_view key) const {
  const Document* found = SW_TRY(Get(key));
  if (const auto* number = std::get_if<double>(&found->value_)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(&found->value_)) return static_cast<double>(*number);
  return WrongType(key, "a number", *found);
}

Result<const Document::Object*> Document::Members(std::string_view key) const {
  const Document* found = SW_TRY(Get(key));
  if (const auto* members = std::get_if<Object>(&found->value_)) return members;
  return WrongType(key, "an object", *found);
}

Result<const Document::Array*> Document::Items(std::string_view key) const {
  const Document* found = SW_TRY(Get(key));
  if (const auto* items = std::get_if<Array>(&found->value_)) return items;
  return WrongType(key, "an array", *found);
}

Result<std::vector<std::int64_t>> Document::AsInts(std::string_view name) const {
  const auto* items = std::get_if<Array>(&value_);
  if (items != nullptr && items->empty()) return std::vector<std::int64_t>();
  const auto* numbers = std::get_if<Numbers>(&value_);
  const bool is_whole = numbers != nullptr && numbers->index() < 5;
  if (!is_whole) return WrongType(name, "whole numbers", *this);
  return std::visit(
      [](const auto& list) {
        std::vector<std::int64_t> ints;
        ints.reserve(list.size());
        for (const auto number : list) ints.push_back(static_cast<std::int64_t>(number));
        return ints;
      },
      *numbers);
}

Result<std::vector<double>> Document::AsDoubles(std::string_view name) const {
  const auto* items = std::get_if<Array>(&value_);
  if (items != nullptr && items->empty()) return std::vector<double>();
  const auto* numbers = std::get_if<Numbers>(&value_);
  if (numbers == nullptr) return WrongType(name, "numbers", *this);
  return std::visit([](const auto& list) { return std::vector<double>(list.begin(), list.end()); }, *numbers);
}

Result<std::vector<std::int64_t>> Document::Ints(std::string_view key) const { return SW_TRY(Get(key))->AsInts(key); }

Result<std::vector<double>> Document::Doubles(std::string_view key) const { return SW_TRY(Get(key))->AsDoubles(key); }

Result<Document> ReadDocument(std::string_view bytes, bool floats) {
  if (IsUbjson(bytes)) return ReadUbjson(bytes);
  const base::JsonLimits limits{.bytes_max = kJsonBytesMax, .depth_max = kDepthMax, .floats = floats};
  const bool is_strict = bytes.find("NaN") == std::string_view::npos && bytes.find("Infinity") == std::string_view::npos;
  if (is_strict || bytes.size() > kJsonBytesMax) return Document::FromJson(SW_TRY(Json::Parse(bytes, limits)));
  return Document::FromJson(SW_TRY(Json::Parse(QuoteNonFinite(bytes), limits)));
}

}  // namespace sw::model
