#include "model/forest.h"

#include <cmath>

#include "base/errors.h"

namespace sw::model {
namespace {

Status CheckChild(const Tree& tree, std::size_t number, std::size_t parent, std::int32_t child) {
  const bool is_leaf = child < 0;
  const std::int64_t index = is_leaf ? ~static_cast<std::int64_t>(child) : child;
  const std::int64_t bound = static_cast<std::int64_t>(is_leaf ? tree.leaves.size() : tree.nodes.size());
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

Status CheckTree(const Forest& forest, std::size_t number) {
  const Tree& tree = forest.trees[number];
  if (tree.leaves.size() != tree.nodes.size() + 1) {
    return InvalidArgument("tree {}: {} nodes need {} leaves, found {}", number, tree.nodes.size(),
                           tree.nodes.size() + 1, tree.leaves.size());
  }
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
    const Node& node = tree.nodes[i];
    if (node.feature < 0 || static_cast<std::size_t>(node.feature) >= forest.features.size()) {
      return InvalidArgument("tree {}: node {} tests feature {} of {}", number, i, node.feature,
                             forest.features.size());
    }
    if (std::isnan(node.threshold)) return InvalidArgument("tree {}: node {} has no threshold", number, i);
    const bool set_exists = node.threshold >= 0 && node.threshold < static_cast<double>(tree.sets.size());
    if (node.is_category && !set_exists) {
      return InvalidArgument("tree {}: node {} tests set {} of {}", number, i, node.threshold, tree.sets.size());
    }
    SW_TRY(CheckChild(tree, number, i, node.left));
    SW_TRY(CheckChild(tree, number, i, node.right));
  }
  return Ok();
}

}  // namespace

Status CheckForest(const Forest& forest) {
  if (forest.trees.empty()) return InvalidArgument("the model has no trees; train at least one");
  for (std::size_t i = 0; i < forest.trees.size(); ++i) SW_TRY(CheckTree(forest, i));
  return Ok();
}

}  // namespace sw::model
