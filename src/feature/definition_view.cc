#include <algorithm>

#include "feature/definition_parts.h"
#include "feature/expression.h"
#include "feature/expression_syntax.h"

namespace sw::feature {
namespace {

constexpr std::string_view kAggregateNames[] = {"count", "sum",   "mean", "min",
                                                "max",   "first", "last"};

// "mean(arr_delay)"
Status ParseAggregateOf(const Json& json, const std::string& path, FeatureDef& feature) {
  const std::string_view text = json.IsString() ? std::string_view(json.AsString()) : "";
  const std::size_t open = text.find('(');
  if (open == std::string_view::npos || !text.ends_with(')') || open + 2 > text.size() - 1) {
    return WrongValueAt(path, "an aggregate of a column, such as \"mean(arr_delay)\"", json);
  }
  const std::string name(text.substr(0, open));
  const auto aggregate = feature::ParseAggregate(name);
  if (!aggregate) {
    const std::vector<std::string> known(std::begin(kAggregateNames), std::end(kAggregateNames));
    return ConfigError(path, "no aggregate \"{}\"; there are {}{}", name, fmt::join(known, ", "),
                       DidYouMean(name, known));
  }
  feature.aggregate = *aggregate;
  feature.column = text.substr(open + 1, text.size() - open - 2);
  if (feature.column == "*" && feature.aggregate != Aggregate::kCount) {
    return ConfigError(path, "{}(*) means nothing; only count takes *", name);
  }
  return Ok();
}

Result<FeatureDef> ParseFeature(const std::string& name, ConfigTable table) {
  SW_TRY(CheckName(table.path(), name));
  FeatureDef feature;
  feature.name = name;
  SW_TRY(ParseAggregateOf(*SW_TRY(table.Any("agg")), table.PathOf("agg"), feature));
  feature.window = SW_TRY(table.DurationOr("window", 0));
  feature.strict = SW_TRY(table.BoolOr("strict", false));
  const Json* window = table.Find("window");
  SW_TRY(table.RefuseOthers());
  if (window != nullptr && feature.window == 0) {
    return ConfigError(table.PathOf("window"),
                       "expected more than 0; leave it out for all of the history");
  }
  return feature;
}

}  // namespace

Result<EntityDef> ParseEntity(const std::string& name, ConfigTable table) {
  SW_TRY(CheckName(table.path(), name));
  EntityDef entity{.name = name, .keys = SW_TRY(ParseFields(table, "keys"))};
  SW_TRY(table.RefuseOthers());
  for (data::Field& key : entity.keys) {
    if (key.type == data::Type::kFloat64) {
      return ConfigError(fmt::format("{}.keys.{}", table.path(), key.name),
                         "a key may not be float64; use int64 or string");
    }
    key.nullable = false;
  }
  return entity;
}

Result<ViewDef> ParseView(const std::string& name, ConfigTable table) {
  SW_TRY(CheckName(table.path(), name));
  ViewDef view;
  view.name = name;
  view.entity = SW_TRY(table.Text("entity"));
  view.source = SW_TRY(table.Text("source"));
  const std::string over = SW_TRY(table.TextOr("window_over", "event"));
  if (over != "event" && over != "available") {
    return WrongValueAt(table.PathOf("window_over"), "\"event\" or \"available\"", Json(over));
  }
  view.window_over_available = over == "available";
  for (const auto& [feature, json] : SW_TRY(table.MembersOrNone("features"))) {
    const std::string path = fmt::format("{}.{}", table.PathOf("features"), feature);
    view.features.push_back(SW_TRY(ParseFeature(feature, SW_TRY(ConfigTable::Of(json, path)))));
  }
  SW_TRY(table.RefuseOthers());
  if (view.features.empty())
    return ConfigError(table.PathOf("features"), "is missing; a view has at least one feature");
  return view;
}

Result<RequestDef> ParseRequest(const std::string& name, ConfigTable table) {
  SW_TRY(CheckName(table.path(), name));
  RequestDef request;
  request.name = name;
  request.inputs = SW_TRY(ParseFields(table, "inputs"));
  for (const auto& [feature, json] : SW_TRY(table.MembersOrNone("features"))) {
    const std::string path = fmt::format("{}.{}", table.PathOf("features"), feature);
    SW_TRY(CheckName(path, feature));
    if (!json.IsString()) return WrongValueAt(path, "an expression in quotes", json);
    const auto expression = Expression::Compile(json.AsString(), data::Schema{request.inputs});
    if (!expression) return ConfigError(path, "{}", expression.error().message);
    request.features.push_back({feature, json.AsString()});
  }
  SW_TRY(table.RefuseOthers());
  if (request.features.empty())
    return ConfigError(table.PathOf("features"), "is missing; a request has at least one feature");
  return request;
}

Result<ServiceDef> ParseService(const std::string& name, ConfigTable table) {
  SW_TRY(CheckName(table.path(), name));
  ServiceDef service{.name = name, .features = SW_TRY(table.Texts("features"))};
  SW_TRY(table.RefuseOthers());
  return service;
}

Result<TrainingSetDef> ParseTrainingSet(const std::string& name, ConfigTable table) {
  SW_TRY(CheckName(table.path(), name));
  TrainingSetDef set;
  set.name = name;
  set.source = SW_TRY(table.Text("source"));
  set.service = SW_TRY(table.Text("service"));
  set.moment = SW_TRY(table.Text("moment"));
  set.label = SW_TRY(table.Text("label"));
  set.label_time = SW_TRY(table.TextOr("label_time", ""));
  set.id = SW_TRY(table.TextOr("id", ""));
  set.censor_after = SW_TRY(table.DurationOr("censor_after", 0));
  set.slices = SW_TRY(table.TextsOrNone("slices"));
  SW_TRY(table.RefuseOthers());
  for (const auto& [key, expression] : {std::pair{"label", &set.label}, std::pair{"id", &set.id}}) {
    if (expression->empty()) continue;
    if (const auto columns = ParseColumns(*expression); !columns)
      return ConfigError(table.PathOf(key), "{}", columns.error().message);
  }
  return set;
}

}  // namespace sw::feature
