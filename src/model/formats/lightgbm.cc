#include "model/formats/lightgbm.h"

#include <charconv>
#include <map>
#include <optional>
#include <vector>

#include "base/errors.h"

namespace sw::model {
namespace {

constexpr std::size_t kTextBytesMax = 1ull << 30;

using Fields = std::map<std::string_view, std::string_view>;

std::string_view NextLine(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// Reads key=value lines up to an empty line; a line without '=' is a flag.
Result<Fields> ReadBlock(std::string_view& rest) {
  Fields fields;
  while (!rest.empty()) {
    const std::string_view line = NextLine(rest);
    if (line.empty()) break;
    const std::size_t equals = line.find('=');
    const std::string_view key = line.substr(0, equals);
    const std::string_view value = equals == std::string_view::npos ? "" : line.substr(equals + 1);
    if (!fields.emplace(key, value).second) return InvalidArgument("LightGBM model: {} appears twice", key);
  }
  return fields;
}

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    if (space != 0) words.push_back(text.substr(0, space));
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  }
  return words;
}

template <typename Number>
Result<Number> ParseNumber(std::string_view word, std::string_view key) {
  Number value{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size()) {
    return InvalidArgument("LightGBM model: {} has {}, which is no number it can hold", key, word.substr(0, 40));
  }
  return value;
}

template <typename Number>
Result<Number> One(const Fields& fields, std::string_view key, std::optional<Number> fallback = {}) {
  const auto found = fields.find(key);
  if (found != fields.end()) return ParseNumber<Number>(found->second, key);
  if (fallback) return *fallback;
  return InvalidArgument("LightGBM model: {} is missing; is this a whole text model?", key);
}

template <typename Number>
Result<std::vector<Number>> Many(const Fields& fields, std::string_view key, std::size_t count) {
  const auto found = fields.find(key);
  const auto words = Words(found == fields.end() ? "" : found->second);
  if (words.size() != count) {
    return InvalidArgument("LightGBM model: {} must have {} values, found {}", key, count, words.size());
  }
  std::vector<Number> values;
  values.reserve(count);
  for (const std::string_view word : words) values.push_back(SW_TRY(ParseNumber<Number>(word, key)));
  return values;
}

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

// Counts of rows a node and leaf; nothing when the file has none (models converted by others).
Result<std::vector<double>> ReadCovers(const Fields& fields, std::size_t nodes) {
  if (!fields.contains("internal_count") || !fields.contains("leaf_count")) return std::vector<double>{};
  auto covers = SW_TRY(Many<double>(fields, "internal_count", nodes));
  const auto leaves = SW_TRY(Many<double>(fields, "leaf_count", nodes + 1));
  covers.insert(covers.end(), leaves.begin(), leaves.end());
  return covers;
}

Result<Tree> ReadTree(const Fields& fields) {
  if (SW_TRY(One<int>(fields, "is_linear", 0)) != 0) {
    return Unimplemented("LightGBM model: linear trees are not read yet; train with linear_tree=false");
  }
  const auto leaves = SW_TRY(One<std::uint32_t>(fields, "num_leaves"));
  if (leaves == 0) return InvalidArgument("LightGBM model: a tree has num_leaves=0");
  Tree tree;
  tree.leaves = SW_TRY(Many<double>(fields, "leaf_value", leaves));
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

Status ReadObjective(std::string_view objective, Forest& forest) {
  const auto words = Words(objective);
  const std::string_view name = words.empty() ? "" : words[0];
  if (name == "binary") {
    forest.link = Link::kSigmoid;
    for (const std::string_view word : words) {
      if (word.starts_with("sigmoid:")) forest.link_scale = SW_TRY(ParseNumber<double>(word.substr(8), "sigmoid"));
    }
    return Ok();
  }
  if (name == "poisson" || name == "gamma" || name == "tweedie") {
    forest.link = Link::kExp;
    return Ok();
  }
  const bool is_plain = words.size() <= 1;  // "regression sqrt" squares its output
  if (is_plain && (name.empty() || name == "regression" || name == "regression_l1" || name == "huber")) return Ok();
  return Unimplemented("LightGBM model: the objective {} is not read yet; binary and regression are", objective);
}

Result<Forest> ReadHeader(const Fields& fields) {
  if (!fields.contains("tree") || !fields.contains("version")) {
    return InvalidArgument("LightGBM model: the text must start with 'tree' and 'version='; save with save_model");
  }
  const std::string_view version = fields.at("version");
  if (version != "v3" && version != "v4") {
    return Unimplemented("LightGBM model: version {} is not read; v3 and v4 are", version);
  }
  if (const int per_iteration = SW_TRY(One<int>(fields, "num_tree_per_iteration")); per_iteration != 1) {
    return Unimplemented("LightGBM model: {} trees an iteration (multi-class) are not read yet", per_iteration);
  }
  Forest forest;
  const auto features = SW_TRY(One<std::uint32_t>(fields, "max_feature_idx"));
  const auto names = fields.find("feature_names");
  for (const std::string_view name : Words(names == fields.end() ? "" : names->second)) forest.features.emplace_back(name);
  if (forest.features.size() != static_cast<std::size_t>(features) + 1) {
    return InvalidArgument("LightGBM model: max_feature_idx={} needs {} feature_names, found {}", features,
                           static_cast<std::size_t>(features) + 1, forest.features.size());
  }
  forest.tiny_is_zero = true;
  const auto objective = fields.find("objective");
  SW_TRY(ReadObjective(objective == fields.end() ? "" : objective->second, forest));
  return forest;
}

}  // namespace

Result<Forest> ParseLightGbm(std::string_view text) {
  if (text.size() > kTextBytesMax) {
    return ResourceExhausted("LightGBM model: {} bytes, the limit model_text_bytes_max is {}", text.size(), kTextBytesMax);
  }
  const Fields header = SW_TRY(ReadBlock(text));
  Forest forest = SW_TRY(ReadHeader(header));
  const bool is_averaged = header.contains("average_output");  // random forest
  while (true) {
    const Fields fields = SW_TRY(ReadBlock(text));
    if (fields.contains("end of trees")) break;
    if (fields.empty() && !text.empty()) continue;
    if (!fields.contains("Tree")) return InvalidArgument("LightGBM model: ends without 'end of trees'; it was cut off");
    forest.trees.push_back(SW_TRY(ReadTree(fields)));
  }
  if (forest.trees.empty()) return InvalidArgument("LightGBM model: it has no trees; train at least one");
  if (is_averaged) forest.link_divisor = static_cast<double>(forest.trees.size());
  SW_TRY(CheckForest(forest));
  return forest;
}

}  // namespace sw::model
