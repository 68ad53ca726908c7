// cast and try_cast: conversions between types.
#include <cmath>
#include <type_traits>

#include "feature/expression_rows.h"

namespace sw::feature {
namespace {

using data::Type;
using Int = std::int64_t;

constexpr double kInt64End = 9223372036854775808.0;

// Rounds to the nearest integer, ties to even.
Checked<Int> Rounded(double value) {
  const double whole = std::nearbyint(value);
  if (!(whole >= -kInt64End && whole < kInt64End))
    return std::unexpected(Failure{fmt::format("{} does not fit into int64", value)});
  return static_cast<Int>(whole);
}

CallResult FromText(const CallInput& input, Type to) {
  const Reader<std::string_view> text(input.arguments[0]);
  data::Column column(to);
  column.Reserve(input.rows);
  for (std::size_t row = 0; row < input.rows; ++row) {
    if (text.IsNull(row)) {
      column.AppendNull();
    } else if (auto status = column.AppendText(text[row]); !status) {
      return std::unexpected(RowError{row, std::move(status).error().message});
    }
  }
  return column;
}

CallResult ToText(const CallInput& input) {
  const Value& value = input.arguments[0];
  Output output(Type::kString, input.rows);
  for (std::size_t row = 0; row < input.rows; ++row) {
    const std::size_t at = value.RowOf(row);
    if (value.column().IsNull(at)) {
      output.AppendNull();
    } else {
      output.Append(value.column().ToText(at));
    }
  }
  return std::move(output).Finish();
}

CallResult Convert(const CallInput& input, Type from, Type to) {
  if (from == Type::kString) return FromText(input, to);
  if (to == Type::kString) return ToText(input);
  if (to == Type::kFloat64)
    return EachRow<Int>(input, to, [](Int value) { return static_cast<double>(value); });
  if (from == Type::kFloat64) return EachRow<double>(input, to, Rounded);
  return EachRow<Int>(input, to, [](Int value) { return value; });  // bool and int64
}

// One row at a time, so that a row which fails is a null and not the end.
data::Column ConvertLeniently(const Value& value, std::size_t rows, Type to) {
  data::Column converted(to);
  converted.Reserve(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    data::Column one(value.column().type());
    one.AppendFrom(value.column(), value.RowOf(row));
    const Value single = Value::Constant(one);
    const auto result = Convert({std::span(&single, 1), 1, nullptr}, one.type(), to);
    if (result) {
      converted.AppendFrom(*result, 0);
    } else {
      converted.AppendNull();
    }
  }
  return converted;
}

}  // namespace

bool CanCast(Type from, Type to) {
  if (from == to || from == Type::kString || to == Type::kString) return true;
  const auto is_number = [](Type type) { return type == Type::kInt64 || type == Type::kFloat64; };
  return (is_number(from) && is_number(to)) || (from == Type::kBool && is_number(to)) ||
         (from == Type::kInt64 && to == Type::kBool);
}

CallResult CastColumn(const Value& value, std::size_t rows, Type to, bool is_lenient) {
  if (is_lenient) return ConvertLeniently(value, rows, to);
  return Convert({std::span(&value, 1), rows, nullptr}, value.column().type(), to);
}

}  // namespace sw::feature
