// Words of an expression's text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "feature/expression_syntax.h"

namespace sw::feature {

struct Token {
  enum class Kind : std::uint8_t { kName, kQuotedName, kText, kInteger, kNumber, kSymbol, kEnd };

  Kind kind = Kind::kEnd;
  std::string text;   // without quotes, doubled quotes undone
  std::string lower;  // kName: in lower case, to tell keywords and functions
  Place place;

  bool Is(std::string_view symbol_or_keyword) const {
    return (kind == Kind::kSymbol && text == symbol_or_keyword) ||
           (kind == Kind::kName && lower == symbol_or_keyword);
  }
};

// The tokens, closed by kEnd. Names may hold dots: in.distance is one name.
Result<std::vector<Token>> Tokenize(std::string_view text);

}  // namespace sw::feature
