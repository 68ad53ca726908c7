#include "model/formats/lightgbm.h"

#include <algorithm>
#include <cmath>

#include "base/errors.h"
#include "model/formats/lightgbm_categories.h"
#include "model/formats/lightgbm_text.h"
#include "model/formats/lightgbm_tree.h"

namespace sw::model {
namespace {

using namespace lightgbm;

constexpr std::size_t kTextBytesMax = 1ull << 30;
constexpr std::uint32_t kOutputsMax = 1u << 16;

// LightGBM reads the sigmoid's parameter with its own Common::Atof, which rounds more than once;
// what it reads is what it predicts with.
Result<double> ParseSigmoid(std::string_view word) {
  const double exact = SW_TRY(ParseNumber<double>(word, "sigmoid"));
  if (!(exact > 0) || std::isinf(exact)) {
    return InvalidArgument("LightGBM model: sigmoid must be above 0, found {}", exact);
  }
  const std::size_t point = word.find('.');
  const bool is_plain = word.find_first_not_of("0123456789.") == std::string_view::npos && word.size() < 16;
  if (point == std::string_view::npos || point == 0 || point + 1 == word.size() || !is_plain) return exact;
  const double whole = SW_TRY(ParseNumber<double>(word.substr(0, point), "sigmoid"));
  const std::string_view digits = word.substr(point + 1);
  double scale = 1;
  for (std::size_t i = 0; i < digits.size(); ++i) scale *= 10;
  return whole + SW_TRY(ParseNumber<double>(digits, "sigmoid")) / scale;
}

struct Objective {
  std::string_view name;
  Link link;
};

// ConvertOutput of LightGBM's src/objective/*.hpp; the word "sqrt" adds kSignedSquare.
constexpr Objective kObjectives[] = {
    {"regression", Link::kIdentity},    {"regression_l1", Link::kIdentity},
    {"fair", Link::kIdentity},          {"quantile", Link::kIdentity},
    {"mape", Link::kIdentity},          {"huber", Link::kIdentity},
    {"poisson", Link::kExp},            {"gamma", Link::kExp},
    {"tweedie", Link::kExp},            {"binary", Link::kSigmoid},
    {"multiclass", Link::kSoftmax},     {"multiclassova", Link::kSigmoid},
    {"cross_entropy", Link::kSigmoid},  {"cross_entropy_lambda", Link::kLogOnePlusExp},
    {"lambdarank", Link::kIdentity},    {"rank_xendcg", Link::kIdentity},
    {"custom", Link::kIdentity},        {"none", Link::kIdentity},
    {"", Link::kIdentity},
};

Status ReadObjective(std::string_view objective, Forest& forest) {
  const auto words = Words(objective);
  const std::string_view name = words.empty() ? "" : words[0];
  const auto* known = std::ranges::find(kObjectives, name, &Objective::name);
  if (known == std::end(kObjectives)) {
    return Unimplemented("LightGBM model: the objective {} is not read", objective.substr(0, 64));
  }
  forest.link = known->link;
  for (const std::string_view word : words) {
    if (word.starts_with("sigmoid:")) forest.link_scale = SW_TRY(ParseSigmoid(word.substr(8)));
    if (word.starts_with("num_class:") &&
        SW_TRY(ParseNumber<std::uint32_t>(word.substr(10), "num_class")) != forest.outputs) {
      return InvalidArgument("LightGBM model: {} with {} trees an iteration", word, forest.outputs);
    }
    const bool squares = forest.link == Link::kIdentity && name != "huber";
    if (word == "sqrt" && squares) forest.link = Link::kSignedSquare;
  }
  return Ok();
}

Status ReadFeatures(const Fields& fields, Forest& forest) {
  const auto features = SW_TRY(One<std::uint32_t>(fields, "max_feature_idx"));
  for (const std::string_view name : Words(Value(fields, "feature_names"))) forest.features.emplace_back(name);
  if (forest.features.size() == static_cast<std::size_t>(features) + 1) return Ok();
  return InvalidArgument("LightGBM model: max_feature_idx={} needs {} feature_names, found {}", features,
                         static_cast<std::size_t>(features) + 1, forest.features.size());
}

Result<Forest> ReadHeader(const Fields& fields) {
  if (!fields.contains("tree") || !fields.contains("version")) {
    return InvalidArgument("LightGBM model: the text must start with 'tree' and 'version='; save with save_model");
  }
  const std::string_view version = fields.at("version");
  if (version != "v3" && version != "v4") {
    return Unimplemented("LightGBM model: version {} is not read; v3 and v4 are", version.substr(0, 64));
  }
  Forest forest;
  forest.tiny_is_zero = true;
  forest.outputs = SW_TRY(One<std::uint32_t>(fields, "num_tree_per_iteration"));
  if (forest.outputs == 0 || forest.outputs > kOutputsMax) {
    return InvalidArgument("LightGBM model: num_tree_per_iteration={}: from 1 to {} are read", forest.outputs,
                           kOutputsMax);
  }
  SW_TRY(ReadFeatures(fields, forest));
  SW_TRY(ReadObjective(Value(fields, "objective"), forest));
  return forest;
}

// Takes the trees off the front of `rest`, up to "end of trees".
Status ReadTrees(std::string_view& rest, Forest& forest) {
  while (true) {
    const Fields fields = SW_TRY(ReadBlock(rest));
    if (fields.contains("end of trees")) return Ok();
    if (fields.empty() && !rest.empty()) continue;
    if (!fields.contains("Tree")) return InvalidArgument("LightGBM model: ends without 'end of trees'; it was cut off");
    Tree tree = SW_TRY(ReadTree(fields));
    tree.output = static_cast<std::uint32_t>(forest.trees.size() % forest.outputs);
    forest.trees.push_back(std::move(tree));
  }
}

}  // namespace

Result<Forest> ParseLightGbm(std::string_view text) {
  if (text.size() > kTextBytesMax) {
    return ResourceExhausted("LightGBM model: {} bytes, the limit model_text_bytes_max is {}", text.size(), kTextBytesMax);
  }
  const Fields header = SW_TRY(ReadBlock(text));
  Forest forest = SW_TRY(ReadHeader(header));
  SW_TRY(ReadTrees(text, forest));
  if (forest.trees.empty()) return InvalidArgument("LightGBM model: it has no trees; train at least one");
  if (forest.trees.size() % forest.outputs != 0) {
    return InvalidArgument("LightGBM model: {} trees are no multiple of num_tree_per_iteration={}; it was cut off",
                           forest.trees.size(), forest.outputs);
  }
  if (header.contains("average_output")) {  // random forest
    forest.link_divisor = static_cast<double>(forest.trees.size() / forest.outputs);
  }
  SW_TRY(ReadCategories(header, text, forest));
  SW_TRY(CheckForest(forest));
  return forest;
}

}  // namespace sw::model
