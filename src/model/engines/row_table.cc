#include "model/engines/row_table.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "model/engines/leaf_order.h"

namespace sw::model {
namespace {

constexpr std::size_t kLanes = 16;  // trees a step: the masks of 16 trees are and-ed by one loop

bool GoesRight(const RankedForest& ranked, const RankNode& node, std::uint32_t rank, bool is_missing) {
  if (node.set != RankNode::kNoSet) return !ranked.sets[node.set][rank];
  if (is_missing) return ranked.columns[node.column].missing_rank > node.cut;
  return rank > node.cut;
}

}  // namespace

template <typename Real, typename Mask>
bool RowTable<Real, Mask>::Fits(const Forest& forest, const RankedForest& ranked) {
  std::size_t rows = 0;
  for (const auto& cuts : ranked.cuts) rows += cuts.empty() ? 0 : cuts.size() + 2;
  const std::size_t padded = (forest.trees.size() + kLanes - 1) / kLanes * kLanes;
  const bool fits = std::all_of(forest.trees.begin(), forest.trees.end(), [](const Tree& tree) {
    return tree.nodes.size() < std::numeric_limits<Mask>::digits && tree.linear.empty();
  });
  return fits && rows * padded * sizeof(Mask) <= kRowTableBytesMax;
}

template <typename Real, typename Mask>
RowTable<Real, Mask>::RowTable(const Forest& forest, const RankedForest& ranked, const Cpu& cpu)
    : trees_(forest.trees.size()), padded_((trees_ + kLanes - 1) / kLanes * kLanes), leaf_width_(forest.leaf_width),
      one_output_(forest.outputs == 1) {
  std::vector<std::uint32_t> row_of(ranked.cuts.size());
  std::uint32_t rows = 0;
  for (std::size_t f = 0; f < ranked.cuts.size(); ++f) {
    if (ranked.cuts[f].empty()) continue;
    row_of[f] = rows;
    first_row_.push_back(rows);
    rows += static_cast<std::uint32_t>(ranked.cuts[f].size()) + 2;
  }
#if defined(__x86_64__)
  if (cpu.avx512 && one_output_) kernel_ = RowSumAvx512;
#else
  static_cast<void>(cpu);
#endif
  constexpr std::size_t kBits = std::numeric_limits<Mask>::digits;
  masks_.assign(rows * padded_, static_cast<Mask>(~Mask{0}));
  leaves_.assign(padded_ * kBits * leaf_width_, Real{0});
  for (std::size_t t = 0; t < trees_; ++t) {
    const Tree& tree = forest.trees[t];
    const std::vector<RankNode>& nodes = ranked.trees[t].nodes;
    const LeafOrder order = OrderLeaves(nodes);
    outputs_.push_back(tree.output);
    for (std::size_t number = 0; number < order.leaf_at.size(); ++number) {
      const auto leaf = static_cast<std::size_t>(order.leaf_at[number]);
      for (std::size_t i = 0; i < leaf_width_; ++i) {
        leaves_[(t * kBits + number) * leaf_width_ + i] = static_cast<Real>(tree.leaves[leaf * leaf_width_ + i]);
      }
    }
    for (std::size_t n = 0; n < nodes.size(); ++n) {
      const std::uint32_t feature = ranked.columns[nodes[n].column].feature;
      const auto missing = static_cast<std::uint32_t>(ranked.cuts[feature].size()) + 1;
      const LeafOrder::Span left = order.left[n];  // fewer leaves than bits: the right side has at least one
      const auto removed = static_cast<Mask>(((Mask{1} << left.count) - 1) << left.first);
      for (std::uint32_t rank = 0; rank <= missing; ++rank) {
        if (!GoesRight(ranked, nodes[n], rank, rank == missing)) continue;
        masks_[(row_of[feature] + rank) * padded_ + t] &= static_cast<Mask>(~removed);
      }
    }
  }
}

template <typename Real, typename Mask>
void RowTable<Real, Mask>::SumRow(const std::uint32_t* ranks, Real* sums) const {
  constexpr std::size_t kFeaturesOnStack = 64;
  const Mask* small[kFeaturesOnStack];
  std::vector<const Mask*> large(first_row_.size() > kFeaturesOnStack ? first_row_.size() : 0);
  const Mask** rows = large.empty() ? small : large.data();
  for (std::size_t f = 0; f < first_row_.size(); ++f) rows[f] = masks_.data() + (first_row_[f] + ranks[f]) * padded_;
  if (kernel_ == nullptr) return SumPlainly(rows, sums);
  sums[0] = kernel_({.rows = rows, .features = first_row_.size(), .trees = trees_, .leaves = leaves_.data()}, sums[0]);
}

template <typename Real, typename Mask>
void RowTable<Real, Mask>::SumPlainly(const Mask* const* rows, Real* sums) const {
  constexpr std::size_t kBits = std::numeric_limits<Mask>::digits;
  for (std::size_t from = 0; from < padded_; from += kLanes) {
    Mask possible[kLanes];
    std::fill_n(possible, kLanes, static_cast<Mask>(~Mask{0}));
    for (std::size_t f = 0; f < first_row_.size(); ++f) {
      for (std::size_t k = 0; k < kLanes; ++k) possible[k] &= rows[f][from + k];
    }
    const std::size_t count = std::min(kLanes, trees_ - from);
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t leaf = (from + k) * kBits + static_cast<std::size_t>(std::countr_zero(possible[k]));
      for (std::size_t i = 0; i < leaf_width_; ++i) sums[outputs_[from + k] + i] += leaves_[leaf * leaf_width_ + i];
    }
  }
}

template class RowTable<float, std::uint32_t>;
template class RowTable<float, std::uint64_t>;
template class RowTable<double, std::uint32_t>;
template class RowTable<double, std::uint64_t>;

}  // namespace sw::model
