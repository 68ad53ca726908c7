#include "model/engines/treelets.h"

#include <algorithm>
#include <limits>

namespace sw::model {
namespace {

constexpr std::uint8_t kNeverRight = std::numeric_limits<std::uint8_t>::max();

// The treelet below `top`, a node or ~leaf, the leaf's number from left to right. What it leads to is
// appended to `tops`, whose first is the root: exits count from the one after it.
template <std::size_t kPlaces>
TreeletOf<kPlaces> MakeTreelet(const std::vector<RankNode>& nodes, std::int32_t top, std::vector<std::int32_t>& tops) {
  TreeletOf<kPlaces> made{};
  std::int32_t at[2 * kPlaces] = {0, top};
  for (std::size_t place = 1; place < kPlaces; ++place) {
    const bool is_leaf = at[place] < 0;  // both ways lead to it
    const RankNode* node = is_leaf ? nullptr : &nodes[static_cast<std::size_t>(at[place])];
    made.columns[place] = is_leaf ? std::uint8_t{0} : static_cast<std::uint8_t>(node->column);
    made.cuts[place] = is_leaf ? kNeverRight : static_cast<std::uint8_t>(node->cut);
    at[2 * place] = is_leaf ? at[place] : node->left;
    at[2 * place + 1] = is_leaf ? at[place] : node->right;
  }
  for (std::size_t exit = 0; exit < kPlaces; ++exit) {
    const std::int32_t below = at[kPlaces + exit];
    if (below < 0) {
      made.exits[exit] = static_cast<std::uint16_t>(kTreeletLeaf | static_cast<std::uint32_t>(~below));
      continue;
    }
    made.exits[exit] = static_cast<std::uint16_t>(tops.size() - 1);
    tops.push_back(below);
  }
  return made;
}

// Leaves named by their numbers from left to right.
std::vector<RankNode> WithLeavesInOrder(std::vector<RankNode> nodes) {
  const LeafOrder order = OrderLeaves(nodes);
  std::vector<std::int32_t> number_of(order.leaf_at.size());
  for (std::size_t number = 0; number < number_of.size(); ++number) {
    number_of[static_cast<std::size_t>(order.leaf_at[number])] = static_cast<std::int32_t>(number);
  }
  for (RankNode& node : nodes) {
    for (std::int32_t* child : {&node.left, &node.right}) {
      if (*child < 0) *child = ~number_of[static_cast<std::size_t>(~*child)];
    }
  }
  return nodes;
}

}  // namespace

template <typename Real>
bool Treelets<Real>::Fits(const Forest& forest, const RankedForest& ranked, const Cpu& cpu) {
  const bool small_trees = std::all_of(forest.trees.begin(), forest.trees.end(), [](const Tree& tree) {
    return tree.nodes.size() < kTreeletLeaf && tree.linear.empty();
  });
  return cpu.avx512 && small_trees && ranked.sets.empty() && ranked.rank_max <= 255 &&
         ranked.columns.size() <= kTreeletRowBytes;
}

template <typename Real>
Treelets<Real>::Treelets(const Forest& forest, const RankedForest& ranked, const LeafValues<Real>& leaves)
    : leaves_(leaves), leaf_width_(forest.leaf_width), one_sum_(forest.outputs == 1) {
  roots_.reserve(forest.trees.size());
  first_.reserve(forest.trees.size());
  outputs_.reserve(forest.trees.size());
  for (std::size_t t = 0; t < forest.trees.size(); ++t) {
    outputs_.push_back(forest.trees[t].output);
    AddTree(WithLeavesInOrder(ranked.trees[t].nodes));
  }
  rest_.shrink_to_fit();
}

// Treelets are numbered in the order in which they are found: near the root, near each other.
template <typename Real>
void Treelets<Real>::AddTree(const std::vector<RankNode>& nodes) {
  first_.push_back(static_cast<std::uint32_t>(rest_.size()));
  std::vector<std::int32_t> tops = {nodes.empty() ? ~0 : 0};
  roots_.push_back(MakeTreelet<64>(nodes, tops[0], tops));
  for (std::size_t next = 1; next < tops.size(); ++next) rest_.push_back(MakeTreelet<16>(nodes, tops[next], tops));
}

template <typename Real>
void Treelets<Real>::SumRow(const std::uint8_t* ranks, Real* sums) const {
#if defined(__x86_64__)
  std::uint16_t leaves[kTreeletsTogether];
  for (std::size_t from = 0; from < roots_.size(); from += kTreeletsTogether) {
    const std::size_t count = std::min(kTreeletsTogether, roots_.size() - from);
    TreeletLeavesOfTreesAvx512(roots_.data() + from, rest_.data(), first_.data() + from, count, ranks, leaves);
    if (one_sum_) {  // in a register: one addition waits for the other, not for memory
      Real sum = sums[0];
      for (std::size_t t = 0; t < count; ++t) sum += *Leaf(from + t, leaves[t]);
      sums[0] = sum;
      continue;
    }
    for (std::size_t t = 0; t < count; ++t) {
      const Real* leaf = Leaf(from + t, leaves[t]);
      for (std::size_t i = 0; i < leaf_width_; ++i) sums[outputs_[from + t] + i] += leaf[i];
    }
  }
#else
  static_cast<void>(ranks), static_cast<void>(sums);  // Fits() is false here
#endif
}

template <typename Real>
void Treelets<Real>::SumRows(const std::uint8_t* ranks, std::size_t rows, std::size_t outputs, Real* sums) const {
#if defined(__x86_64__)
  std::uint16_t leaves[kTreeletsTogether];
  for (std::size_t t = 0; t < roots_.size(); ++t) {
    for (std::size_t from = 0; from < rows; from += kTreeletsTogether) {
      const std::size_t count = std::min(kTreeletsTogether, rows - from);
      TreeletLeavesOfRowsAvx512(roots_[t], rest_.data() + first_[t], count, ranks + from * kTreeletRowBytes, leaves);
      for (std::size_t r = 0; r < count; ++r) {
        const Real* leaf = Leaf(t, leaves[r]);
        for (std::size_t i = 0; i < leaf_width_; ++i) sums[(from + r) * outputs + outputs_[t] + i] += leaf[i];
      }
    }
  }
#else
  static_cast<void>(ranks), static_cast<void>(rows), static_cast<void>(outputs), static_cast<void>(sums);
#endif
}

template class Treelets<float>;
template class Treelets<double>;

}  // namespace sw::model
