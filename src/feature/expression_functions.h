// The functions and operators of expressions: their signatures, and what they compute over columns.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/batch.h"
#include "feature/expression_syntax.h"
#include "feature/time_zone.h"

namespace sw::feature {

// A computed column or one that belongs to the batch; a constant has one row that stands for all.
class Value {
 public:
  explicit Value(data::Column&& column, bool is_constant = false)
      : owned_(std::move(column)), is_constant_(is_constant) {}
  static Value Borrow(const data::Column& column) { return Value(&column, false); }
  static Value Constant(const data::Column& one_row) { return Value(&one_row, true); }

  const data::Column& column() const { return owned_ ? *owned_ : *borrowed_; }
  bool is_constant() const { return is_constant_; }
  std::size_t RowOf(std::size_t row) const { return is_constant_ ? 0 : row; }
  data::Column Take() && { return owned_ ? *std::move(owned_) : *borrowed_; }

 private:
  Value(const data::Column* borrowed, bool is_constant)
      : borrowed_(borrowed), is_constant_(is_constant) {}

  std::optional<data::Column> owned_;
  const data::Column* borrowed_ = nullptr;
  bool is_constant_ = false;
};

struct CallInput {
  std::span<const Value> arguments;
  std::size_t rows = 0;
  const TimeZone* zone = nullptr;  // of the last argument, where the text gave it as a literal
};

// What went wrong in which row of the call.
struct RowError {
  std::size_t row = 0;
  std::string message;
};
using CallResult = std::expected<data::Column, RowError>;

// One signature of a function. `parameters` has a letter for each: b bool, i int64, f float64,
// s string, t timestamp, z string that names a time zone, ? anything; a last + repeats the letter
// before it.
struct Signature {
  std::string_view name;
  std::string_view parameters;
  data::Type result;
  CallResult (*compute)(const CallInput& input);
};

std::span<const Signature> NumberFunctions();
std::span<const Signature> TextFunctions();
std::span<const Signature> TimeFunctions();
std::span<const Signature> LogicFunctions();  // comparisons, in, between, nullif, not, is null

// Checks the name and the number of arguments.
Status CheckCall(const Syntax& call);

// An argument as far as its type is known.
struct Argument {
  std::optional<data::Type> type;     // nothing: null, which has every type
  const std::string* text = nullptr;  // of a literal, which may stand for a timestamp
};
// The signature that needs the fewest conversions; the error says what the function takes.
Result<const Signature*> Resolve(const Syntax& call, std::span<const Argument> arguments);
// The type that parameter `index` of the signature wants; nothing: any.
std::optional<data::Type> ParameterType(const Signature& signature, std::size_t index);

// int64 to float64, and what cast does. False where there is no such conversion.
bool CanCast(data::Type from, data::Type to);
CallResult CastColumn(const Value& value, std::size_t rows, data::Type to, bool is_lenient);

}  // namespace sw::feature
