// LightGBM's text model (v3, v4) into a Forest. Hostile input: every length, index and number is
// checked; memory is bounded by the size of the text.
//
// Read: numeric and categorical splits, all missing types, binary, regression, Poisson, gamma and
// Tweedie objectives, random forest. Refused by name (UNIMPLEMENTED): linear trees, several trees
// an iteration (multi-class), other objectives.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/forest.h"

namespace sw::model {

Result<Forest> ParseLightGbm(std::string_view text);

}  // namespace sw::model
