// SliceProgram: a forest laid out for the bit-sliced kernels of slice.h. Immutable.
#pragma once

#include <cstdint>
#include <vector>

#include "model/engines/leaf_order.h"
#include "model/engines/ranks.h"
#include "model/engines/slice.h"
#include "model/forest.h"

namespace sw::model {

template <typename Real>
struct SliceProgram {
  std::vector<SliceOp> ops;
  std::vector<std::uint32_t> op_sets;  // empty without sets
  std::vector<std::uint64_t> sets;
  std::vector<SliceTree> trees;
  std::size_t leaf_width = 1;

  SliceView<Real> View(const LeafValues<Real>& leaves) const {
    return {.ops = ops.data(), .op_sets = op_sets.data(), .sets = sets.data(), .trees = trees.data(),
            .tree_count = trees.size(), .leaves = leaves.values.data(), .leaf_width = leaf_width};
  }
};

// Whether every tree has few enough leaves, and every rank fits a byte.
bool CanSlice(const Forest& forest, const RankedForest& ranked);

// Requires CanSlice().
template <typename Real>
SliceProgram<Real> BuildSlice(const Forest& forest, const RankedForest& ranked);

}  // namespace sw::model
