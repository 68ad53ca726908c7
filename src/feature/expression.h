// Expression: a typed SQL scalar expression over one row's columns: computed columns, filters,
// labels and request features. Compiled once against a schema, evaluated over whole batches.
//
//   const Expression late = SW_TRY(Expression::Compile("arr_delay > 15", flights.schema()));
//   data::Column column = SW_TRY(late.Evaluate(flights));        // late.type() is kBool
//
// Values are bool, int64, float64, string and timestamp; an int64 becomes a float64 where one is
// needed, nothing else converts without cast. Null in, null out, except for is null, coalesce, case,
// and, or (three-valued). `/` gives float64; dividing by zero gives null; an integer result that
// leaves int64 is an error, never wrapped. A branch not taken is not computed, so it cannot fail.
// docs/expressions.md lists the functions. An error gives line and column: "line 1, column 9: no
// function \"concta\"; did you mean concat?". Text is hostile: length and depth are limited.
// Immutable.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/batch.h"

namespace sw::feature {

inline constexpr std::size_t kExpressionBytesMax = 16 << 10;
inline constexpr int kExpressionDepthMax = 128;
inline constexpr std::size_t kExpressionValueBytesMax = 64 << 10;   // of one string computed
inline constexpr std::size_t kExpressionColumnBytesMax = 1u << 30;  // of all strings in a column

class Expression {
 public:
  // INVALID_ARGUMENT with the place; NOT_FOUND never: a missing column is an invalid expression.
  static Result<Expression> Compile(std::string_view text, const data::Schema& schema);

  data::Type type() const { return type_; }
  const std::vector<std::string>& columns() const { return columns_; }  // that it reads, each once

  // A value for each row. The batch has the columns that the expression reads, with their types; it
  // may have others, in any order. An error names the first row (from 0) that fails.
  Result<data::Column> Evaluate(const data::Batch& batch) const;

 private:
  struct Program;
  explicit Expression(std::shared_ptr<const Program> program);
  std::shared_ptr<const Program> program_;
  data::Type type_ = data::Type::kBool;
  std::vector<std::string> columns_;
};

// The columns that the text reads, each once, in order; checks everything but columns and types.
Result<std::vector<std::string>> ParseColumns(std::string_view text);

}  // namespace sw::feature
