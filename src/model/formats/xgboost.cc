#include "model/formats/xgboost.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/errors.h"
#include "model/formats/document.h"
#include "model/formats/xgboost_categories.h"
#include "model/formats/xgboost_objective.h"
#include "model/formats/xgboost_tree.h"

namespace sw::model {
namespace {

using namespace xgboost;

constexpr std::size_t kFeaturesMax = 1u << 20;
constexpr std::uint32_t kOutputsMax = 1u << 16;

// XGBoost writes parameters as text: "num_class": "3".
Result<std::size_t> Count(const Document& parameters, std::string_view key, std::size_t max,
                          std::optional<std::size_t> fallback = {}) {
  if (fallback && parameters.Find(key) == nullptr) return *fallback;
  const std::string_view text = SW_TRY(parameters.String(key));
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > max) {
    return InvalidArgument("{} is {}: a number up to {} is expected", key, text.substr(0, 40), max);
  }
  return value;
}

Result<float> ParseFloat(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return InvalidArgument("base_score has {}, which is no number it can hold", text.substr(0, 40));
  }
  return value;
}

// "5E-1" up to 3.0, then "[5E-1,2E-1]": one for all outputs, or one an output.
Result<std::vector<float>> ParseBaseScore(std::string_view text) {
  std::vector<float> scores;
  if (text.starts_with('[') || text.starts_with('(')) text = text.substr(1, text.size() - (text.size() > 1 ? 2 : 1));
  while (true) {
    const std::size_t comma = text.find(',');
    scores.push_back(SW_TRY(ParseFloat(text.substr(0, comma))));
    if (comma == std::string_view::npos) return scores;
    text.remove_prefix(comma + 1);
  }
}

Status ReadFeatures(const Document& learner, std::size_t count, Forest& forest) {
  const Document* names = learner.Find("feature_names");
  if (names == nullptr || names->size() == 0) {
    for (std::size_t i = 0; i < count; ++i) forest.features.push_back(fmt::format("f{}", i));
    return Ok();
  }
  for (const Document& name : *SW_TRY(learner.Items("feature_names"))) {
    const auto* text = std::get_if<std::string>(&name.value());
    if (text == nullptr) return InvalidArgument("feature_names has a name of type {}", name.TypeName());
    forest.features.push_back(*text);
  }
  if (forest.features.size() == count) return Ok();
  return InvalidArgument("num_feature is {}, feature_names has {}", count, forest.features.size());
}

// Everything but the trees.
Result<Forest> ReadHead(const Document& learner) {
  const Document& parameters = *SW_TRY(learner.Get("learner_model_param"));
  const std::string_view objective = SW_TRY(SW_TRY(learner.Get("objective"))->String("name"));
  Forest forest{.float_inputs = true, .float_sums = true, .codes = CodeRule::kFloat, .link = SW_TRY(LinkOf(objective))};
  const std::size_t classes = SW_TRY(Count(parameters, "num_class", kOutputsMax, 0));
  const std::size_t targets = SW_TRY(Count(parameters, "num_target", kOutputsMax, 1));
  if (classes > 1 && targets > 1) return InvalidArgument("it has {} classes and {} targets", classes, targets);
  forest.outputs = static_cast<std::uint32_t>(std::max({classes, targets, std::size_t{1}}));
  SW_TRY(ReadFeatures(learner, SW_TRY(Count(parameters, "num_feature", kFeaturesMax)), forest));
  const auto scores = SW_TRY(ParseBaseScore(SW_TRY(parameters.String("base_score"))));
  if (scores.size() != 1 && scores.size() != forest.outputs) {
    return InvalidArgument("base_score has {} values for {} outputs", scores.size(), forest.outputs);
  }
  for (std::size_t i = 0; i < forest.outputs; ++i) {
    forest.base.push_back(SW_TRY(MarginOf(objective, scores[scores.size() == 1 ? 0 : i])));
  }
  return forest;
}

// The number of trees up to and with the best iteration; all of them where there is none.
Result<std::size_t> UsedTrees(const Document& learner, const Document& model, std::size_t trees, const Forest& forest) {
  const Document* attributes = learner.Find("attributes");
  if (attributes == nullptr || attributes->Find("best_iteration") == nullptr) return trees;
  const std::size_t best = SW_TRY(Count(*attributes, "best_iteration", trees));
  if (model.Find("iteration_indptr") == nullptr) {  // before 1.7
    const Document& parameters = *SW_TRY(model.Get("gbtree_model_param"));
    const std::size_t parallel = std::max<std::size_t>(SW_TRY(Count(parameters, "num_parallel_tree", trees, 1)), 1);
    const std::size_t used = (best + 1) * parallel * (forest.leaf_width == 1 ? forest.outputs : 1);
    if (used <= trees) return used;
    return InvalidArgument("best_iteration is {} and needs {} trees of {}", best, used, trees);
  }
  const auto ends = SW_TRY(model.Ints("iteration_indptr"));
  if (best + 1 < ends.size() && ends[best + 1] >= 0 && static_cast<std::size_t>(ends[best + 1]) <= trees) {
    return static_cast<std::size_t>(ends[best + 1]);
  }
  return InvalidArgument("best_iteration is {}, which iteration_indptr does not hold", best);
}

// dart's weights lie in the model since 3.3, before beside it; trees without one count fully.
Result<std::vector<double>> ReadWeights(const Document& booster, const Document& model, std::size_t trees) {
  const Document& holder = booster.Find("weight_drop") != nullptr ? booster : model;
  std::vector<double> weights;
  if (holder.Find("weight_drop") != nullptr) weights = SW_TRY(holder.Doubles("weight_drop"));
  if (weights.size() > trees) return InvalidArgument("weight_drop has {} values for {} trees", weights.size(), trees);
  weights.resize(trees, 1);
  return weights;
}

Result<std::uint32_t> LeafWidth(const Document& tree, const Forest& forest) {
  const Document& parameters = *SW_TRY(tree.Get("tree_param"));
  const std::size_t width = SW_TRY(Count(parameters, "size_leaf_vector", kOutputsMax, 1));
  if (width <= 1) return 1U;
  if (width == forest.outputs) return static_cast<std::uint32_t>(width);
  return InvalidArgument("size_leaf_vector is {} with {} outputs", width, forest.outputs);
}

Result<Tree> ReadNumberedTree(const Document& tree, std::int64_t output, float weight, Forest& forest, Budget& budget) {
  if (SW_TRY(LeafWidth(tree, forest)) != forest.leaf_width) {
    return Unimplemented("vector leaves and plain leaves in one model are not read");
  }
  if (output < 0 || output >= forest.outputs || (forest.leaf_width > 1 && output != 0)) {
    return InvalidArgument("tree_info adds it to output {} of {}", output, forest.outputs);
  }
  Tree read = SW_TRY(ReadTree(tree, forest.leaf_width, weight, budget));
  read.output = static_cast<std::uint32_t>(output);
  return read;
}

// Up to 3.3 offsets of labels count characters where bytes are meant, and the last bytes are lost
// (dmlc/xgboost#12371).
bool DamagesLabels(const Document& document) {
  const auto version = document.Ints("version");
  return !version || version->size() < 2 || std::pair((*version)[0], (*version)[1]) < std::pair<std::int64_t, std::int64_t>(3, 4);
}

Result<Forest> ReadTrees(const Document& document, const Document& booster, Forest forest) {
  const Document& learner = *SW_TRY(document.Get("learner"));
  const Document* nested = booster.Find("gbtree");
  const Document& model = *SW_TRY((nested != nullptr ? *nested : booster).Get("model"));
  const Document::Array& trees = *SW_TRY(model.Items("trees"));
  const auto outputs = SW_TRY(model.Ints("tree_info"));
  if (outputs.size() != trees.size()) {
    return InvalidArgument("tree_info has {} values for {} trees", outputs.size(), trees.size());
  }
  const auto weights = SW_TRY(ReadWeights(booster, model, trees.size()));
  if (!trees.empty()) forest.leaf_width = SW_TRY(LeafWidth(trees[0], forest));
  Budget budget;
  const std::size_t used = SW_TRY(UsedTrees(learner, model, trees.size(), forest));
  for (std::size_t i = 0; i < used; ++i) {
    auto tree = ReadNumberedTree(trees[i], outputs[i], static_cast<float>(weights[i]), forest, budget);
    if (!tree) return base::MakeError(tree.error().code, fmt::format("trees[{}]: {}", i, tree.error().message));
    forest.trees.push_back(*std::move(tree));
  }
  SW_TRY(ReadCategories(model, DamagesLabels(document), forest));
  SW_TRY(CheckForest(forest));
  return forest;
}

Result<FloatLinearModel> ReadLinear(const Document& booster, Forest head) {
  const auto weights = SW_TRY(SW_TRY(booster.Get("model"))->Doubles("weights"));
  if (weights.size() != (head.features.size() + 1) * head.outputs) {
    return InvalidArgument("weights has {} values; {} features and a bias for {} outputs need {}", weights.size(),
                           head.features.size(), head.outputs, (head.features.size() + 1) * head.outputs);
  }
  return FloatLinearModel{.head = std::move(head), .weights = std::vector<float>(weights.begin(), weights.end())};
}

Result<XgboostModel> ReadModel(const Document& document) {
  const Document& learner = *SW_TRY(document.Get("learner"));
  Forest head = SW_TRY(ReadHead(learner));
  const Document& booster = *SW_TRY(learner.Get("gradient_booster"));
  const std::string_view name = SW_TRY(booster.String("name"));
  if (name == "gblinear") return SW_TRY(ReadLinear(booster, std::move(head)));
  if (name == "gbtree" || name == "dart") return SW_TRY(ReadTrees(document, booster, std::move(head)));
  return Unimplemented("the booster {} is not read; gbtree, dart and gblinear are", name.substr(0, 64));
}

}  // namespace

Result<XgboostModel> ParseXgboost(std::string_view bytes) {
  const Document document = SW_TRY(ReadDocument(bytes, /*floats=*/true));
  auto model = ReadModel(document);
  if (!model) return base::MakeError(model.error().code, fmt::format("XGBoost model: {}", model.error().message));
  return model;
}

}  // namespace sw::model
