// JsonCursor: JSON text read forward, once, without building values: for requests whose shape is known.
//
//   JsonCursor json(text);
//   if (!json.Take('[')) return std::nullopt;          // not what this reader knows: let Json::Parse say why
//   do {
//     JsonNumber number;
//     if (!json.TakeNumber(&number)) return std::nullopt;
//     column.AppendDouble(number.AsDouble());
//   } while (json.Take(','));
//   if (!json.Take(']') || !json.AtEnd()) return std::nullopt;
//
// It knows less than JSON: a \u escape and a number beyond int64 or double are not taken. What it takes is
// JSON, with the value that Json::Parse gives it. Hostile input. A view; one owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace sw::base {

struct JsonNumber {
  bool is_int = false;
  std::int64_t integer = 0;
  double real = 0;
  std::string_view digits = {};  // as they stand in the text

  double AsDouble() const { return is_int ? static_cast<double>(integer) : real; }
};

class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  // The next character that is no space, not taken; 0 at the end.
  char Peek() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
    return at_ == end_ ? '\0' : *at_;
  }
  bool Take(char wanted) {
    if (Peek() != wanted || at_ == end_) return false;
    ++at_;
    return true;
  }
  // A view into the text, or into `scratch` where there was an escape.
  bool TakeString(std::string_view* value, std::string* scratch);
  bool TakeNumber(JsonNumber* value);
  bool TakeWord(std::string_view word);  // true, false, null
  bool AtEnd() { return Peek() == 0 && at_ == end_; }

 private:
  const char* at_;
  const char* end_;
};

// Json::Parse's result where the cursor knows all of the text, and nothing elsewhere. Inside this room.
std::optional<Json> ParseKnownJson(std::string_view text, const JsonLimits& limits);
// All of JSON, and what is wrong with the rest; slower.
Result<Json> ParseAnyJson(std::string_view text, const JsonLimits& limits);

}  // namespace sw::base
