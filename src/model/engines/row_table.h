// RowTable: one row at a time through all trees at once, by table.
//
// For each feature and rank the table holds, for every tree, the set of leaves that the tests of
// this feature leave possible. And-ing the rows of a row's ranks leaves in each tree a set whose
// first leaf is where the row falls (QuickScorer, Lucchese et al. 2015, with its searches folded
// into the table). For trees of up to 64 leaves, while the table is small. Immutable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/engines/cpu.h"
#include "model/engines/ranks.h"
#include "model/engines/row_table_kernels.h"
#include "model/forest.h"
#include "model/heap_bytes.h"

namespace sw::model {

inline constexpr std::size_t kRowTableBytesMax = 1 << 20;

// Mask is std::uint32_t for trees of up to 32 leaves, else std::uint64_t.
template <typename Real, typename Mask>
class RowTable {
 public:
  // Requires Fits(); trees without linear leaves.
  RowTable(const Forest& forest, const RankedForest& ranked, const Cpu& cpu);
  static bool Fits(const Forest& forest, const RankedForest& ranked);

  // `ranks` has one rank a feature that has cuts, in the order of features; a missing value's is
  // the feature's number of cuts plus 1.
  void SumRow(const std::uint32_t* ranks, Real* sums) const;
  std::size_t memory_bytes() const {  // beside itself
    return HeapBytes(masks_) + HeapBytes(first_row_) + HeapBytes(leaves_) + HeapBytes(outputs_);
  }

 private:
  void SumPlainly(const Mask* const* rows, Real* sums) const;

  std::vector<Mask> masks_;               // (first_row_[f] + rank) * padded trees
  std::vector<std::uint32_t> first_row_;  // one a feature that has cuts
  std::vector<Real> leaves_;              // per tree bits-of-Mask places, leaf_width values each
  std::vector<std::uint32_t> outputs_;    // one a tree
  std::size_t trees_ = 0, padded_ = 0, leaf_width_ = 1;
  bool one_output_ = true;
  Real (*kernel_)(const RowTableView<Real, Mask>&, Real) = nullptr;  // of one output; null: plainly
};

}  // namespace sw::model
