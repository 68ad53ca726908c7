#include <charconv>
#include <optional>

#include "base/text.h"
#include "feature/definition_parts.h"
#include "feature/expression.h"
#include "feature/expression_syntax.h"

namespace sw::feature {
namespace {

// "name(a, b)" with what stands between its commas; nothing when it is no such call.
struct Call {
  std::string name;
  std::vector<std::string> arguments;
};

std::optional<Call> ParseCall(std::string_view text) {
  text = base::Trimmed(text);
  const std::size_t open = text.find('(');
  if (open == std::string_view::npos || open == 0 || !text.ends_with(')')) return std::nullopt;
  Call call{.name = std::string(base::Trimmed(text.substr(0, open))), .arguments = {}};
  const std::string_view inside = text.substr(open + 1, text.size() - open - 2);
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= inside.size(); ++i) {
    if (i < inside.size() && inside[i] == '(') ++depth;
    if (i < inside.size() && inside[i] == ')') --depth;
    if (depth < 0) return std::nullopt;
    if (i < inside.size() && (inside[i] != ',' || depth > 0)) continue;
    call.arguments.emplace_back(base::Trimmed(inside.substr(begin, i - begin)));
    if (call.arguments.back().empty()) return std::nullopt;
    begin = i + 1;
  }
  if (depth != 0) return std::nullopt;
  return call;
}

Result<double> ParseQuantile(const std::string& path, const Call& call) {
  double q = -1;
  const std::string& text = call.arguments.size() == 2 ? call.arguments[1] : call.name;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), q);
  if (error == std::errc() && end == text.data() + text.size() && q >= 0 && q <= 1) return q;
  return ConfigError(path, "quantile takes a column and which one from 0 to 1, such as \"quantile(amount, 0.9)\"");
}

Result<double> ParseBound(const std::string& path, const Call& call) {
  if (call.arguments.size() == 1) return static_cast<double>(kDistinctExactUsual);
  std::int64_t bound = 0;
  const std::string& text = call.arguments[1];
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bound);
  const bool is_read = error == std::errc() && end == text.data() + text.size();
  if (call.arguments.size() == 2 && is_read && bound >= 1 && bound <= kDistinctExactMax) return static_cast<double>(bound);
  return ConfigError(path, "distinct_count takes a column and up to how many it is exact, 1 to {}, such as \"distinct_count(shop, 4096)\"",
                     kDistinctExactMax);
}

Result<TermDef> ParseTerm(const std::string& path, const Call& call) {
  TermDef term;
  term.column = call.arguments[0];
  const auto aggregate = ParseAggregate(call.name);
  if (!aggregate) return ConfigError(path, "{}", aggregate.error().message);
  term.aggregate = *aggregate;
  if (term.column == "*" && term.aggregate != Aggregate::kCount) {
    return ConfigError(path, "{}(*) means nothing; only count takes *", call.name);
  }
  if (term.aggregate == Aggregate::kQuantile) {
    term.parameter = SW_TRY(ParseQuantile(path, call));
  } else if (term.aggregate == Aggregate::kDistinctCount) {
    term.parameter = SW_TRY(ParseBound(path, call));
  } else if (call.arguments.size() != 1) {
    return ConfigError(path, "{} takes one column, found {}", call.name, fmt::join(call.arguments, ", "));
  }
  return term;
}

void SetTerm(const TermDef& term, FeatureDef& feature) {
  feature.aggregate = term.aggregate;
  feature.column = term.column;
  feature.parameter = term.parameter;
}

// "mean(arr_delay)", or "ratio(sum(late), count(*))"
Status ParseAggregateOf(const Json& json, const std::string& path, FeatureDef& feature) {
  const std::optional<Call> call = json.IsString() ? ParseCall(json.AsString()) : std::nullopt;
  if (!call) return WrongValueAt(path, "an aggregate of a column, such as \"mean(arr_delay)\"", json);
  if (call->name != "ratio") {
    SetTerm(SW_TRY(ParseTerm(path, *call)), feature);
    return Ok();
  }
  std::vector<TermDef> parts;
  for (const std::string& argument : call->arguments) {
    const std::optional<Call> part = ParseCall(argument);
    if (!part) return ConfigError(path, "a ratio is of two aggregates, such as \"ratio(sum(late), count(*))\", found \"{}\"", argument);
    parts.push_back(SW_TRY(ParseTerm(path, *part)));
  }
  if (parts.size() != 2) return ConfigError(path, "a ratio is of two aggregates, found {}", parts.size());
  SetTerm(parts[0], feature);
  feature.divisor = parts[1];
  return Ok();
}

Status ParseWindow(ConfigTable& table, FeatureDef& feature) {
  feature.window = SW_TRY(table.DurationOr("window", 0));
  feature.hop = SW_TRY(table.DurationOr("hop", 0));
  feature.ttl = SW_TRY(table.DurationOr("ttl", 0));
  const std::string tumbling = SW_TRY(table.TextOr("tumbling", ""));
  feature.strict = SW_TRY(table.BoolOr("strict", false));
  if (table.Find("window") != nullptr && feature.window == 0) {
    return ConfigError(table.PathOf("window"), "expected more than 0; leave it out for all of the history");
  }
  const bool may_age = feature.aggregate == Aggregate::kLast || feature.aggregate == Aggregate::kValue;
  if (table.Find("ttl") != nullptr && (feature.ttl == 0 || !may_age || feature.window != 0)) {
    return ConfigError(table.PathOf("ttl"), "expected a duration above 0, of last or value without a window: how old their row may be");
  }
  if (!tumbling.empty() && tumbling != "last" && tumbling != "current") {
    return WrongValueAt(table.PathOf("tumbling"), "\"last\" (the last one that has ended) or \"current\"", Json(tumbling));
  }
  if (feature.window == 0 && (feature.hop != 0 || !tumbling.empty())) {
    return ConfigError(table.PathOf(tumbling.empty() ? "hop" : "tumbling"), "there is no window; give its length in \"window\"");
  }
  if (feature.hop != 0 && !tumbling.empty()) return ConfigError(table.PathOf("hop"), "a tumbling window has no hop; leave one of them out");
  if (feature.hop != 0 && feature.window % feature.hop != 0) {
    return ConfigError(table.PathOf("window"), "is not a multiple of its hop; change one of them");
  }
  if (!tumbling.empty()) feature.kind = tumbling == "last" ? WindowKind::kTumbling : WindowKind::kCurrent;
  return Ok();
}

Result<FeatureDef> ParseFeature(const std::string& name, ConfigTable table) {
  SW_TRY(CheckName(table.path(), name));
  FeatureDef feature;
  feature.name = name;
  SW_TRY(ParseAggregateOf(*SW_TRY(table.Any("agg")), table.PathOf("agg"), feature));
  const Status window = ParseWindow(table, feature);
  SW_TRY(table.RefuseOthers());
  SW_TRY(window);
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
