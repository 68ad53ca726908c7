#include "feature/conform.h"

#include <cmath>

#include "base/errors.h"

namespace sw::feature {
namespace {

constexpr double kInt64End = 9223372036854775808.0;

bool FitsInt64(double value) { return value >= -kInt64End && value < kInt64End && std::trunc(value) == value; }

Result<data::Column> WholeNumbers(const data::Column& column) {
  data::Column whole(data::Type::kInt64);
  whole.Reserve(column.size());
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (column.IsNull(row)) {
      whole.AppendNull();
    } else if (FitsInt64(column.Double(row))) {
      whole.AppendInt(static_cast<std::int64_t>(column.Double(row)));
    } else {
      return InvalidArgument("expected int64, found {} in row {}", column.ToText(row), row);
    }
  }
  return whole;
}

data::Column Widened(const data::Column& column, data::Type type) {
  data::Column wide(type);
  wide.Reserve(column.size());
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (column.IsNull(row)) {
      wide.AppendNull();
    } else if (type == data::Type::kFloat64) {
      wide.AppendDouble(static_cast<double>(column.Int(row)));
    } else {
      wide.AppendInt(column.Int(row));
    }
  }
  return wide;
}

}  // namespace

Result<data::Column> ConformColumn(const data::Column& column, data::Type type) {
  using data::Type;
  const Type from = column.type();
  if (from == type) return column;
  if (column.null_count() == column.size()) {
    data::Column nulls(type);
    for (std::size_t row = 0; row < column.size(); ++row) nulls.AppendNull();
    return nulls;
  }
  const bool is_count = from == Type::kInt64 || from == Type::kBool;
  if (type == Type::kFloat64 && is_count) return Widened(column, type);
  if (type == Type::kInt64 && from == Type::kBool) return Widened(column, type);
  if (type == Type::kInt64 && from == Type::kFloat64) return WholeNumbers(column);
  return InvalidArgument("expected {}, found {}", data::TypeName(type), data::TypeName(from));
}

Result<data::Batch> ConformTable(const data::Batch& table, const std::vector<data::Field>& fields,
                                 std::string_view table_name) {
  data::Batch conformed;
  for (const data::Field& field : fields) {
    auto column = ConformColumn(*SW_TRY(table.Get(field.name, table_name)), field.type);
    if (!column) return std::unexpected(std::move(column).error().Within(fmt::format("column \"{}\" of {}", field.name, table_name)));
    conformed.AddColumn({field.name, field.type}, *std::move(column));
  }
  return conformed;
}

Result<data::Batch> ConformToKnown(data::Batch table, const data::Schema& known) {
  data::Batch conformed;
  for (std::size_t i = 0; i < table.num_columns(); ++i) {
    data::Field field = table.schema().fields[i];
    if (const auto index = known.Find(field.name)) field.type = known.fields[*index].type;
    if (table.column(i).type() == field.type) {
      conformed.AddColumn(std::move(field), std::move(table.column(i)));
      continue;
    }
    auto column = ConformColumn(table.column(i), field.type);
    if (!column) return std::unexpected(std::move(column).error().Within(fmt::format("column \"{}\"", field.name)));
    conformed.AddColumn(std::move(field), *std::move(column));
  }
  return conformed;
}

}  // namespace sw::feature
