#include "model/formats/lightgbm_tree.h"

namespace sw::model::lightgbm {
namespace {

Result<std::vector<std::vector<std::uint32_t>>> ReadSets(const Fields& fields, std::size_t count) {
  std::vector<std::vector<std::uint32_t>> sets;
  if (count == 0) return sets;
  const auto bounds = SW_TRY(Many<std::uint32_t>(fields, "cat_boundaries", count + 1));
  const auto words = SW_TRY(Many<std::uint32_t>(fields, "cat_threshold", bounds.back()));
  for (std::size_t i = 0; i < count; ++i) {
    if (bounds[i] > bounds[i + 1] || bounds[i + 1] > words.size()) {
      return InvalidArgument("LightGBM model: cat_boundaries must grow, found {} before {}", bounds[i], bounds[i + 1]);
    }
    sets.emplace_back(words.begin() + bounds[i], words.begin() + bounds[i + 1]);
  }
  return sets;
}

// LightGBM's Tree::NumericalDecision and CategoricalDecision (include/LightGBM/tree.h). Without a
// missing type NaN counts as 0; with type zero, 0 and NaN go the default way.
Result<Node> MakeNode(int decision, std::int32_t feature, double threshold, std::int32_t left, std::int32_t right) {
  const int missing = decision >> 2 & 3;
  if (decision < 0 || decision > 15 || missing == 3) {
    return InvalidArgument("LightGBM model: decision_type {} is unknown", decision);
  }
  const bool default_left = (decision & 2) != 0;
  Node node{.feature = feature, .threshold = threshold, .left = left, .right = right};
  if ((decision & 1) != 0) {
    if (!(threshold >= 0 && threshold < 4294967296.0)) {
      return InvalidArgument("LightGBM model: a categorical split names set {}", threshold);
    }
    node.test = NodeTest::kMember;
    node.set = static_cast<std::uint32_t>(threshold);
    node.threshold = 0;
    return node;
  }
  node.missing_left = missing == 0 ? 0.0 <= threshold : default_left;
  if (missing == 1) node.zero = default_left ? ZeroRule::kLeft : ZeroRule::kRight;
  return node;
}

// Tree::Tree(const char*, ...): absent constants are 0, without num_features leaves are constant.
Result<std::vector<LinearLeaf>> ReadLinear(const Fields& fields, std::size_t leaves) {
  std::vector<LinearLeaf> linear(leaves);
  if (fields.contains("leaf_const")) {
    const auto constants = SW_TRY(Many<double>(fields, "leaf_const", leaves));
    for (std::size_t i = 0; i < leaves; ++i) linear[i].constant = constants[i];
  }
  if (!fields.contains("num_features")) return linear;
  const auto counts = SW_TRY(Many<std::uint32_t>(fields, "num_features", leaves));
  std::size_t total = 0;
  for (const std::uint32_t count : counts) total += count;
  const auto features = SW_TRY(Many<std::int32_t>(fields, "leaf_features", total));
  const auto weights = SW_TRY(Many<double>(fields, "leaf_coeff", total));
  std::size_t from = 0;
  for (std::size_t i = 0; i < leaves; from += counts[i], ++i) {
    const auto first = static_cast<std::ptrdiff_t>(from);
    const auto last = first + static_cast<std::ptrdiff_t>(counts[i]);
    linear[i].features.assign(features.begin() + first, features.begin() + last);
    linear[i].weights.assign(weights.begin() + first, weights.begin() + last);
  }
  return linear;
}

// Counts of rows a node and leaf; nothing when the file has none (models converted by others).
Result<std::vector<double>> ReadCovers(const Fields& fields, std::size_t nodes) {
  if (!fields.contains("internal_count") || !fields.contains("leaf_count")) return std::vector<double>{};
  auto covers = SW_TRY(Many<double>(fields, "internal_count", nodes));
  const auto leaves = SW_TRY(Many<double>(fields, "leaf_count", nodes + 1));
  covers.insert(covers.end(), leaves.begin(), leaves.end());
  return covers;
}

}  // namespace

Result<Tree> ReadTree(const Fields& fields) {
  const auto leaves = SW_TRY(One<std::uint32_t>(fields, "num_leaves"));
  if (leaves == 0) return InvalidArgument("LightGBM model: a tree has num_leaves=0");
  Tree tree;
  tree.leaves = SW_TRY(Many<double>(fields, "leaf_value", leaves));
  if (SW_TRY(One<int>(fields, "is_linear", 0)) != 0) tree.linear = SW_TRY(ReadLinear(fields, leaves));
  if (leaves == 1) return tree;
  const std::size_t nodes = leaves - 1;
  const auto feature = SW_TRY(Many<std::int32_t>(fields, "split_feature", nodes));
  const auto threshold = SW_TRY(Many<double>(fields, "threshold", nodes));
  const auto decision = SW_TRY(Many<int>(fields, "decision_type", nodes));
  const auto left = SW_TRY(Many<std::int32_t>(fields, "left_child", nodes));
  const auto right = SW_TRY(Many<std::int32_t>(fields, "right_child", nodes));
  tree.sets = SW_TRY(ReadSets(fields, SW_TRY(One<std::uint32_t>(fields, "num_cat", 0U))));
  tree.nodes.reserve(nodes);
  for (std::size_t i = 0; i < nodes; ++i) {
    tree.nodes.push_back(SW_TRY(MakeNode(decision[i], feature[i], threshold[i], left[i], right[i])));
  }
  tree.covers = SW_TRY(ReadCovers(fields, nodes));
  return tree;
}

}  // namespace sw::model::lightgbm
