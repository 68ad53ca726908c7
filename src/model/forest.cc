#include "model/forest.h"

#include <algorithm>
#include <cmath>

#include "base/errors.h"

namespace sw::model {
namespace {

Status CheckChild(const Tree& tree, std::size_t number, std::size_t parent, std::int32_t child) {
  const bool is_leaf = child < 0;
  const std::int64_t index = is_leaf ? ~static_cast<std::int64_t>(child) : child;
  const auto bound = static_cast<std::int64_t>(is_leaf ? tree.nodes.size() + 1 : tree.nodes.size());
  if (index >= bound) {
    return InvalidArgument("tree {}: node {} points at {} {} of {}; the file is damaged", number, parent,
                           is_leaf ? "leaf" : "node", index, bound);
  }
  // Children after parents make every walk end.
  if (!is_leaf && index <= static_cast<std::int64_t>(parent)) {
    return InvalidArgument("tree {}: node {} points back at node {}; the file is damaged", number, parent, index);
  }
  return Ok();
}

Status CheckFeature(const Forest& forest, std::size_t number, std::string_view what, std::int32_t feature) {
  if (feature >= 0 && static_cast<std::size_t>(feature) < forest.features.size()) return Ok();
  return InvalidArgument("tree {}: {} reads feature {} of {}", number, what, feature, forest.features.size());
}

Status CheckNode(const Forest& forest, std::size_t number, std::size_t index) {
  const Tree& tree = forest.trees[number];
  const Node& node = tree.nodes[index];
  if (node.feature < 0 || static_cast<std::size_t>(node.feature) >= forest.features.size()) {
    return InvalidArgument("tree {}: node {} tests feature {} of {}", number, index, node.feature,
                           forest.features.size());
  }
  if (std::isnan(node.threshold)) return InvalidArgument("tree {}: node {} has no threshold", number, index);
  if (node.test == NodeTest::kMember && node.set >= tree.sets.size()) {
    return InvalidArgument("tree {}: node {} tests set {} of {}", number, index, node.set, tree.sets.size());
  }
  SW_TRY(CheckChild(tree, number, index, node.left));
  return CheckChild(tree, number, index, node.right);
}

Status CheckLinear(const Forest& forest, std::size_t number) {
  const Tree& tree = forest.trees[number];
  if (tree.linear.empty()) return Ok();
  if (tree.linear.size() != tree.nodes.size() + 1 || forest.leaf_width != 1) {
    return InvalidArgument("tree {}: {} leaves with {} linear models", number, tree.nodes.size() + 1,
                           tree.linear.size());
  }
  for (const LinearLeaf& leaf : tree.linear) {
    if (leaf.features.size() != leaf.weights.size()) {
      return InvalidArgument("tree {}: a linear leaf has {} features and {} weights", number, leaf.features.size(),
                             leaf.weights.size());
    }
    for (const std::int32_t feature : leaf.features) SW_TRY(CheckFeature(forest, number, "a linear leaf", feature));
  }
  return Ok();
}

// Every node and leaf is some node's child, and no more than once: a tree, not a graph.
Status CheckShape(const Tree& tree, std::size_t number) {
  std::vector<bool> node_seen(tree.nodes.size()), leaf_seen(tree.nodes.size() + 1);
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
    for (const std::int32_t child : {tree.nodes[i].left, tree.nodes[i].right}) {
      auto seen = child < 0 ? leaf_seen[static_cast<std::size_t>(~child)] : node_seen[static_cast<std::size_t>(child)];
      if (seen) return InvalidArgument("tree {}: {} has two parents; the file is damaged", number, child);
      seen = true;
    }
  }
  return Ok();
}

Status CheckCovers(const Tree& tree, std::size_t number) {
  const std::size_t places = 2 * tree.nodes.size() + 1;
  if (!tree.covers.empty() && tree.covers.size() != places) {
    return InvalidArgument("tree {}: {} nodes need {} covers, found {}", number, tree.nodes.size(), places,
                           tree.covers.size());
  }
  for (const double cover : tree.covers) {
    if (!std::isfinite(cover) || cover < 0) return InvalidArgument("tree {}: a cover is {}", number, cover);
  }
  return Ok();
}

Status CheckTree(const Forest& forest, std::size_t number) {
  const Tree& tree = forest.trees[number];
  const std::size_t leaves = tree.nodes.size() + 1;
  if (tree.leaves.size() != leaves * forest.leaf_width) {
    return InvalidArgument("tree {}: {} nodes need {} leaf values, found {}", number, tree.nodes.size(),
                           leaves * forest.leaf_width, tree.leaves.size());
  }
  if (tree.output >= forest.outputs || (forest.leaf_width != 1 && tree.output != 0)) {
    return InvalidArgument("tree {}: adds to output {} of {}", number, tree.output, forest.outputs);
  }
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) SW_TRY(CheckNode(forest, number, i));
  SW_TRY(CheckShape(tree, number));
  SW_TRY(CheckCovers(tree, number));
  return CheckLinear(forest, number);
}

}  // namespace

std::size_t PredictionCount(const Forest& forest) { return forest.link == Link::kArgmax ? 1 : forest.outputs; }

bool PredictsClasses(const Forest& forest) {
  return forest.outputs > 1 && (forest.link == Link::kSoftmax || forest.link == Link::kFastSoftmax);
}

std::vector<bool> UsedFeatures(const Forest& forest) {
  std::vector<bool> is_used(forest.features.size());
  for (const Tree& tree : forest.trees) {
    for (const Node& node : tree.nodes) is_used[static_cast<std::size_t>(node.feature)] = true;
  }
  return is_used;
}

Status CheckForest(const Forest& forest) {
  if (forest.outputs == 0) return InvalidArgument("the model has no outputs");
  if (forest.leaf_width != 1 && forest.leaf_width != forest.outputs) {
    return InvalidArgument("the model has {} outputs and leaves of {} values", forest.outputs, forest.leaf_width);
  }
  if (!forest.base.empty() && forest.base.size() != forest.outputs) {
    return InvalidArgument("the model has {} outputs and {} base scores", forest.outputs, forest.base.size());
  }
  if (forest.codes == CodeRule::kKnown && forest.known.empty()) {
    return InvalidArgument("the model knows its categories by lists, and has none");
  }
  if (!forest.known.empty() && forest.known.size() != forest.features.size()) {
    return InvalidArgument("the model has {} features and {} lists of categories", forest.features.size(),
                           forest.known.size());
  }
  if (!forest.dictionaries.empty() && forest.dictionaries.size() != forest.features.size()) {
    return InvalidArgument("the model has {} features and {} dictionaries", forest.features.size(),
                           forest.dictionaries.size());
  }
  for (const Dictionary& dictionary : forest.dictionaries) {
    if (std::ranges::any_of(dictionary.numbers, [](const auto& label) { return std::isnan(label.first); })) return InvalidArgument("the model has NaN among its categories");
  }
  for (std::size_t i = 0; i < forest.trees.size(); ++i) SW_TRY(CheckTree(forest, i));
  return Ok();
}

}  // namespace sw::model
