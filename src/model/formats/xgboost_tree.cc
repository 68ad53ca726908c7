#include "model/formats/xgboost_tree.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "base/errors.h"

namespace sw::model::xgboost {
namespace {

using Ints = std::vector<std::int64_t>;

constexpr std::int64_t kCategoryMax = (1 << 24) - 1;

// The arrays of RegTree::SaveModel and MultiTargetTree::SaveModel, one element a node. Nodes that
// pruning deleted are still there; nothing points at them.
struct Columns {
  Ints left, right, feature, default_left, is_category;
  std::vector<double> condition;
  std::vector<std::uint32_t> set_of_node;
  std::vector<std::vector<std::uint32_t>> sets;
  std::vector<double> vectors;  // of vector leaves
  bool vectors_by_node = false;  // up to 3.0; later a leaf's right child is its place
  std::size_t size() const { return left.size(); }
  bool IsLeaf(std::size_t node) const { return left[node] == -1; }
};

template <typename Number>
Status CheckSize(std::string_view name, const std::vector<Number>& values, std::size_t nodes) {
  if (values.size() == nodes) return Ok();
  return InvalidArgument("{} has {} values for {} nodes", name, values.size(), nodes);
}

Result<std::vector<std::uint32_t>> MakeSet(std::span<const std::int64_t> categories, Budget& budget) {
  const std::int64_t greatest = *std::ranges::max_element(categories);
  if (*std::ranges::min_element(categories) < 0 || greatest > kCategoryMax) {
    return InvalidArgument("categories holds {}; they are from 0 to {}", greatest, kCategoryMax);
  }
  const std::size_t words = static_cast<std::size_t>(greatest) / 32 + 1;
  if (words > budget.set_words) {
    return ResourceExhausted("the category sets of the model are too large (xgboost_set_words_max)");
  }
  budget.set_words -= words;
  std::vector<std::uint32_t> set(words);
  for (const std::int64_t category : categories) set[static_cast<std::size_t>(category) / 32] |= 1U << (category % 32);
  return set;
}

// RegTree::LoadCategoricalSplit. Files before 1.5 have none of it.
Status ReadSets(const Document& tree, Columns& columns, Budget& budget) {
  const std::size_t nodes = columns.size();
  columns.set_of_node.resize(nodes);
  if (tree.Find("split_type") == nullptr) {
    columns.is_category.resize(nodes);
    return Ok();
  }
  columns.is_category = SW_TRY(tree.Ints("split_type"));
  SW_TRY(CheckSize("split_type", columns.is_category, nodes));
  const Ints owners = SW_TRY(tree.Ints("categories_nodes")), categories = SW_TRY(tree.Ints("categories"));
  const Ints begins = SW_TRY(tree.Ints("categories_segments")), sizes = SW_TRY(tree.Ints("categories_sizes"));
  SW_TRY(CheckSize("categories_segments", begins, owners.size()));
  SW_TRY(CheckSize("categories_sizes", sizes, owners.size()));
  const auto total = static_cast<std::int64_t>(categories.size());
  for (std::size_t i = 0; i < owners.size(); ++i) {
    if (owners[i] < 0 || owners[i] >= static_cast<std::int64_t>(nodes)) {
      return InvalidArgument("categories_nodes names node {} of {}", owners[i], nodes);
    }
    if (begins[i] < 0 || sizes[i] <= 0 || begins[i] > total || sizes[i] > total - begins[i]) {
      return InvalidArgument("node {} has {} categories from {} of {}", owners[i], sizes[i], begins[i], total);
    }
    const std::span all(categories);
    columns.sets.push_back(SW_TRY(
        MakeSet(all.subspan(static_cast<std::size_t>(begins[i]), static_cast<std::size_t>(sizes[i])), budget)));
    columns.set_of_node[static_cast<std::size_t>(owners[i])] = static_cast<std::uint32_t>(columns.sets.size());
  }
  return Ok();
}

Result<Columns> ReadColumns(const Document& tree, std::uint32_t width, Budget& budget) {
  Columns columns{.left = SW_TRY(tree.Ints("left_children")),
                  .right = SW_TRY(tree.Ints("right_children")),
                  .feature = SW_TRY(tree.Ints("split_indices")),
                  .default_left = SW_TRY(tree.Ints("default_left")),
                  .is_category = {},
                  .condition = SW_TRY(tree.Doubles("split_conditions")),
                  .set_of_node = {},
                  .sets = {},
                  .vectors = {}};
  const std::size_t nodes = columns.size();
  if (nodes == 0) return InvalidArgument("it has no nodes");
  SW_TRY(CheckSize("right_children", columns.right, nodes));
  SW_TRY(CheckSize("split_indices", columns.feature, nodes));
  SW_TRY(CheckSize("default_left", columns.default_left, nodes));
  SW_TRY(CheckSize("split_conditions", columns.condition, nodes));
  SW_TRY(ReadSets(tree, columns, budget));
  if (width == 1) return columns;
  columns.vectors_by_node = tree.Find("leaf_weights") == nullptr;
  columns.vectors = SW_TRY(tree.Doubles(columns.vectors_by_node ? "base_weights" : "leaf_weights"));
  if (columns.vectors_by_node) SW_TRY(CheckSize("base_weights", columns.vectors, nodes * width));
  return columns;
}

// Lays the nodes that can be reached out anew, each after its parent.
class Layout {
 public:
  Layout(const Columns& columns, std::uint32_t width, float weight)
      : columns_(columns), width_(width), weight_(weight), seen_(columns.size()) {}

  Result<Tree> Run() {
    tree_.sets = columns_.sets;
    waiting_.push_back({.node = 0});
    while (!waiting_.empty()) {
      const Place place = waiting_.back();
      waiting_.pop_back();
      SW_TRY(Visit(place));
    }
    return std::move(tree_);
  }

  // The nodes of the file in the order of Tree::covers.
  std::vector<std::size_t> Order() const {
    std::vector<std::size_t> order = node_order_;
    order.insert(order.end(), leaf_order_.begin(), leaf_order_.end());
    return order;
  }

 private:
  struct Place {
    std::int64_t node;
    std::size_t parent = 0;
    bool is_left = false;
  };

  Status Visit(const Place& place) {
    if (place.node < 0 || place.node >= static_cast<std::int64_t>(columns_.size())) {
      return InvalidArgument("a child is node {} of {}", place.node, columns_.size());
    }
    const auto at = static_cast<std::size_t>(place.node);
    if (seen_[at]) return InvalidArgument("node {} has two parents", at);
    seen_[at] = true;
    const bool is_leaf = columns_.IsLeaf(at);
    const auto index = static_cast<std::int32_t>(is_leaf ? leaf_order_.size() : node_order_.size());
    if (!node_order_.empty()) {
      Node& parent = tree_.nodes[place.parent];
      (place.is_left ? parent.left : parent.right) = is_leaf ? ~index : index;
    }
    return is_leaf ? AddLeaf(at) : AddNode(at);
  }

  Status AddLeaf(std::size_t at) {
    leaf_order_.push_back(at);
    if (width_ == 1) {
      tree_.leaves.push_back(static_cast<float>(columns_.condition[at]) * weight_);
      return Ok();
    }
    const std::int64_t place = columns_.vectors_by_node ? static_cast<std::int64_t>(at) : columns_.right[at];
    const auto places = static_cast<std::int64_t>(columns_.vectors.size() / width_);
    if (place < 0 || place >= places) return InvalidArgument("leaf {} has vector {} of {}", at, place, places);
    for (std::size_t i = 0; i < width_; ++i) {
      const double value = columns_.vectors[static_cast<std::size_t>(place) * width_ + i];
      tree_.leaves.push_back(static_cast<float>(value) * weight_);
    }
    return Ok();
  }

  // A category of the set goes right in XGBoost, everything else left: the sides change places.
  Status AddNode(std::size_t at) {
    const std::int64_t feature = columns_.feature[at];
    if (feature < 0 || feature > INT32_MAX) return InvalidArgument("node {} tests feature {}", at, feature);
    const bool is_category = columns_.is_category[at] != 0, is_default_left = columns_.default_left[at] != 0;
    Node node{.feature = static_cast<std::int32_t>(feature), .test = NodeTest::kBelow};
    node.missing_left = is_default_left != is_category;
    if (is_category) {
      if (columns_.set_of_node[at] == 0) return InvalidArgument("node {} has no categories", at);
      node.test = NodeTest::kMember;
      node.set = columns_.set_of_node[at] - 1;
    } else {
      node.threshold = static_cast<float>(columns_.condition[at]);
      if (std::isnan(node.threshold)) return InvalidArgument("node {} has no threshold", at);
    }
    const std::size_t index = node_order_.size();
    node_order_.push_back(at);
    tree_.nodes.push_back(node);
    waiting_.push_back({.node = columns_.right[at], .parent = index, .is_left = is_category});
    waiting_.push_back({.node = columns_.left[at], .parent = index, .is_left = !is_category});
    return Ok();
  }

  const Columns& columns_;
  std::size_t width_;
  float weight_;
  Tree tree_;
  std::vector<Place> waiting_;
  std::vector<bool> seen_;
  std::vector<std::size_t> node_order_, leaf_order_;
};

// The hessians; nothing where the file has none, or some that say nothing.
Result<std::vector<double>> ReadCovers(const Document& tree, std::span<const std::size_t> order, std::size_t nodes) {
  std::vector<double> covers;
  if (tree.Find("sum_hessian") == nullptr) return covers;
  const auto hessians = SW_TRY(tree.Doubles("sum_hessian"));
  SW_TRY(CheckSize("sum_hessian", hessians, nodes));
  for (const std::size_t at : order) {
    if (!std::isfinite(hessians[at]) || hessians[at] < 0) return std::vector<double>();
    covers.push_back(hessians[at]);
  }
  return covers;
}

}  // namespace

Result<Tree> ReadTree(const Document& tree, std::uint32_t width, float weight, Budget& budget) {
  const Columns columns = SW_TRY(ReadColumns(tree, width, budget));
  Layout layout(columns, width, weight);
  Tree read = SW_TRY(layout.Run());
  read.covers = SW_TRY(ReadCovers(tree, layout.Order(), columns.size()));
  return read;
}

}  // namespace sw::model::xgboost
