#include "model/engines/columns.h"

#include "base/errors.h"

namespace sw::model {

Result<std::vector<const data::Column*>> FindInputs(const data::Batch& rows, const std::vector<std::string>& names) {
  std::vector<const data::Column*> columns;
  columns.reserve(names.size());
  for (const std::string& name : names) {
    const data::Column* column = SW_TRY(rows.Get(name, "the model's input"));
    if (column->type() == data::Type::kString) {
      return InvalidArgument("the model's input {} must be a number, found string; encode it as in training", name);
    }
    columns.push_back(column);
  }
  return columns;
}

}  // namespace sw::model
