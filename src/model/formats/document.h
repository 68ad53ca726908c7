// Document: a model file of JSON's kind as a tree, whether it was written as JSON or as UBJSON.
// Immutable once built.
//
//   const Document document = SW_TRY(ReadDocument(bytes));
//   const Document& tree = *SW_TRY(document.Get("tree"));
//   const auto left = SW_TRY(tree.Ints("left_children"));
//
// Unlike Json, lists of numbers cost what their type does (4 bytes a float), because models are
// made of them. Use Json for everything that is small.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace sw::model {

class Document {
 public:
  using Array = std::vector<Document>;
  using Member = std::pair<std::string, Document>;
  using Object = std::vector<Member>;
  // A list of numbers of one type; booleans of JSON are bytes.
  using Numbers = std::variant<std::vector<std::int8_t>, std::vector<std::uint8_t>, std::vector<std::int16_t>,
                               std::vector<std::int32_t>, std::vector<std::int64_t>, std::vector<float>,
                               std::vector<double>>;
  using Value = std::variant<std::monostate, bool, std::int64_t, double, std::string, Numbers, Array, Object>;

  Document() = default;
  explicit Document(Value value) : value_(std::move(value)) {}
  static Document FromJson(Json json);

  bool IsNull() const { return std::holds_alternative<std::monostate>(value_); }
  bool IsObject() const { return std::holds_alternative<Object>(value_); }
  const Value& value() const { return value_; }
  std::string_view TypeName() const;  // "null", "boolean", "integer", "number", "string", "numbers", ...

  // Members of an object. Find gives nullptr when the key is absent or this is no object; what Get
  // and those below refuse is named by its key.
  const Document* Find(std::string_view key) const;
  Result<const Document*> Get(std::string_view key) const;
  Result<std::string_view> String(std::string_view key) const;
  Result<std::int64_t> Int(std::string_view key) const;
  Result<double> Number(std::string_view key) const;
  Result<const Object*> Members(std::string_view key) const;
  Result<const Array*> Items(std::string_view key) const;  // a list without numbers
  // Lists of numbers. Doubles takes whole numbers too; Ints takes nothing else.
  Result<std::vector<std::int64_t>> Ints(std::string_view key) const;
  Result<std::vector<double>> Doubles(std::string_view key) const;

  // This value itself as a list of numbers; `name` is for the message.
  Result<std::vector<std::int64_t>> AsInts(std::string_view name) const;
  Result<std::vector<double>> AsDoubles(std::string_view name) const;
  // How many values a list has, of whatever kind; 0 for what is no list.
  std::size_t size() const;

  bool operator==(const Document&) const = default;

 private:
  Value value_;
};

// Told apart by content: UBJSON begins an object with a key's length, JSON with a quote. In JSON,
// bare NaN and Infinity are taken, as XGBoost writes them, and a number with a fraction is rounded
// from its digits to the nearest float when `floats` says so, not through a double.
Result<Document> ReadDocument(std::string_view bytes, bool floats = false);

}  // namespace sw::model
