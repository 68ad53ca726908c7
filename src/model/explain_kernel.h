// The inner loop of explain.h: one tree, a group of rows side by side. Internal to it.
//
// Plain data, so that kernels for several CPUs can share it; their results have the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/forest.h"

namespace sw::model {

inline constexpr std::size_t kExplainLanes = 8;  // rows a group

// A step from a node to a child.
struct ExplainEdge {
  double share = 0;         // training weight of the child by that of its parent
  double older_share = 1;   // product of the shares of the edges above on the same feature
  std::int32_t node = 0;    // the parent
  std::int32_t leaf = -1;   // the child's number when it is a leaf
  std::int32_t older = -1;  // depth of the nearest edge above on the same feature, -1: none
  std::uint32_t depth = 0;  // of the parent
  std::uint32_t player = 0;
  std::uint32_t closes = 0;  // a leaf: how many edges of the path, from the deepest, end with it
  bool is_right = false;
};

// What an edge multiplies by, `points` values each, one after the other: the product over the path,
// when the row fails this edge (and passed the older one) and when it passes; then the subtree's sum
// to give the contribution, in the same two cases. A row that failed the older edge multiplies by
// edge.share, and contributes nothing more.
inline constexpr std::size_t kExplainCoefficients = 4;

struct ExplainTree {
  const Forest* forest = nullptr;
  const Tree* tree = nullptr;
  const ExplainEdge* edges = nullptr;  // in pre-order, left before right
  std::size_t edge_count = 0;
  const double* coefficients = nullptr;
  const double* weights = nullptr;  // of the quadrature
  std::size_t points = 0;
};

struct ExplainGroup {
  const double* cells = nullptr;  // cells[feature * stride + lane], as the forest's tests see them
  std::size_t stride = 0;
  double* players = nullptr;  // players[player * kExplainLanes + lane]: what is added to
  // Work space, times kExplainLanes: (depth + 1) * points, depth * points, depth, depth; open: depth.
  double* products = nullptr;
  double* sums = nullptr;
  std::int64_t* passes = nullptr;     // all ones: the row passes this edge and those above on its feature
  std::int64_t* goes_left = nullptr;
  std::uint32_t* open = nullptr;      // the path's edges
};

// Adds each player's contribution to the leaf values number `place`.
using ExplainKernel = void (*)(const ExplainTree& tree, const ExplainGroup& group, std::size_t place);

void ExplainBaseline(const ExplainTree& tree, const ExplainGroup& group, std::size_t place);
void ExplainAvx2(const ExplainTree& tree, const ExplainGroup& group, std::size_t place);
void ExplainAvx512(const ExplainTree& tree, const ExplainGroup& group, std::size_t place);

}  // namespace sw::model
