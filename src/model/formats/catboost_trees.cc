#include "model/formats/catboost_trees.h"

#include <algorithm>

#include "base/errors.h"

namespace sw::model::catboost {
namespace {

constexpr std::size_t kDepthMax = 24;  // CatBoost itself grows 16
constexpr std::size_t kOutputsMax = 1u << 16;

// A node whose children are `fails` and `passes`. A category's code goes left when it is in the set.
Node MakeNode(const Split& split, std::int32_t fails, std::int32_t passes, Tree& tree) {
  Node node{.feature = static_cast<std::int32_t>(split.feature)};
  if (split.is_code) {
    node.test = NodeTest::kMember;
    node.left = passes;
    node.right = fails;
    node.set = static_cast<std::uint32_t>(tree.sets.size());
    tree.sets.emplace_back(split.code / 32 + 1);
    tree.sets.back()[split.code / 32] = 1U << (split.code % 32);
    return node;
  }
  node.threshold = split.border;
  node.left = fails;
  node.right = passes;
  node.missing_left = !split.missing_passes;
  return node;
}

Result<const Split*> FindSplit(const Document& split, std::span<const Split> splits) {
  const std::int64_t index = SW_TRY(split.Int("split_index"));
  if (index >= 0 && static_cast<std::size_t>(index) < splits.size()) return &splits[static_cast<std::size_t>(index)];
  return InvalidArgument("split_index is {} of {}", index, splits.size());
}

Result<std::vector<const Split*>> ReadSplits(const Document& tree, std::span<const Split> splits) {
  std::vector<const Split*> read;
  const Document* list = tree.Find("splits");
  if (list == nullptr || list->IsNull()) return read;
  for (const Document& split : *SW_TRY(tree.Items("splits"))) read.push_back(SW_TRY(FindSplit(split, splits)));
  if (read.size() > kDepthMax) return InvalidArgument("{} splits; at most {} are read", read.size(), kDepthMax);
  return read;
}

// Sums of the leaves' weights, a level at a time; nothing where the file has no weights.
Result<std::vector<double>> ObliviousCovers(const Document& tree, std::size_t leaves) {
  std::vector<double> covers;
  const Document* list = tree.Find("leaf_weights");
  if (list == nullptr || list->IsNull()) return covers;
  const auto weights = SW_TRY(tree.Doubles("leaf_weights"));
  if (weights.size() != leaves) return InvalidArgument("leaf_weights has {} values for {} leaves", weights.size(), leaves);
  if (!std::ranges::all_of(weights, [](double weight) { return weight >= 0 && weight < 1e300; })) return covers;
  covers.resize(leaves - 1);
  covers.insert(covers.end(), weights.begin(), weights.end());
  for (std::size_t node = leaves - 1; node-- > 0;) covers[node] = covers[2 * node + 1] + covers[2 * node + 2];
  return covers;
}

// Reads nodes in pre-order, so that children come after their parents.
class NestedReader {
 public:
  NestedReader(std::span<const Split> splits, std::uint32_t outputs) : splits_(splits), outputs_(outputs) {}

  Result<Tree> Run(const Document& root) {
    SW_TRY(Read(root));
    if (has_covers_) {
      tree_.covers = std::move(node_covers_);
      tree_.covers.insert(tree_.covers.end(), leaf_covers_.begin(), leaf_covers_.end());
    }
    return std::move(tree_);
  }

 private:
  struct Place {
    std::int32_t index;
    double cover;
  };

  // The depth is limited by that of the document.
  Result<Place> Read(const Document& node) {
    if (node.Find("value") != nullptr) return ReadLeaf(node);
    const Split& split = *SW_TRY(FindSplit(*SW_TRY(node.Get("split")), splits_));
    const std::size_t index = tree_.nodes.size();
    tree_.nodes.emplace_back();
    node_covers_.push_back(0);
    const Place fails = SW_TRY(Read(*SW_TRY(node.Get("left"))));
    const Place passes = SW_TRY(Read(*SW_TRY(node.Get("right"))));
    tree_.nodes[index] = MakeNode(split, fails.index, passes.index, tree_);
    node_covers_[index] = fails.cover + passes.cover;
    return Place{static_cast<std::int32_t>(index), node_covers_[index]};
  }

  Result<Place> ReadLeaf(const Document& leaf) {
    const auto index = static_cast<std::int32_t>(tree_.leaves.size() / outputs_);
    if (leaf.Find("value")->size() == 0) {
      if (outputs_ != 1) return InvalidArgument("a leaf has one value for {} outputs", outputs_);
      tree_.leaves.push_back(SW_TRY(leaf.Number("value")));
    } else {
      const auto values = SW_TRY(leaf.Doubles("value"));
      if (values.size() != outputs_) return InvalidArgument("a leaf has {} values for {} outputs", values.size(), outputs_);
      tree_.leaves.insert(tree_.leaves.end(), values.begin(), values.end());
    }
    const double cover = leaf.Find("weight") == nullptr ? -1 : SW_TRY(leaf.Number("weight"));
    has_covers_ = has_covers_ && cover >= 0 && cover < 1e300;
    leaf_covers_.push_back(cover);
    return Place{~index, cover};
  }

  std::span<const Split> splits_;
  std::uint32_t outputs_;
  Tree tree_;
  std::vector<double> node_covers_, leaf_covers_;
  bool has_covers_ = true;
};

}  // namespace

Result<Tree> ReadObliviousTree(const Document& document, std::span<const Split> splits, std::uint32_t outputs) {
  const auto levels = SW_TRY(ReadSplits(document, splits));
  const std::size_t leaves = std::size_t{1} << levels.size();
  Tree tree;
  tree.leaves = SW_TRY(document.Doubles("leaf_values"));
  if (tree.leaves.size() != leaves * outputs) {
    return InvalidArgument("leaf_values has {} values; {} splits and {} outputs need {}", tree.leaves.size(),
                           levels.size(), outputs, leaves * outputs);
  }
  tree.nodes.reserve(leaves - 1);
  for (std::size_t i = 0, level = 0; i + 1 < leaves; ++i) {
    if (i + 1 == std::size_t{2} << level) ++level;
    const auto child = [&](std::size_t number) {
      const bool is_leaf = number + 1 >= leaves;
      return is_leaf ? ~static_cast<std::int32_t>(number + 1 - leaves) : static_cast<std::int32_t>(number);
    };
    tree.nodes.push_back(MakeNode(*levels[levels.size() - 1 - level], child(2 * i + 1), child(2 * i + 2), tree));
  }
  tree.covers = SW_TRY(ObliviousCovers(document, leaves));
  return tree;
}

Result<Tree> ReadNestedTree(const Document& tree, std::span<const Split> splits, std::uint32_t outputs) {
  return NestedReader(splits, outputs).Run(tree);
}

Result<std::uint32_t> CountOutputs(const Document& first_tree, bool is_oblivious) {
  std::size_t values = 0, leaves = 1;
  if (is_oblivious) {
    const Document* splits = first_tree.Find("splits");
    const std::size_t depth = splits == nullptr ? 0 : splits->size();
    if (depth > kDepthMax) return InvalidArgument("{} splits; at most {} are read", depth, kDepthMax);
    leaves = std::size_t{1} << depth;
    values = SW_TRY(first_tree.Get("leaf_values"))->size();
  } else {
    const Document* node = &first_tree;
    while (node->Find("value") == nullptr) node = SW_TRY(node->Get("left"));
    values = std::max<std::size_t>(node->Find("value")->size(), 1);
  }
  if (values >= leaves && values % leaves == 0 && values / leaves <= kOutputsMax) {
    return static_cast<std::uint32_t>(values / leaves);
  }
  return InvalidArgument("{} values for {} leaves", values, leaves);
}

}  // namespace sw::model::catboost
