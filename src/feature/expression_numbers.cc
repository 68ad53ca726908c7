// Arithmetic. Only operations that IEEE 754 rounds correctly are here, so that a feature has the same
// bits on every machine; exp and log are not, because those of libm differ between CPUs.
#include <cmath>
#include <limits>

#include "feature/expression_rows.h"

namespace sw::feature {
namespace {

using data::Type;
using Int = std::int64_t;

constexpr Int kMin = std::numeric_limits<Int>::min();

template <typename... Args>
std::unexpected<Failure> Failed(fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Failure{fmt::format(format, std::forward<Args>(args)...)});
}

Checked<Int> AddInts(Int a, Int b) {
  Int sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return Failed("{} + {} leaves int64", a, b);
  return sum;
}

Checked<Int> SubtractInts(Int a, Int b) {
  Int difference = 0;
  if (__builtin_sub_overflow(a, b, &difference)) return Failed("{} - {} leaves int64", a, b);
  return difference;
}

Checked<Int> MultiplyInts(Int a, Int b) {
  Int product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return Failed("{} * {} leaves int64", a, b);
  return product;
}

Checked<Int> NegateInt(Int a) {
  if (a == kMin) return Failed("-({}) leaves int64", a);
  return -a;
}

// Rounds towards zero, as SQL's integer division does.
Checked<std::optional<Int>> DivideInts(Int a, Int b) {
  if (b == 0) return std::nullopt;
  if (a == kMin && b == -1) return Failed("div({}, -1) leaves int64", a);
  return a / b;
}

// Has the sign of `a`, so that div(a, b) * b + mod(a, b) = a.
std::optional<Int> Modulo(Int a, Int b) {
  if (b == 0) return std::nullopt;
  return b == -1 ? 0 : a % b;
}

std::optional<double> Divide(double a, double b) {
  if (b == 0) return std::nullopt;
  return a / b;
}

// -0 is the least zero and NaN the greatest number, so that the order of arguments does not matter.
bool IsLess(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return !std::isnan(a) && std::isnan(b);
  return a < b || (a == b && std::signbit(a) && !std::signbit(b));
}
bool IsLess(Int a, Int b) { return a < b; }
bool IsLess(std::string_view a, std::string_view b) { return a < b; }

// least and greatest: of the arguments that are not null, as in PostgreSQL.
template <typename T, bool kGreatest>
CallResult Extreme(const CallInput& input, Type type) {
  Output output(type, input.rows);
  for (std::size_t row = 0; row < input.rows && !output.has_failed(); ++row) {
    std::optional<T> best;
    for (const Value& value : input.arguments) {
      const std::size_t at = value.RowOf(row);
      if (value.column().IsNull(at)) continue;
      const T candidate = Read<T>(value.column(), at);
      if (!best || (kGreatest ? IsLess(*best, candidate) : IsLess(candidate, *best)))
        best = candidate;
    }
    output.Append(best);
  }
  return std::move(output).Finish();
}

template <auto kFunction>
CallResult Ints(const CallInput& input) {
  return EachRow<Int, Int>(input, Type::kInt64, kFunction);
}

template <auto kFunction>
CallResult Doubles(const CallInput& input) {
  return EachRow<double, double>(input, Type::kFloat64, kFunction);
}

template <auto kFunction>
CallResult Double(const CallInput& input) {
  return EachRow<double>(input, Type::kFloat64, kFunction);
}

constexpr auto kAdd = [](double a, double b) { return a + b; };
constexpr auto kSubtract = [](double a, double b) { return a - b; };
constexpr auto kMultiply = [](double a, double b) { return a * b; };
constexpr auto kNegative = [](double a) { return -a; };
constexpr auto kAbs = [](double a) { return std::fabs(a); };
constexpr auto kFloor = [](double a) { return std::floor(a); };
constexpr auto kCeil = [](double a) { return std::ceil(a); };
constexpr auto kRound = [](double a) { return std::nearbyint(a); };  // ties to even, as cast rounds
constexpr auto kSqrt = [](double a) -> std::optional<double> {
  if (a < 0) return std::nullopt;
  return std::sqrt(a);
};

CallResult NegativeInt(const CallInput& input) {
  return EachRow<Int>(input, Type::kInt64, NegateInt);
}
CallResult AbsInt(const CallInput& input) {
  return EachRow<Int>(input, Type::kInt64,
                      [](Int a) -> Checked<Int> { return a < 0 ? NegateInt(a) : a; });
}

template <typename T, bool kGreatest, Type kType>
CallResult ExtremeOf(const CallInput& input) {
  return Extreme<T, kGreatest>(input, kType);
}

constexpr Signature kSignatures[] = {
    {"+", "ii", Type::kInt64, Ints<AddInts>},
    {"+", "ff", Type::kFloat64, Doubles<kAdd>},
    {"-", "ii", Type::kInt64, Ints<SubtractInts>},
    {"-", "ff", Type::kFloat64, Doubles<kSubtract>},
    {"*", "ii", Type::kInt64, Ints<MultiplyInts>},
    {"*", "ff", Type::kFloat64, Doubles<kMultiply>},
    {"/", "ff", Type::kFloat64, Doubles<Divide>},
    {"div", "ii", Type::kInt64, Ints<DivideInts>},
    {"mod", "ii", Type::kInt64, Ints<Modulo>},
    {"negative", "i", Type::kInt64, NegativeInt},
    {"negative", "f", Type::kFloat64, Double<kNegative>},
    {"abs", "i", Type::kInt64, AbsInt},
    {"abs", "f", Type::kFloat64, Double<kAbs>},
    {"floor", "f", Type::kFloat64, Double<kFloor>},
    {"ceil", "f", Type::kFloat64, Double<kCeil>},
    {"round", "f", Type::kFloat64, Double<kRound>},
    {"sqrt", "f", Type::kFloat64, Double<kSqrt>},
    {"least", "i+", Type::kInt64, ExtremeOf<Int, false, Type::kInt64>},
    {"least", "f+", Type::kFloat64, ExtremeOf<double, false, Type::kFloat64>},
    {"least", "s+", Type::kString, ExtremeOf<std::string_view, false, Type::kString>},
    {"least", "t+", Type::kTimestamp, ExtremeOf<Int, false, Type::kTimestamp>},
    {"greatest", "i+", Type::kInt64, ExtremeOf<Int, true, Type::kInt64>},
    {"greatest", "f+", Type::kFloat64, ExtremeOf<double, true, Type::kFloat64>},
    {"greatest", "s+", Type::kString, ExtremeOf<std::string_view, true, Type::kString>},
    {"greatest", "t+", Type::kTimestamp, ExtremeOf<Int, true, Type::kTimestamp>},
};

}  // namespace

std::span<const Signature> NumberFunctions() { return kSignatures; }

}  // namespace sw::feature
