// Loops over the rows of a call, for the tables of functions: nulls, types and failures handled once.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "feature/expression.h"
#include "feature/expression_functions.h"

namespace sw::feature {

struct Failure {
  std::string message;
};
// What a function of one row answers when it may fail.
template <typename T>
using Checked = std::expected<T, Failure>;

template <typename T>
T Read(const data::Column& column, std::size_t row) {
  if constexpr (std::is_same_v<T, double>) {
    return column.Double(row);
  } else if constexpr (std::is_same_v<T, std::string_view>) {
    return column.String(row);
  } else {
    return static_cast<T>(column.Int(row));
  }
}

// One argument, with the constant's row resolved once.
template <typename T>
struct Reader {
  const data::Column& column;
  std::size_t stride;
  explicit Reader(const Value& value)
      : column(value.column()), stride(value.is_constant() ? 0 : 1) {}
  bool IsNull(std::size_t row) const { return column.IsNull(row * stride); }
  T operator[](std::size_t row) const { return Read<T>(column, row * stride); }
};

// Appends what a function answered: a value, or an optional whose absence is null, or a failure.
class Output {
 public:
  Output(data::Type type, std::size_t rows) : column_(type) { column_.Reserve(rows); }

  void Append(bool value) { column_.AppendBool(value); }
  void Append(std::int64_t value) { column_.AppendInt(value); }
  void Append(double value) { column_.AppendDouble(value); }
  void Append(std::string_view value) {
    bytes_ += value.size();
    if (value.size() > kExpressionValueBytesMax)
      Fail("a text is longer than the limit of one value");
    if (bytes_ > kExpressionColumnBytesMax)
      Fail("the column's texts are longer than the limit of one column");
    if (!failure_) column_.AppendString(value);
  }
  void Append(const std::string& value) { Append(std::string_view(value)); }
  template <typename T>
  void Append(const std::optional<T>& value) {
    if (value) return Append(*value);
    column_.AppendNull();
  }
  template <typename T>
  void Append(Checked<T>&& value) {
    if (value) return Append(*value);
    Fail(std::move(value.error().message));
  }
  void AppendNull() { column_.AppendNull(); }

  void Fail(std::string message) {
    if (!failure_) failure_ = RowError{column_.size(), std::move(message)};
  }
  bool has_failed() const { return failure_.has_value(); }
  CallResult Finish() && {
    if (failure_) return std::unexpected(*std::move(failure_));
    return std::move(column_);
  }

 private:
  data::Column column_;
  std::size_t bytes_ = 0;
  std::optional<RowError> failure_;
};

// Calls f(In...) on every row without a null; a null argument gives null.
template <typename... In, typename F>
CallResult EachRow(const CallInput& input, data::Type type, F&& f) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    const std::tuple<Reader<In>...> readers(Reader<In>(input.arguments[I])...);
    Output output(type, input.rows);
    for (std::size_t row = 0; row < input.rows && !output.has_failed(); ++row) {
      if ((std::get<I>(readers).IsNull(row) || ...)) {
        output.AppendNull();
      } else {
        output.Append(f(std::get<I>(readers)[row]...));
      }
    }
    return std::move(output).Finish();
  }(std::index_sequence_for<In...>{});
}

}  // namespace sw::feature
