// Treelets: several levels of a tree are walked in one go.
//
// A treelet holds up to 15 nodes of a tree in a cache line as a heap, padded where the tree is not full:
// node i's children are 2i and 2i + 1. One comparison of 16 bytes answers all its tests, and four steps
// in a register find which of its 16 exits is taken: another treelet, or a leaf. The one at a tree's root
// has six levels. Rows or trees go down together, a treelet at a time; one that has come to its leaf drops
// out. For trees of any shape, ranks of a byte and CPUs that look up bytes across a register. Immutable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/engines/cpu.h"
#include "model/engines/leaf_order.h"
#include "model/engines/ranks.h"
#include "model/engines/treelet_kernels.h"
#include "model/forest.h"
#include "model/heap_bytes.h"

namespace sw::model {

template <typename Real>
class Treelets {
 public:
  // Requires Fits(). `leaves` are the forest's, and outlive this.
  Treelets(const Forest& forest, const RankedForest& ranked, const LeafValues<Real>& leaves);
  static bool Fits(const Forest& forest, const RankedForest& ranked, const Cpu& cpu);

  // Adds every tree in order. A row's ranks take kTreeletRowBytes, one a column; sums[r * outputs + i].
  void SumRows(const std::uint8_t* ranks, std::size_t rows, std::size_t outputs, Real* sums) const;
  void SumRow(const std::uint8_t* ranks, Real* sums) const;
  std::size_t memory_bytes() const {  // beside itself
    return HeapBytes(roots_) + HeapBytes(rest_) + HeapBytes(first_) + HeapBytes(outputs_);
  }

 private:
  void AddTree(const std::vector<RankNode>& nodes);
  const Real* Leaf(std::size_t tree, std::uint16_t number) const {
    return leaves_.values.data() + (leaves_.first[tree] + number) * leaf_width_;
  }

  std::vector<TreeletRoot> roots_;    // one a tree
  std::vector<Treelet> rest_;
  std::vector<std::uint32_t> first_;  // of a tree's treelets in rest_
  std::vector<std::uint32_t> outputs_;  // one a tree
  const LeafValues<Real>& leaves_;
  std::size_t leaf_width_ = 1;
  bool one_sum_ = true;  // every tree adds one value to one output
};

}  // namespace sw::model
