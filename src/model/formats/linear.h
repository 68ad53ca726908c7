// Our own JSON form of linear, logistic and constant models. Hostile input: all of it is checked.
//
//   {"kind": "linear", "transform": "sigmoid", "intercept": -0.5,
//    "terms": [{"column": "hour", "mean": 12, "scale": 6, "weight": 0.25}]}
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/engine.h"

namespace sw::model {

Result<LinearModel> ParseLinear(std::string_view text);
std::string PrintLinear(const LinearModel& model);

}  // namespace sw::model
