#include "model/formats/catboost.h"

#include <algorithm>
#include <cmath>

#include "base/errors.h"
#include "model/formats/catboost_features.h"
#include "model/formats/catboost_trees.h"
#include "model/formats/document.h"

namespace sw::model {
namespace {

using namespace catboost;

struct Loss {
  std::string_view name;
  Link link;
};

// What predict_proba of a classifier and predict of a regressor answer by default. Losses of
// classifiers first; then those of Exponent; ranks and the rest are raw values.
constexpr Loss kLosses[] = {
    {"Logloss", Link::kSigmoid},       {"CrossEntropy", Link::kSigmoid},    {"Focal", Link::kSigmoid},
    {"MultiClassOneVsAll", Link::kSigmoid}, {"MultiLogloss", Link::kSigmoid}, {"MultiCrossEntropy", Link::kSigmoid},
    {"MultiClass", Link::kFastSoftmax}, {"Poisson", Link::kExp},            {"Tweedie", Link::kExp},
    {"RMSE", Link::kIdentity},         {"MAE", Link::kIdentity},            {"Quantile", Link::kIdentity},
    {"GroupQuantile", Link::kIdentity}, {"MultiQuantile", Link::kIdentity}, {"LogLinQuantile", Link::kIdentity},
    {"Expectile", Link::kIdentity},    {"LogCosh", Link::kIdentity},        {"Lq", Link::kIdentity},
    {"Huber", Link::kIdentity},        {"MAPE", Link::kIdentity},           {"MultiRMSE", Link::kIdentity},
    {"MultiRMSEWithMissingValues", Link::kIdentity}, {"SurvivalAft", Link::kIdentity}, {"Cox", Link::kIdentity},
    {"QueryRMSE", Link::kIdentity},    {"QuerySoftMax", Link::kIdentity},   {"PairLogit", Link::kIdentity},
    {"PairLogitPairwise", Link::kIdentity}, {"YetiRank", Link::kIdentity},  {"YetiRankPairwise", Link::kIdentity},
    {"StochasticFilter", Link::kIdentity}, {"StochasticRank", Link::kIdentity}, {"LambdaMart", Link::kIdentity},
    {"PythonUserDefinedPerObject", Link::kIdentity}, {"PythonUserDefinedMultiTarget", Link::kIdentity},
};

// A model without parameters (a sum of models) predicts raw values.
Result<Link> ReadLink(const Document& document) {
  const Document* at = document.Find("model_info");
  for (const char* key : {"params", "loss_function"}) at = at == nullptr ? nullptr : at->Find(key);
  if (at == nullptr) return Link::kIdentity;
  const std::string_view name = SW_TRY(at->String("type"));
  const auto* known = std::ranges::find(kLosses, name, &Loss::name);
  if (known != std::end(kLosses)) return known->link;
  return Unimplemented("the loss {} is not read", name.substr(0, 64));
}

// [scale, [bias of each output]], up to 0.24 [scale, bias].
Status ReadScaleAndBias(const Document& document, Forest& forest) {
  const Document* pair = document.Find("scale_and_bias");
  if (pair == nullptr || pair->IsNull()) return Ok();
  std::vector<double> numbers;
  if (const auto* items = std::get_if<Document::Array>(&pair->value()); items != nullptr && items->size() == 2) {
    const auto* whole = std::get_if<std::int64_t>(&(*items)[0].value());
    const auto* real = std::get_if<double>(&(*items)[0].value());
    if (whole == nullptr && real == nullptr) return InvalidArgument("scale_and_bias begins with no number");
    numbers.push_back(whole != nullptr ? static_cast<double>(*whole) : *real);
    if (!(*items)[1].IsNull()) {
      const auto bias = SW_TRY((*items)[1].AsDoubles("scale_and_bias"));
      numbers.insert(numbers.end(), bias.begin(), bias.end());
    }
  } else {
    numbers = SW_TRY(document.Doubles("scale_and_bias"));
  }
  if (numbers.empty()) return InvalidArgument("scale_and_bias is empty");
  if (!std::ranges::all_of(numbers, [](double number) { return std::isfinite(number); })) {
    return InvalidArgument("scale_and_bias is not finite");
  }
  forest.scale = numbers[0];
  numbers.erase(numbers.begin());
  if (!numbers.empty() && numbers.size() != forest.outputs) {
    return InvalidArgument("scale_and_bias has {} biases for {} outputs", numbers.size(), forest.outputs);
  }
  forest.base = std::move(numbers);
  forest.base_last = true;
  return Ok();
}

Result<Forest> ReadForest(const Document& document, const Features& features) {
  Forest forest{.float_inputs = true, .link = SW_TRY(ReadLink(document))};
  const bool is_oblivious = document.Find("oblivious_trees") != nullptr;
  const Document::Array& trees = *SW_TRY(document.Items(is_oblivious ? "oblivious_trees" : "trees"));
  if (trees.empty()) return InvalidArgument("it has no trees; train at least one");
  forest.outputs = SW_TRY(CountOutputs(trees[0], is_oblivious));
  forest.leaf_width = forest.outputs;
  for (std::size_t i = 0; i < trees.size(); ++i) {
    auto tree = (is_oblivious ? ReadObliviousTree : ReadNestedTree)(trees[i], features.splits, forest.outputs);
    if (!tree) return base::MakeError(tree.error().code, fmt::format("trees[{}]: {}", i, tree.error().message));
    forest.trees.push_back(*std::move(tree));
  }
  SW_TRY(ReadScaleAndBias(document, forest));
  return forest;
}

// Trees over columns alone need nothing computed: they read the columns.
Result<CatboostModel> OverColumns(const Features& features, Forest forest) {
  for (const DerivedInput& input : features.inputs) forest.features.push_back(input.name);
  for (Tree& tree : forest.trees) {
    for (Node& node : tree.nodes) {
      node.feature = static_cast<std::int32_t>(features.features[static_cast<std::size_t>(node.feature)].input);
    }
  }
  SW_TRY(CheckForest(forest));
  return forest;
}

Result<CatboostModel> ReadModel(const Document& document) {
  Features features = SW_TRY(ReadFeatures(document));
  Forest forest = SW_TRY(ReadForest(document, features));
  const auto is_column = [](const DerivedFeature& feature) { return feature.kind == DerivedFeature::Kind::kColumn; };
  const bool has_categories = std::ranges::any_of(features.inputs, &DerivedInput::is_category);
  if (!has_categories && std::ranges::all_of(features.features, is_column)) return OverColumns(features, std::move(forest));
  for (std::size_t i = 0; i < features.features.size(); ++i) forest.features.push_back(fmt::format("{}", i));
  DerivedForest model{.inputs = std::move(features.inputs), .keys = std::move(features.keys),
                      .tables = std::move(features.tables), .features = std::move(features.features),
                      .forest = std::move(forest)};
  SW_TRY(CheckDerived(model));
  return model;
}

}  // namespace

Result<CatboostModel> ParseCatboost(std::string_view text) {
  const Document document = SW_TRY(ReadDocument(text));
  auto model = ReadModel(document);
  if (!model) return base::MakeError(model.error().code, fmt::format("CatBoost model: {}", model.error().message));
  return model;
}

}  // namespace sw::model
