#include "model/engines/slice_program.h"

#include <algorithm>
#include <numeric>

#include "model/engines/leaf_order.h"

namespace sw::model {
namespace {

constexpr std::uint16_t kDiscard = kSliceLeavesMax;  // the masks of leaves are read by nobody

bool IsInner(const RankNode& node) { return node.left >= 0 || node.right >= 0; }

template <typename Real>
class Builder {
 public:
  Builder(const Forest& forest, const RankedForest& ranked) : forest_(forest), ranked_(ranked) {
    program_.leaf_width = forest.leaf_width;
  }

  SliceProgram<Real> Run() {
    for (std::size_t t = 0; t < forest_.trees.size(); ++t) AddTree(t);
    for (const std::vector<bool>& set : ranked_.sets) AddSet(set);
    if (ranked_.sets.empty()) program_.op_sets.clear();
    program_.ops.shrink_to_fit();
    return std::move(program_);
  }

 private:
  void AddTree(std::size_t number) {
    const Tree& tree = forest_.trees[number];
    const std::vector<RankNode>& nodes = ranked_.trees[number].nodes;
    const LeafOrder order = OrderLeaves(nodes);
    program_.trees.push_back({.first_op = static_cast<std::uint32_t>(program_.ops.size()),
                              .ops = static_cast<std::uint32_t>(nodes.size()),
                              .inner = static_cast<std::uint32_t>(std::ranges::count_if(nodes, IsInner)),
                              .first_leaf = static_cast<std::uint32_t>(leaf_count_),
                              .leaves = static_cast<std::uint32_t>(order.leaf_at.size()),
                              .output = tree.output});
    leaf_count_ += order.leaf_at.size();
    // Parents come before children in `nodes`, which is all that the masks need.
    std::vector<std::uint16_t> sequence(nodes.size()), place(nodes.size());
    std::iota(sequence.begin(), sequence.end(), std::uint16_t{0});
    std::ranges::stable_partition(sequence, [&](std::uint16_t i) { return IsInner(nodes[i]); });
    for (std::size_t at = 0; at < sequence.size(); ++at) place[sequence[at]] = static_cast<std::uint16_t>(at);
    for (const std::uint16_t i : sequence) {
      const RankNode& node = nodes[i];
      const bool is_set = node.set != RankNode::kNoSet;
      program_.ops.push_back({.column = static_cast<std::uint16_t>(node.column | (is_set ? kSliceSetFlag : 0)),
                              .cut = static_cast<std::uint8_t>(node.cut),
                              .add = static_cast<std::uint8_t>(order.left[i].count),
                              .left = node.left < 0 ? kDiscard : place[static_cast<std::size_t>(node.left)],
                              .right = node.right < 0 ? kDiscard : place[static_cast<std::size_t>(node.right)]});
      program_.op_sets.push_back(is_set ? node.set : 0);
    }
  }

  // The kernel asks which ranks go right.
  void AddSet(const std::vector<bool>& goes_left) {
    std::uint64_t words[4] = {};
    for (std::size_t rank = 0; rank < goes_left.size(); ++rank) {
      if (!goes_left[rank]) words[rank / 64] |= 1ULL << (rank % 64);
    }
    program_.sets.insert(program_.sets.end(), std::begin(words), std::end(words));
  }

  const Forest& forest_;
  const RankedForest& ranked_;
  SliceProgram<Real> program_;
  std::size_t leaf_count_ = 0;
};

}  // namespace

bool CanSlice(const Forest& forest, const RankedForest& ranked) {
  const bool small_trees = std::all_of(forest.trees.begin(), forest.trees.end(), [](const Tree& tree) {
    return tree.nodes.size() < kSliceLeavesMax && tree.linear.empty();
  });
  return small_trees && ranked.rank_max <= 255 && ranked.columns.size() < kSliceSetFlag;
}

template <typename Real>
SliceProgram<Real> BuildSlice(const Forest& forest, const RankedForest& ranked) {
  return Builder<Real>(forest, ranked).Run();
}
template SliceProgram<float> BuildSlice<float>(const Forest&, const RankedForest&);
template SliceProgram<double> BuildSlice<double>(const Forest&, const RankedForest&);

}  // namespace sw::model
