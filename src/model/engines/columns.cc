#include "model/engines/columns.h"

#include <set>
#include <string_view>
#include <utility>

#include "base/errors.h"

namespace sw::model {

Result<std::vector<const data::Column*>> FindInputs(const data::Batch& rows, const std::vector<std::string>& names) {
  std::vector<const data::Column*> columns;
  columns.reserve(names.size());
  const std::vector<data::Field>& fields = rows.schema().fields;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string& name = names[i];
    // Most rows have the columns in the model's own order.
    const bool is_here = i < fields.size() && fields[i].name == name;
    const data::Column* column = is_here ? &rows.column(i) : SW_TRY(rows.Get(name, "the model's input"));
    // A column that was empty in a text file has no type of its own.
    if (column->type() == data::Type::kString && column->null_count() < column->size()) {
      return InvalidArgument("the model's input {} must be a number, found string; encode it as in training", name);
    }
    columns.push_back(column);
  }
  return columns;
}

Result<std::vector<std::string>> ChooseNames(std::vector<std::string> own, std::vector<std::string> given) {
  if (given.empty()) return own;
  if (given.size() != own.size()) {
    return InvalidArgument("the model reads {} columns, {} names are given", own.size(), given.size());
  }
  const std::set<std::string_view> names(given.begin(), given.end());
  if (names.size() != given.size()) return InvalidArgument("two of the names given for the model's columns are the same");
  const std::set<std::string_view> own_names(own.begin(), own.end());
  return names == own_names ? std::move(own) : std::move(given);
}

DoubleColumns::DoubleColumns(const std::vector<const data::Column*>& columns) {
  converted_.reserve(columns.size());  // pointers into it stay
  pointers_.reserve(columns.size());
  for (const data::Column* column : columns) {
    if (column->type() == data::Type::kFloat64) {  // the slot of a null holds NaN
      pointers_.push_back(column->doubles().data());
      continue;
    }
    std::vector<double>& values = converted_.emplace_back(column->size());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = column->AsDouble(i);
    pointers_.push_back(values.data());
  }
}

}  // namespace sw::model
