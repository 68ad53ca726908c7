// libsvm bodies: "LABEL 0:0.5 3:-1", a row a line, as SageMaker's XGBoost reads them: a column is named by
// its place from 0, what is not named is missing, a label is passed over. Inside this room only. Hostile
// input. Pure.
#pragma once

#include <string_view>

#include "base/result.h"
#include "data/batch.h"

namespace sw::sagemaker {

// A line of blanks is none. INVALID_ARGUMENT names the line.
Result<data::Batch> RowsFromLibsvm(const data::Schema& request, std::string_view text);

}  // namespace sw::sagemaker
