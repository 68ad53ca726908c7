// A batch's columns as blocks of a plan's inputs. Internal to the pipeline engine.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "data/batch.h"
#include "model/engines/plan_kernel.h"

namespace sw::model {

// The batch's columns in the plan's order. NOT_FOUND names an absent one, INVALID_ARGUMENT one that is
// text where the plan reads numbers, or the reverse (a column of nulls is either).
Result<std::vector<const data::Column*>> FindPlanInputs(const data::Batch& rows, const std::vector<PlanInput>& inputs);

// Blocks of the batch's rows [from, from + rows), one an input; `columns` are in the plan's order.
// Numbers that are doubles already are borrowed.
class InputBlocks {
 public:
  InputBlocks(const std::vector<PlanInput>& inputs, std::span<const data::Column* const> columns);
  std::span<const Block> Fill(std::size_t from, std::size_t rows);

 private:
  std::vector<bool> is_text_;
  std::vector<const data::Column*> columns_;
  std::vector<double> numbers_;
  std::vector<std::string_view> texts_;
  std::vector<Block> blocks_;
};

}  // namespace sw::model
