// The labels of a pandas model's categories. Internal to formats/lightgbm.cc.
//
// LightGBM's Python package appends them as the text's last line, one list for each column of type
// "category", and does not say which columns those are. They are the categorical features, which
// the header and the parameters name, unless an ordered category counts as a number or a plain
// integer as a category: then the lists cannot be told apart, and the model is refused.
#pragma once

#include "model/forest.h"
#include "model/formats/lightgbm_text.h"

namespace sw::model::lightgbm {

// `trailer` is the text behind "end of trees". Fills forest.dictionaries where there are labels.
Status ReadCategories(const Fields& header, std::string_view trailer, Forest& forest);

}  // namespace sw::model::lightgbm
