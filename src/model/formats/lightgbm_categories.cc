#include "model/formats/lightgbm_categories.h"

#include "base/json.h"

namespace sw::model::lightgbm {
namespace {

// What follows `key` up to the end of its line; "" when absent. The last one counts, as for LightGBM.
std::string_view Line(std::string_view text, std::string_view key) {
  const std::size_t at = text.rfind(key);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + key.size());
  std::string_view line = text.substr(0, text.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// The features that training took as categories: "[categorical_feature: 1,6]" of the parameters.
Result<std::vector<std::size_t>> FromParameters(std::string_view list, std::size_t feature_count) {
  std::vector<std::size_t> features;
  list = list.substr(0, list.find(']'));
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const auto feature = SW_TRY(ParseNumber<std::size_t>(list.substr(0, comma), "categorical_feature"));
    if (feature >= feature_count) {
      return InvalidArgument("LightGBM model: categorical_feature names {} of {} features", feature, feature_count);
    }
    features.push_back(feature);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return features;
}

// feature_infos has "[least:greatest]" for a number, "0:2:1" for a category, "none" for neither.
std::vector<std::size_t> FromInfos(std::string_view infos) {
  std::vector<std::size_t> features;
  const auto words = Words(infos);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!words[i].starts_with('[') && words[i] != "none") features.push_back(i);
  }
  return features;
}

Status AddLabel(const Json& label, double code, Dictionary& dictionary) {
  bool is_new = false;
  if (label.IsString()) {
    is_new = dictionary.text.emplace(label.AsString(), code).second;
  } else if (label.IsNumber()) {
    is_new = dictionary.numbers.emplace(label.AsDouble(), code).second;
  } else if (label.IsBool()) {
    is_new = dictionary.numbers.emplace(label.AsBool() ? 1 : 0, code).second;
  } else {
    return InvalidArgument("LightGBM model: pandas_categorical has a label of type {}", label.TypeName());
  }
  if (is_new) return Ok();
  return InvalidArgument("LightGBM model: pandas_categorical has the label {} twice", label.Dump().substr(0, 64));
}

Result<Dictionary> ReadDictionary(const Json& labels) {
  if (!labels.IsArray()) {
    return InvalidArgument("LightGBM model: pandas_categorical must hold lists, found {}", labels.TypeName());
  }
  Dictionary dictionary;
  double code = 0;
  for (const Json& label : labels.AsArray()) SW_TRY(AddLabel(label, code++, dictionary));
  return dictionary;
}

}  // namespace

Status ReadCategories(const Fields& header, std::string_view trailer, Forest& forest) {
  const std::string_view text = Line(trailer, "\npandas_categorical:");
  if (text.empty()) return Ok();
  const Json lists = SW_TRY(Json::Parse(text));
  if (lists.IsNull() || (lists.IsArray() && lists.size() == 0)) return Ok();
  if (!lists.IsArray()) {
    return InvalidArgument("LightGBM model: pandas_categorical must be a list, found {}", lists.TypeName());
  }
  auto features = SW_TRY(FromParameters(Line(trailer, "\n[categorical_feature: "), forest.features.size()));
  if (features.empty()) features = FromInfos(Value(header, "feature_infos"));
  if (features.size() != lists.size() || features.back() >= forest.features.size()) {
    return Unimplemented(
        "LightGBM model: {} columns had the pandas type category and {} features are categories, so that their labels "
        "cannot be matched; train with unordered categories and categorical_feature='auto'",
        lists.size(), features.size());
  }
  forest.dictionaries.resize(forest.features.size());
  for (std::size_t i = 0; i < features.size(); ++i) {
    forest.dictionaries[features[i]] = SW_TRY(ReadDictionary(lists.AsArray()[i]));
  }
  return Ok();
}

}  // namespace sw::model::lightgbm
