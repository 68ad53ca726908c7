// What XGBoost's objectives do to an intercept and to margins. Internal to formats/xgboost.cc.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "model/forest.h"

namespace sw::model::xgboost {

// UNIMPLEMENTED names an objective that XGBoost 3.4 does not have.
Result<Link> LinkOf(std::string_view objective);

// The file keeps intercepts as predictions; scoring starts from margins. INVALID_ARGUMENT for one
// that has none. The same bits as XGBoost with glibc's logf.
Result<float> MarginOf(std::string_view objective, float intercept);

// glibc's logf (2.28 and later): within 0.82 ulp, not correctly rounded. For values above 0.
float GlibcLog(float x);

}  // namespace sw::model::xgboost
