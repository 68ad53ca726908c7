// LeafOrder: a tree's leaves from left to right, and which of them lie below each left child. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/engines/ranks.h"

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

}  // namespace sw::model
