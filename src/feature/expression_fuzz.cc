// Any text either is refused or is an expression that evaluates, over one row as over many, to the
// same values or to an error.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "feature/expression.h"

namespace {

using sw::data::Type;

sw::data::Batch Rows() {
  sw::data::Batch rows(sw::data::Schema{{{"b", Type::kBool},
                                         {"i", Type::kInt64},
                                         {"f", Type::kFloat64},
                                         {"s", Type::kString},
                                         {"t", Type::kTimestamp}}});
  const auto add = [&](bool b, std::int64_t i, double f, std::string_view s, std::int64_t t) {
    rows.column(0).AppendBool(b);
    rows.column(1).AppendInt(i);
    rows.column(2).AppendDouble(f);
    rows.column(3).AppendString(s);
    rows.column(4).AppendInt(t);
  };
  add(true, 7, 0.5, "America/New_York", 1'362'900'600'000'000);
  for (std::size_t column = 0; column < rows.num_columns(); ++column)
    rows.column(column).AppendNull();
  add(false, INT64_MIN, -1e308, "\xff\xc3", INT64_MIN);
  add(true, INT64_MAX, 1e308, "", INT64_MAX);
  return rows;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const sw::data::Batch rows = Rows();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto expression = sw::feature::Expression::Compile(text, rows.schema());
  if (!expression) return 0;
  SW_CHECK(sw::feature::ParseColumns(text).value() == expression->columns(),
           "two lists of columns");
  const auto whole = expression->Evaluate(rows);
  for (std::size_t row = 0; row < rows.num_rows(); ++row) {
    const auto single = expression->Evaluate(rows.Slice(row, 1));
    SW_CHECK(!whole || single.has_value(), "fails alone, but not among others");
    if (!whole || !single) continue;
    sw::data::Column one(expression->type());
    one.AppendFrom(*whole, row);
    SW_CHECK(one == *single, "a row alone has another value than among others");
  }
  return 0;
}
