// LeafOrder: a tree's leaves from left to right, and which of them lie below each left child.
// LeafValues: the values of all trees' leaves in that order, which slices and treelets share. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/engines/ranks.h"
#include "model/forest.h"

namespace sw::model {

struct LeafOrder {
  struct Span {
    std::uint32_t first = 0, count = 0;  // in-order numbers
  };
  std::vector<std::int32_t> leaf_at;  // in-order number -> leaf of the Tree
  std::vector<Span> left;             // one a node
};

// Of a tree of any depth; without nodes it is its one leaf.
LeafOrder OrderLeaves(std::span<const RankNode> nodes);

template <typename Real>
struct LeafValues {
  std::vector<Real> values;          // leaf_width a leaf; then kLeafPadding that kernels may read
  std::vector<std::uint32_t> first;  // a tree's first leaf
};
inline constexpr std::size_t kLeafPadding = 64;

template <typename Real>
LeafValues<Real> OrderLeafValues(const Forest& forest, const RankedForest& ranked);

}  // namespace sw::model
