// Finds an engine's inputs in a batch and lays a row out for it. Internal to the engines.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/batch.h"

namespace sw::model {

// The batch's columns in the order of `names`. NOT_FOUND names an absent one with its near misses,
// INVALID_ARGUMENT one that holds text.
Result<std::vector<const data::Column*>> FindInputs(const data::Batch& rows, const std::vector<std::string>& names);

// What a model's columns are called, in its order: as the caller says, or by its own names where he says
// nothing or the same names in another order. INVALID_ARGUMENT when there are not as many, or two alike.
Result<std::vector<std::string>> ChooseNames(std::vector<std::string> own, std::vector<std::string> given);

// Columns as plain doubles, NaN where they are null; float64 columns are borrowed.
class DoubleColumns {
 public:
  explicit DoubleColumns(const std::vector<const data::Column*>& columns);
  std::span<const double* const> columns() const { return pointers_; }

 private:
  std::vector<std::vector<double>> converted_;
  std::vector<const double*> pointers_;
};

}  // namespace sw::model
