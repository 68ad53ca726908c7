// CatBoost's JSON models into a Forest, or with categories into a DerivedForest. Hostile input:
// every length, index and number is checked.
//
// Read are oblivious and other trees, float features with every treatment of NaN, one-hot features,
// target statistics (CTRs) of categories and of combinations, several outputs, every loss whose
// prediction is the raw value, a sigmoid, a softmax or an exponent. Refused by name: text and
// embedding features, RMSEWithUncertainty, losses that CatBoost 1.2 does not have.
#pragma once

#include <string_view>
#include <variant>

#include "base/result.h"
#include "model/derived.h"
#include "model/forest.h"

namespace sw::model {

using CatboostModel = std::variant<Forest, DerivedForest>;

Result<CatboostModel> ParseCatboost(std::string_view text);

}  // namespace sw::model
