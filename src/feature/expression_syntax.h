// What an expression's text says, before columns and types are known: a tree of plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/errors.h"
#include "base/result.h"
#include "data/schema.h"

namespace sw::feature {

// In the expression's text; both count from 1, columns in bytes.
struct Place {
  int line = 1;
  int column = 1;
  bool operator==(const Place&) const = default;
};

using Literal =
    std::variant<std::monostate, bool, std::int64_t, double, std::string>;  // null first

struct Syntax {
  enum class Kind : std::uint8_t {
    kLiteral,
    kColumn,
    kCall,  // of a function; operators are functions of their own name, as in "+" or "is null"
    kAnd,   // of two parts or more
    kOr,
    kCase,  // [operand,] when, then, when, then, ..., else
    kCoalesce,
    kCast,
  };

  Kind kind = Kind::kLiteral;
  Place place{};
  Literal literal{};
  std::string name{};                   // of the column or the function
  data::Type type = data::Type::kBool;  // kCast: the type wanted
  bool is_lenient = false;              // kCast: null in place of an error (try_cast)
  bool has_operand = false;             // kCase: case x when 1 then ...
  std::vector<Syntax> parts{};
  int depth = 1;
};

// INVALID_ARGUMENT that begins with the place.
template <typename... Args>
std::unexpected<Error> ErrorAt(const Place& place, fmt::format_string<Args...> format,
                               Args&&... args) {
  return InvalidArgument("line {}, column {}: {}", place.line, place.column,
                         fmt::format(format, std::forward<Args>(args)...));
}

// "; did you mean a, b?", or nothing.
std::string DidYouMean(std::string_view wanted, const std::vector<std::string>& candidates);

// Hostile input: bounded length, depth and time.
Result<Syntax> ParseExpression(std::string_view text);

}  // namespace sw::feature
