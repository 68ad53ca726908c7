// Comparisons and what is built from them. Floats compare as IEEE 754 says: NaN is unequal to all.
#include "feature/expression_rows.h"

namespace sw::feature {
namespace {

using data::Type;
using Int = std::int64_t;
using Text = std::string_view;

constexpr auto kEqual = [](auto a, auto b) { return a == b; };
constexpr auto kUnequal = [](auto a, auto b) { return a != b; };
constexpr auto kLess = [](auto a, auto b) { return a < b; };
constexpr auto kLessOrEqual = [](auto a, auto b) { return a <= b; };
constexpr auto kGreater = [](auto a, auto b) { return a > b; };
constexpr auto kGreaterOrEqual = [](auto a, auto b) { return a >= b; };

template <typename T, auto kCompare>
CallResult Compare(const CallInput& input) {
  return EachRow<T, T>(input, Type::kBool, kCompare);
}

// a between low and high is a >= low and a <= high, with the three values of `and`.
template <typename T>
CallResult Between(const CallInput& input) {
  const Reader<T> value(input.arguments[0]), low(input.arguments[1]), high(input.arguments[2]);
  Output output(Type::kBool, input.rows);
  for (std::size_t row = 0; row < input.rows; ++row) {
    const bool is_null = value.IsNull(row);
    const bool below = !is_null && !low.IsNull(row) && !(value[row] >= low[row]);
    const bool above = !is_null && !high.IsNull(row) && !(value[row] <= high[row]);
    if (below || above) {
      output.Append(false);
    } else if (is_null || low.IsNull(row) || high.IsNull(row)) {
      output.AppendNull();
    } else {
      output.Append(true);
    }
  }
  return std::move(output).Finish();
}

// a in (b, c) is a = b or a = c, with the three values of `or`.
template <typename T>
CallResult In(const CallInput& input) {
  Output output(Type::kBool, input.rows);
  const Reader<T> value(input.arguments[0]);
  for (std::size_t row = 0; row < input.rows; ++row) {
    bool found = false, has_null = value.IsNull(row);
    for (std::size_t i = 1; i < input.arguments.size() && !found && !value.IsNull(row); ++i) {
      const Reader<T> candidate(input.arguments[i]);
      has_null = has_null || candidate.IsNull(row);
      found = !candidate.IsNull(row) && value[row] == candidate[row];
    }
    if (found || !has_null) {
      output.Append(found);
    } else {
      output.AppendNull();
    }
  }
  return std::move(output).Finish();
}

template <typename T, Type kType>
CallResult NullIf(const CallInput& input) {
  const Reader<T> value(input.arguments[0]), unwanted(input.arguments[1]);
  Output output(kType, input.rows);
  for (std::size_t row = 0; row < input.rows && !output.has_failed(); ++row) {
    if (value.IsNull(row) || (!unwanted.IsNull(row) && value[row] == unwanted[row])) {
      output.AppendNull();
    } else {
      output.Append(value[row]);
    }
  }
  return std::move(output).Finish();
}

template <bool kWanted>
CallResult IsNull(const CallInput& input) {
  Output output(Type::kBool, input.rows);
  const Value& value = input.arguments[0];
  for (std::size_t row = 0; row < input.rows; ++row)
    output.Append(value.column().IsNull(value.RowOf(row)) == kWanted);
  return std::move(output).Finish();
}

CallResult Not(const CallInput& input) {
  return EachRow<bool>(input, Type::kBool, [](bool value) { return !value; });
}

#define SW_COMPARISON(name, compare)                       \
  {name, "ii", Type::kBool, Compare<Int, compare>},        \
      {name, "ff", Type::kBool, Compare<double, compare>}, \
      {name, "ss", Type::kBool, Compare<Text, compare>},   \
      {name, "tt", Type::kBool, Compare<Int, compare>}, {  \
    name, "bb", Type::kBool, Compare<bool, compare>        \
  }

constexpr Signature kSignatures[] = {
    SW_COMPARISON("=", kEqual),
    SW_COMPARISON("<>", kUnequal),
    SW_COMPARISON("<", kLess),
    SW_COMPARISON("<=", kLessOrEqual),
    SW_COMPARISON(">", kGreater),
    SW_COMPARISON(">=", kGreaterOrEqual),
    {"between", "iii", Type::kBool, Between<Int>},
    {"between", "fff", Type::kBool, Between<double>},
    {"between", "sss", Type::kBool, Between<Text>},
    {"between", "ttt", Type::kBool, Between<Int>},
    {"in", "ii+", Type::kBool, In<Int>},
    {"in", "ff+", Type::kBool, In<double>},
    {"in", "ss+", Type::kBool, In<Text>},
    {"in", "tt+", Type::kBool, In<Int>},
    {"in", "bb+", Type::kBool, In<bool>},
    {"nullif", "ii", Type::kInt64, NullIf<Int, Type::kInt64>},
    {"nullif", "ff", Type::kFloat64, NullIf<double, Type::kFloat64>},
    {"nullif", "ss", Type::kString, NullIf<Text, Type::kString>},
    {"nullif", "tt", Type::kTimestamp, NullIf<Int, Type::kTimestamp>},
    {"nullif", "bb", Type::kBool, NullIf<bool, Type::kBool>},
    {"not", "b", Type::kBool, Not},
    {"is null", "?", Type::kBool, IsNull<true>},
    {"is not null", "?", Type::kBool, IsNull<false>},
};
#undef SW_COMPARISON

}  // namespace

std::span<const Signature> LogicFunctions() { return kSignatures; }

}  // namespace sw::feature
