// Walks: from root to leaf on packed nodes, several at a time so that their loads overlap.
//
// For a batch 16 rows go down one tree together, for a single row 4 trees together: more of them wait for the deepest. Children lie
// side by side and a leaf leads to itself, so that a step is a load, a comparison and an addition,
// without a branch. For trees of any depth. Immutable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "model/engines/ranks.h"
#include "model/forest.h"
#include "model/heap_bytes.h"

namespace sw::model {

// Rank is std::uint8_t where ranks, columns and trees are small enough: a node of 4 bytes keeps twice
// the trees in a cache. Else std::uint16_t, or std::uint32_t where a feature has more cuts.
template <typename Rank>
struct WalkNode {
  using Child = std::conditional_t<sizeof(Rank) == 1, std::uint16_t, std::uint32_t>;
  Rank column;  // the highest bit: the test is a set
  Rank cut;     // rank > cut goes right; for a set: which
  Child child;  // the left child, counted from the tree's root; the right one follows. A leaf: itself
};

template <typename Real, typename Rank>
class Walk {
 public:
  static constexpr std::size_t kRows = 16;

  // Requires Fits(forest, ranked) and trees without linear leaves.
  Walk(const Forest& forest, const RankedForest& ranked);
  static bool Fits(const Forest& forest, const RankedForest& ranked);

  std::size_t columns() const { return columns_; }
  // Adds every tree in order. Row r's ranks start at ranks + r * columns(); sums[r * outputs + i].
  void SumRows(const Rank* ranks, std::size_t rows, std::size_t outputs, Real* sums) const;
  void SumRow(const Rank* ranks, Real* sums) const;
  std::size_t memory_bytes() const {  // beside itself
    return HeapBytes(nodes_) + HeapBytes(leaf_of_) + HeapBytes(leaves_) + HeapBytes(sets_) + HeapBytes(trees_);
  }

 private:
  struct WalkTree {
    std::uint32_t first, depth, output;
    bool has_sets;
  };

  void AddTree(const Tree& tree, const RankTree& ranks);
  bool GoesRight(const WalkNode<Rank>& node, Rank rank) const;
  template <std::size_t kCount, bool kHasSets>
  void Descend(const WalkNode<Rank>* const* roots, const Rank* const* rows, std::uint32_t depth, std::uint32_t* at) const;
  void AddLeaf(const WalkTree& tree, std::uint32_t at, Real* sums) const;

  std::vector<WalkNode<Rank>> nodes_;
  std::vector<std::uint32_t> leaf_of_;  // one a node: where its values are; inner nodes have none
  std::vector<Real> leaves_;
  std::vector<std::vector<bool>> sets_;
  std::vector<WalkTree> trees_;
  std::size_t columns_ = 0, leaf_width_ = 1;
};

}  // namespace sw::model
