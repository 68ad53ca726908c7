#include "model/engines/walk.h"

#include <algorithm>
#include <limits>

namespace sw::model {
namespace {

constexpr std::uint32_t kStepsBetweenChecks = 2;
constexpr std::size_t kTrees = 4;

template <typename Rank>
constexpr Rank kSetFlag = static_cast<Rank>(Rank{1} << (std::numeric_limits<Rank>::digits - 1));

}  // namespace

template <typename Real, typename Rank>
bool Walk<Real, Rank>::Fits(const Forest& forest, const RankedForest& ranked) {
  constexpr std::size_t kRankMax = std::numeric_limits<Rank>::max();
  constexpr std::size_t kChildMax = std::numeric_limits<typename WalkNode<Rank>::Child>::max();
  const bool small_trees = std::all_of(forest.trees.begin(), forest.trees.end(),
                                       [](const Tree& tree) { return 2 * tree.nodes.size() < kChildMax; });
  return small_trees && ranked.rank_max <= kRankMax && ranked.columns.size() < kSetFlag<Rank> &&
         ranked.sets.size() <= kRankMax;
}

template <typename Real, typename Rank>
Walk<Real, Rank>::Walk(const Forest& forest, const RankedForest& ranked)
    : sets_(ranked.sets), columns_(ranked.columns.size()), leaf_width_(forest.leaf_width) {
  std::size_t nodes = 0;
  for (const Tree& tree : forest.trees) nodes += 2 * tree.nodes.size() + 1;
  nodes_.reserve(nodes);
  leaf_of_.reserve(nodes);
  for (std::size_t t = 0; t < forest.trees.size(); ++t) AddTree(forest.trees[t], ranked.trees[t]);
}

template <typename Real, typename Rank>
void Walk<Real, Rank>::AddTree(const Tree& tree, const RankTree& ranks) {
  using Child = typename WalkNode<Rank>::Child;
  struct Pending { std::int32_t from; std::uint32_t at, depth; };
  const auto first = static_cast<std::uint32_t>(nodes_.size());
  const auto first_leaf = static_cast<std::uint32_t>(leaves_.size());
  WalkTree made{.first = first, .depth = 0, .output = tree.output, .has_sets = false};
  for (const double value : tree.leaves) leaves_.push_back(static_cast<Real>(value));
  nodes_.push_back({});
  leaf_of_.push_back(0);
  std::vector<Pending> queue = {{tree.nodes.empty() ? ~0 : 0, first, 0}};
  for (std::size_t next = 0; next < queue.size(); ++next) {
    const auto [from, at, depth] = queue[next];
    if (from < 0) {
      nodes_[at] = {.column = 0, .cut = std::numeric_limits<Rank>::max(), .child = static_cast<Child>(at - first)};
      leaf_of_[at] = first_leaf + static_cast<std::uint32_t>(~from) * static_cast<std::uint32_t>(leaf_width_);
      made.depth = std::max(made.depth, depth);
      continue;
    }
    const RankNode& node = ranks.nodes[static_cast<std::size_t>(from)];
    const bool is_set = node.set != RankNode::kNoSet;
    made.has_sets |= is_set;
    const auto child = static_cast<std::uint32_t>(nodes_.size());
    nodes_.resize(nodes_.size() + 2);
    leaf_of_.resize(leaf_of_.size() + 2);
    nodes_[at] = {.column = static_cast<Rank>(node.column | (is_set ? kSetFlag<Rank> : 0)),
                  .cut = static_cast<Rank>(is_set ? node.set : node.cut), .child = static_cast<Child>(child - first)};
    queue.push_back({node.left, child, depth + 1});
    queue.push_back({node.right, child + 1, depth + 1});
  }
  trees_.push_back(made);
}

template <typename Real, typename Rank>
bool Walk<Real, Rank>::GoesRight(const WalkNode<Rank>& node, Rank rank) const {
  return (node.column & kSetFlag<Rank>) != 0 ? !sets_[node.cut][rank] : rank > node.cut;
}

template <typename Real, typename Rank>
template <std::size_t kCount, bool kHasSets>
void Walk<Real, Rank>::Descend(const WalkNode<Rank>* const* roots, const Rank* const* rows, std::uint32_t depth,
                               std::uint32_t* at) const {
  std::uint32_t here[kCount] = {};  // of our own, so that a store to it changes no node
  for (std::uint32_t step = 0; step < depth; step += kStepsBetweenChecks) {
    std::uint32_t moved = 0;
#pragma GCC unroll 2
    for (std::uint32_t i = 0; i < kStepsBetweenChecks; ++i) {  // past a leaf a step stays there
#pragma GCC unroll 16
      for (std::size_t k = 0; k < kCount; ++k) {
        const WalkNode<Rank> node = roots[k][here[k]];
        const Rank rank = rows[k][node.column & static_cast<Rank>(~kSetFlag<Rank>)];
        const bool right = kHasSets ? GoesRight(node, rank) : rank > node.cut;
        const std::uint32_t next = node.child + (right ? 1 : 0);
        moved |= next ^ here[k];
        here[k] = next;
      }
    }
    // A few rows may have far to go in a lopsided tree; the rest of its depth is not walked in vain.
    if (moved == 0) break;
  }
  std::copy_n(here, kCount, at);
}

template <typename Real, typename Rank>
void Walk<Real, Rank>::AddLeaf(const WalkTree& tree, std::uint32_t at, Real* sums) const {
  const Real* leaf = leaves_.data() + leaf_of_[at];
  for (std::size_t i = 0; i < leaf_width_; ++i) sums[tree.output + i] += leaf[i];
}

template <typename Real, typename Rank>
void Walk<Real, Rank>::SumRows(const Rank* ranks, std::size_t rows, std::size_t outputs, Real* sums) const {
  std::uint32_t at[kRows];
  const WalkNode<Rank>* roots[kRows];
  const Rank* row[kRows];
  for (const WalkTree& tree : trees_) {
    std::fill_n(roots, kRows, nodes_.data() + tree.first);
    for (std::size_t from = 0; from < rows; from += kRows) {
      const std::size_t count = std::min(kRows, rows - from);
      for (std::size_t k = 0; k < kRows; ++k) row[k] = ranks + (from + std::min(k, count - 1)) * columns_;
      if (tree.has_sets) Descend<kRows, true>(roots, row, tree.depth, at);
      else Descend<kRows, false>(roots, row, tree.depth, at);
      for (std::size_t k = 0; k < count; ++k) AddLeaf(tree, tree.first + at[k], sums + (from + k) * outputs);
    }
  }
}

template <typename Real, typename Rank>
void Walk<Real, Rank>::SumRow(const Rank* ranks, Real* sums) const {
  std::uint32_t at[kTrees];
  const WalkNode<Rank>* roots[kTrees];
  const Rank* row[kTrees];
  std::fill_n(row, kTrees, ranks);
  for (std::size_t from = 0; from < trees_.size(); from += kTrees) {
    const std::size_t count = std::min(kTrees, trees_.size() - from);
    std::uint32_t depth = 0;
    bool has_sets = false;
    for (std::size_t k = 0; k < kTrees; ++k) {
      const WalkTree& tree = trees_[from + std::min(k, count - 1)];
      roots[k] = nodes_.data() + tree.first;
      depth = std::max(depth, tree.depth);
      has_sets |= tree.has_sets;
    }
    if (has_sets) Descend<kTrees, true>(roots, row, depth, at);
    else Descend<kTrees, false>(roots, row, depth, at);
    for (std::size_t k = 0; k < count; ++k) AddLeaf(trees_[from + k], trees_[from + k].first + at[k], sums);
  }
}

template class Walk<float, std::uint8_t>;
template class Walk<double, std::uint8_t>;
template class Walk<float, std::uint16_t>;
template class Walk<double, std::uint16_t>;
template class Walk<float, std::uint32_t>;
template class Walk<double, std::uint32_t>;

}  // namespace sw::model
