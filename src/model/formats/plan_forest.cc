#include "model/formats/plan_forest.h"

#include "base/errors.h"
#include "model/formats/plan_arrays.h"

namespace sw::model {
namespace {

constexpr std::int64_t kFeaturesMax = 4'000'000;

std::vector<std::uint32_t> AsBits(const std::vector<std::int32_t>& words) { return {words.begin(), words.end()}; }

Result<std::vector<std::vector<std::uint32_t>>> ReadSets(const Json& json, std::string_view key) {
  std::vector<std::vector<std::uint32_t>> sets;
  if (!json.Has(key)) return sets;
  for (const Json& set : SW_TRY(json.GetArray(key))->AsArray()) sets.push_back(AsBits(SW_TRY(GetInts(set, "bits"))));
  return sets;
}

Result<Tree> ReadTree(const Json& json) {
  Tree tree;
  const auto feature = SW_TRY(GetInts(json, "feature"));
  const auto threshold = SW_TRY(GetDoubles(json, "threshold"));
  const auto left = SW_TRY(GetInts(json, "left"));
  const auto right = SW_TRY(GetInts(json, "right"));
  const auto missing_left = SW_TRY(GetInts(json, "missing_left"));
  const auto set = SW_TRY(IntsOr(json, "set"));  // -1: a threshold
  const std::size_t nodes = feature.size();
  if (threshold.size() != nodes || left.size() != nodes || right.size() != nodes || missing_left.size() != nodes ||
      (!set.empty() && set.size() != nodes)) {
    return InvalidArgument("its arrays differ in length");
  }
  tree.nodes.reserve(nodes);
  for (std::size_t i = 0; i < nodes; ++i) {
    Node node{.feature = feature[i], .threshold = threshold[i], .left = left[i], .right = right[i]};
    node.missing_left = missing_left[i] != 0;
    if (!set.empty() && set[i] >= 0) {
      node.test = NodeTest::kMember;
      node.set = static_cast<std::uint32_t>(set[i]);
      node.threshold = 0;
    }
    tree.nodes.push_back(node);
  }
  tree.sets = SW_TRY(ReadSets(json, "sets"));
  tree.leaves = SW_TRY(GetDoubles(json, "leaves"));
  tree.covers = SW_TRY(DoublesOr(json, "covers"));
  tree.output = SW_TRY(GetIndex(json, "output"));
  return tree;
}

Result<CodeRule> ReadCodes(const std::string& name) {
  if (name == "truncate") return CodeRule::kTruncate;
  if (name == "known") return CodeRule::kKnown;
  return InvalidArgument("codes are truncate or known, found {}", name);
}

}  // namespace

Result<Forest> ForestFromJson(const Json& json) {
  Forest forest;
  const std::int64_t features = SW_TRY(json.GetInt("features"));
  if (features < 0 || features > kFeaturesMax) return InvalidArgument("a forest of {} features", features);
  for (std::int64_t i = 0; i < features; ++i) forest.features.push_back(std::to_string(i));
  forest.outputs = SW_TRY(GetIndex(json, "outputs"));
  forest.leaf_width = SW_TRY(GetIndex(json, "leaf_width"));
  forest.float_inputs = SW_TRY(json.GetBool("float_inputs"));
  forest.base = SW_TRY(DoublesOr(json, "base"));
  forest.divisor = SW_TRY(json.GetDouble("divisor"));
  forest.codes = SW_TRY(ReadCodes(json.StringOr("codes", "truncate")));
  forest.known = SW_TRY(ReadSets(json, "known"));
  for (const Json& item : SW_TRY(json.GetArray("trees"))->AsArray()) {
    auto tree = ReadTree(item);
    if (!tree) return std::unexpected(std::move(tree).error().Within(fmt::format("tree {}", forest.trees.size())));
    forest.trees.push_back(*std::move(tree));
  }
  return forest;
}

}  // namespace sw::model
