// XGBoost's models (JSON and UBJSON, 1.0 to 3.4) into a Forest, or for gblinear into a
// FloatLinearModel. Hostile input: every length, index and number is checked.
//
// Read are the boosters gbtree, dart and gblinear, categories with their stored dictionaries,
// several classes, vector leaves and every objective of 3.4. When early stopping left a
// best_iteration, the trees after it are not used: as the predict of XGBClassifier and XGBRegressor
// does, and unlike Booster.predict, which uses all unless it is told otherwise. Intercepts are
// read as XGBoost 3.4 reads them.
#pragma once

#include <string_view>
#include <variant>

#include "model/engine.h"

namespace sw::model {

using XgboostModel = std::variant<Forest, FloatLinearModel>;

Result<XgboostModel> ParseXgboost(std::string_view bytes);

}  // namespace sw::model
