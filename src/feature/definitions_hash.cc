#include <set>

#include "base/errors.h"
#include "base/hash.h"
#include "feature/definitions.h"

namespace sw::feature {
namespace {

Json ToJson(const std::vector<data::Field>& fields) { return data::Schema{fields}.ToJson(); }

Json ToJson(const std::vector<ComputedColumn>& columns) {
  Json json = Json::MakeArray();
  for (const ComputedColumn& column : columns)
    json.Append(Json::MakeArray({column.name, column.expression}));
  return json;
}

Json ToJson(const LookupDef& lookup) {
  return Json::MakeObject({{"table", lookup.table},
                           {"key", lookup.key},
                           {"on", lookup.on},
                           {"columns", Json::FromRange(lookup.columns)},
                           {"rows", lookup.rows}});
}

Json ToJson(const SourceDef& source) {
  Json types = Json::MakeObject();
  for (const auto& [column, type] : source.types) types.Set(column, data::TypeName(type));
  Json lookups = Json::MakeArray();
  for (const LookupDef& lookup : source.lookups) lookups.Append(ToJson(lookup));
  return Json::MakeObject({{"name", source.name},
                           {"table", source.table},
                           {"null_values", Json::FromRange(source.null_values)},
                           {"types", std::move(types)},
                           {"lookups", std::move(lookups)},
                           {"columns", ToJson(source.columns)},
                           {"where", source.where},
                           {"static", source.is_static},
                           {"event_time", source.event_time},
                           {"created_time", source.created_time},
                           {"delay", source.delay},
                           {"dedupe", Json::FromRange(source.dedupe)}});
}

// Nothing where the definition is as it was before the key existed: hashes of old ones stay.
void SetRest(const FeatureDef& feature, Json& json) {
  if (feature.parameter != 0) json.Set("parameter", feature.parameter);
  if (feature.hop != 0) json.Set("hop", feature.hop);
  if (feature.ttl != 0) json.Set("ttl", feature.ttl);
  if (feature.kind != WindowKind::kSliding) json.Set("tumbling", feature.kind == WindowKind::kTumbling ? "last" : "current");
  if (!feature.divisor) return;
  json.Set("divisor", Json::MakeObject({{"aggregate", AggregateName(feature.divisor->aggregate)},
                                        {"column", feature.divisor->column},
                                        {"parameter", feature.divisor->parameter}}));
}

// One feature as far as its owner is concerned, and what its owner is.
struct Parts {
  std::set<std::string> sources;
  Json features = Json::MakeArray();
};

void AddViewFeature(const ViewDef& view, const EntityDef& entity, const std::string& name,
                    Parts& parts) {
  for (const FeatureDef& feature : view.features) {
    if (feature.name != name) continue;
    Json json = Json::MakeObject({{"name", view.name + "." + name},
                                  {"keys", ToJson(entity.keys)},
                                  {"source", view.source},
                                  {"over_available", view.window_over_available},
                                  {"aggregate", AggregateName(feature.aggregate)},
                                  {"column", feature.column},
                                  {"window", feature.window},
                                  {"strict", feature.strict}});
    SetRest(feature, json);
    parts.features.Append(std::move(json));
  }
  parts.sources.insert(view.source);
}

void AddRequestFeature(const RequestDef& request, const std::string& name, Parts& parts) {
  for (const ComputedColumn& feature : request.features) {
    if (feature.name != name) continue;
    parts.features.Append(Json::MakeObject({{"name", request.name + "." + name},
                                            {"inputs", ToJson(request.inputs)},
                                            {"expression", feature.expression}}));
  }
}

}  // namespace

Result<std::string> ServiceHash(const Definitions& defined, std::string_view service) {
  Parts parts;
  for (const std::string& feature : SW_TRY(ServiceNamed(defined, service)).features) {
    const std::size_t dot = feature.find('.');
    const std::string owner = feature.substr(0, dot), name = feature.substr(dot + 1);
    if (const auto view = defined.views.find(owner); view != defined.views.end()) {
      AddViewFeature(view->second, *SW_TRY(defined.Entity(view->second.entity)), name, parts);
    } else {
      AddRequestFeature(*SW_TRY(defined.Request(owner)), name, parts);
    }
  }
  Json sources = Json::MakeArray();
  for (const std::string& name : parts.sources)
    sources.Append(ToJson(*SW_TRY(defined.Source(name))));
  const Json whole = Json::MakeObject({{"semantics", kSemantics},
                                       {"features", std::move(parts.features)},
                                       {"sources", std::move(sources)}});
  return base::Sha256Hex(whole.Dump());
}

}  // namespace sw::feature
