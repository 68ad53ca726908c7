// The dictionaries that XGBoost 3.1 and later keep of text and number categories. Internal to
// formats/xgboost.cc.
#pragma once

#include "model/forest.h"
#include "model/formats/document.h"

namespace sw::model::xgboost {

// Fills forest.dictionaries from the booster's "cats", where there is one.
Status ReadCategories(const Document& booster, Forest& forest);

}  // namespace sw::model::xgboost
