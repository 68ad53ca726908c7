// LightGBM's text model (v3, v4) into a Forest. Hostile input: every length, index and number is
// checked; memory is bounded by the size of the text.
//
// Read is all that save_model writes: every booster (DART, random forest, linear trees), every
// objective, several classes, the labels of pandas categories. save_model has already cut the trees
// after the best iteration, unless it was told otherwise; all that the file has are used. Refused by
// name: other versions, objectives that LightGBM does not have, labels that cannot be matched.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/forest.h"

namespace sw::model {

Result<Forest> ParseLightGbm(std::string_view text);

}  // namespace sw::model
