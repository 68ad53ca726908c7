// The dictionaries that XGBoost 3.1 and later keep of text and number categories. Internal to
// formats/xgboost.cc.
#pragma once

#include "model/forest.h"
#include "model/formats/document.h"

namespace sw::model::xgboost {

// Fills forest.dictionaries from the booster's "cats", where there is one. With is_ascii_only, labels
// outside of ASCII are refused.
Status ReadCategories(const Document& booster, bool is_ascii_only, Forest& forest);

}  // namespace sw::model::xgboost
