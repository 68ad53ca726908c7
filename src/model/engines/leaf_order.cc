#include "model/engines/leaf_order.h"

namespace sw::model {

LeafOrder OrderLeaves(std::span<const RankNode> nodes) {
  LeafOrder order{.leaf_at = {}, .left = std::vector<LeafOrder::Span>(nodes.size())};
  if (nodes.empty()) {
    order.leaf_at = {0};
    return order;
  }
  // Depth first, left before right, on a stack of our own: trees may be deep.
  struct Visit { std::int32_t at; bool is_return; };
  std::vector<Visit> stack = {{0, false}};
  while (!stack.empty()) {
    const Visit visit = stack.back();
    stack.pop_back();
    if (visit.at < 0) {
      order.leaf_at.push_back(~visit.at);
      continue;
    }
    const auto at = static_cast<std::size_t>(visit.at);
    const auto count = static_cast<std::uint32_t>(order.leaf_at.size());
    if (visit.is_return) {
      order.left[at].count = count - order.left[at].first;
      stack.push_back({nodes[at].right, false});
      continue;
    }
    order.left[at].first = count;
    stack.push_back({visit.at, true});
    stack.push_back({nodes[at].left, false});
  }
  return order;
}

template <typename Real>
LeafValues<Real> OrderLeafValues(const Forest& forest, const RankedForest& ranked) {
  LeafValues<Real> made;
  std::size_t count = 0;
  for (const Tree& tree : forest.trees) count += tree.leaves.size();
  made.values.reserve(count + kLeafPadding);
  made.first.reserve(forest.trees.size());
  for (std::size_t t = 0; t < forest.trees.size(); ++t) {
    made.first.push_back(static_cast<std::uint32_t>(made.values.size() / forest.leaf_width));
    for (const std::int32_t leaf : OrderLeaves(ranked.trees[t].nodes).leaf_at) {
      const double* own = forest.trees[t].leaves.data() + static_cast<std::size_t>(leaf) * forest.leaf_width;
      for (std::size_t i = 0; i < forest.leaf_width; ++i) made.values.push_back(static_cast<Real>(own[i]));
    }
  }
  made.values.resize(made.values.size() + kLeafPadding);
  return made;
}

template LeafValues<float> OrderLeafValues<float>(const Forest&, const RankedForest&);
template LeafValues<double> OrderLeafValues<double>(const Forest&, const RankedForest&);

}  // namespace sw::model
