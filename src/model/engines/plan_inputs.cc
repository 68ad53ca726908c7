#include "model/engines/plan_inputs.h"

#include "base/errors.h"

namespace sw::model {

Result<std::vector<const data::Column*>> FindPlanInputs(const data::Batch& rows, const std::vector<PlanInput>& inputs) {
  std::vector<const data::Column*> columns;
  columns.reserve(inputs.size());
  for (const PlanInput& input : inputs) {
    const data::Column* column = SW_TRY(rows.Get(input.name, "the model's input"));
    const bool is_text = column->type() == data::Type::kString, wants_text = input.type == data::Type::kString;
    if (is_text != wants_text && column->null_count() != column->size()) {
      return InvalidArgument("the model's input {} must be {}, found {}", input.name, wants_text ? "text" : "a number",
                             data::TypeName(column->type()));
    }
    columns.push_back(column);
  }
  return columns;
}

InputBlocks::InputBlocks(const std::vector<PlanInput>& inputs, std::span<const data::Column* const> columns)
    : columns_(columns.begin(), columns.end()), blocks_(inputs.size()) {
  for (const PlanInput& input : inputs) is_text_.push_back(input.type == data::Type::kString);
}

std::span<const Block> InputBlocks::Fill(std::size_t from, std::size_t rows) {
  numbers_.resize(columns_.size() * rows);
  texts_.resize(columns_.size() * rows);
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    const data::Column& column = *columns_[c];
    blocks_[c].width = 1;
    if (!is_text_[c] && column.type() == data::Type::kFloat64) {
      blocks_[c].numbers = column.doubles().data() + from;
      continue;
    }
    for (std::size_t r = 0; r < rows; ++r) {
      if (!is_text_[c]) numbers_[c * rows + r] = column.AsDouble(from + r);
      else texts_[c * rows + r] = column.IsNull(from + r) ? std::string_view() : column.String(from + r);
    }
    blocks_[c].numbers = numbers_.data() + c * rows;
    blocks_[c].texts = texts_.data() + c * rows;
  }
  return blocks_;
}

}  // namespace sw::model
