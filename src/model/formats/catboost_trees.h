// Trees of a CatBoost model. Internal to formats/catboost.cc.
#pragma once

#include <span>

#include "model/forest.h"
#include "model/formats/catboost_features.h"
#include "model/formats/document.h"

namespace sw::model::catboost {

// An element of "oblivious_trees": every level tests the same, bit i of a leaf's number is split i.
// It is laid out with the last split at the root, so that leaves keep their order.
Result<Tree> ReadObliviousTree(const Document& tree, std::span<const Split> splits, std::uint32_t outputs);

// An element of "trees" (grow_policy Depthwise and Lossguide): nodes within nodes.
Result<Tree> ReadNestedTree(const Document& tree, std::span<const Split> splits, std::uint32_t outputs);

// Leaf values of the first tree say how many outputs there are.
Result<std::uint32_t> CountOutputs(const Document& first_tree, bool is_oblivious);

}  // namespace sw::model::catboost
