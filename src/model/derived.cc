#include "model/derived.h"

#include <algorithm>

#include "base/errors.h"
#include "model/city_hash.h"

namespace sw::model {
namespace {

Status CheckInput(const DerivedForest& model, std::uint32_t input, bool is_category) {
  if (input < model.inputs.size() && model.inputs[input].is_category == is_category) return Ok();
  return InvalidArgument("a feature reads column {} of {} as {}", input, model.inputs.size(),
                         is_category ? "a category" : "a number");
}

Status CheckKey(const DerivedForest& model, const CategoryKey& key) {
  for (const std::uint32_t input : key.categories) SW_TRY(CheckInput(model, input, true));
  for (const AboveTest& test : key.above) SW_TRY(CheckInput(model, test.input, false));
  for (const EqualTest& test : key.equal) SW_TRY(CheckInput(model, test.input, true));
  return Ok();
}

Status CheckFeature(const DerivedForest& model, const DerivedFeature& feature) {
  if (feature.kind != DerivedFeature::Kind::kStatistic) {
    return CheckInput(model, feature.input, feature.kind == DerivedFeature::Kind::kCode);
  }
  if (feature.key >= model.keys.size() || feature.table >= model.tables.size()) {
    return InvalidArgument("a statistic reads key {} of {} and table {} of {}", feature.key, model.keys.size(),
                           feature.table, model.tables.size());
  }
  const auto& table = model.tables[feature.table];
  const bool is_inside = std::ranges::all_of(table, [&](const auto& entry) { return entry.second < feature.values.size(); });
  if (is_inside) return Ok();
  return InvalidArgument("a table of {} rows has {} values", table.size(), feature.values.size());
}

}  // namespace

std::int32_t CategoryHash(std::string_view text) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(CityHash64(text)));
}

Status CheckDerived(const DerivedForest& model) {
  if (model.features.size() != model.forest.features.size() || !model.forest.dictionaries.empty()) {
    return InvalidArgument("{} features for {} of the trees", model.features.size(), model.forest.features.size());
  }
  for (const CategoryKey& key : model.keys) SW_TRY(CheckKey(model, key));
  for (const DerivedFeature& feature : model.features) SW_TRY(CheckFeature(model, feature));
  return CheckForest(model.forest);
}

}  // namespace sw::model
