// One tree of an XGBoost model. Internal to formats/xgboost.cc.
#pragma once

#include "model/forest.h"
#include "model/formats/document.h"

namespace sw::model::xgboost {

// How many words of category sets a model may still use; one category near 2^24 needs half a million.
struct Budget {
  std::size_t set_words = 1u << 24;
};

// `width` values a leaf, each times `weight` in float. Messages begin with what is wrong in the tree.
Result<Tree> ReadTree(const Document& tree, std::uint32_t width, float weight, Budget& budget);

}  // namespace sw::model::xgboost
