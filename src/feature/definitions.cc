#include "feature/definitions.h"

#include <algorithm>
#include <set>

#include "base/errors.h"
#include "feature/config_table.h"
#include "feature/definition_parts.h"
#include "feature/expression_syntax.h"

namespace sw::feature {
namespace {

template <typename T>
std::vector<std::string> NamesOf(const std::map<std::string, T>& defined) {
  std::vector<std::string> names;
  for (const auto& [name, value] : defined) names.push_back(name);
  return names;
}

template <typename T>
Result<const T*> FindIn(const std::map<std::string, T>& defined, std::string_view kind,
                        std::string_view name) {
  const auto found = defined.find(std::string(name));
  if (found != defined.end()) return &found->second;
  return NotFound("no {} \"{}\"{}", kind, name, DidYouMean(name, NamesOf(defined)));
}

// All definitions of one kind: [source.flights], [source.weather], ...
template <typename T>
Status ParseAll(ConfigTable& config, std::string_view kind,
                Result<T> (*parse)(const std::string&, ConfigTable),
                std::map<std::string, T>& into) {
  for (const auto& [name, json] : SW_TRY(config.MembersOrNone(kind))) {
    ConfigTable table = SW_TRY(ConfigTable::Of(json, fmt::format("{}.{}", kind, name)));
    into.emplace(name, SW_TRY(parse(name, std::move(table))));
  }
  return Ok();
}

// Puts the path of the key that holds the reference in front of "no source ...".
template <typename T>
Result<T> Referred(Result<T> result, const std::string& path) {
  if (result) return result;
  return ConfigError(path, "{}", result.error().message);
}

Status CheckView(const Definitions& defined, const ViewDef& view) {
  const std::string path = "view." + view.name;
  SW_TRY(Referred(defined.Entity(view.entity), path + ".entity"));
  const SourceDef* source = SW_TRY(Referred(defined.Source(view.source), path + ".source"));
  if (defined.requests.contains(view.name)) {
    return ConfigError(
        path, "a request has this name too; a service could not tell their features apart");
  }
  if (!source->is_static) return Ok();
  if (view.window_over_available)
    return ConfigError(path + ".window_over", "source \"{}\" is static: its rows have no time",
                       source->name);
  for (const FeatureDef& feature : view.features) {
    if (feature.window == 0 && feature.ttl == 0 && !feature.strict) continue;
    return ConfigError(
        fmt::format("{}.features.{}", path, feature.name),
        "source \"{}\" is static: its rows have no time, so that there is no window, ttl or strict",
        source->name);
  }
  return Ok();
}

// The names of the features of a view or request.
Result<std::vector<std::string>> FeaturesOf(const Definitions& defined, const std::string& owner,
                                            const std::string& path) {
  std::vector<std::string> names;
  if (const auto view = defined.views.find(owner); view != defined.views.end()) {
    for (const FeatureDef& feature : view->second.features) names.push_back(feature.name);
  } else if (const auto request = defined.requests.find(owner); request != defined.requests.end()) {
    for (const ComputedColumn& feature : request->second.features) names.push_back(feature.name);
  } else {
    std::vector<std::string> owners = NamesOf(defined.views);
    for (const std::string& name : NamesOf(defined.requests)) owners.push_back(name);
    return ConfigError(path, "no view or request \"{}\"{}", owner, DidYouMean(owner, owners));
  }
  return names;
}

// "trip.*" becomes trip's features.
Status ExpandFeatures(const Definitions& defined, ServiceDef& service) {
  const std::string path = fmt::format("service.{}.features", service.name);
  std::vector<std::string> expanded;
  for (const std::string& written : service.features) {
    const std::size_t dot = written.find('.');
    if (dot == std::string::npos)
      return WrongValueAt(path, "\"view.feature\" or \"view.*\"", Json(written));
    const std::string owner = written.substr(0, dot), feature = written.substr(dot + 1);
    const std::vector<std::string> names = SW_TRY(FeaturesOf(defined, owner, path));
    const bool is_all = feature == "*";
    if (!is_all && std::ranges::find(names, feature) == names.end()) {
      return ConfigError(path, "no feature \"{}\" in \"{}\"{}", feature, owner,
                         DidYouMean(feature, names));
    }
    for (const std::string& name : names) {
      if (is_all || name == feature) expanded.push_back(fmt::format("{}.{}", owner, name));
    }
  }
  std::set<std::string_view> seen;
  for (const std::string& name : expanded) {
    if (!seen.insert(name).second) return ConfigError(path, "\"{}\" comes twice", name);
  }
  service.features = std::move(expanded);
  return Ok();
}

// A request brings one value for each name: keys and inputs that share one must share its type.
Status CheckInputs(const Definitions& defined, const ServiceDef& service) {
  std::map<std::string, data::Type> types;
  for (const std::string& feature : service.features) {
    const std::string owner = feature.substr(0, feature.find('.'));
    const auto view = defined.views.find(owner);
    const auto& fields = view != defined.views.end() ? defined.entities.at(view->second.entity).keys
                                                     : defined.requests.at(owner).inputs;
    for (const data::Field& field : fields) {
      const auto [seen, is_new] = types.emplace(field.name, field.type);
      if (is_new || seen->second == field.type) continue;
      return ConfigError(fmt::format("service.{}.features", service.name),
                         "\"{}\" takes \"{}\" as {}, another feature as {}", feature, field.name,
                         data::TypeName(field.type), data::TypeName(seen->second));
    }
  }
  return Ok();
}

Status CheckTrainingSet(const Definitions& defined, const TrainingSetDef& set) {
  const std::string path = "training_set." + set.name;
  const SourceDef* source = SW_TRY(Referred(defined.Source(set.source), path + ".source"));
  SW_TRY(Referred(defined.Service(set.service), path + ".service"));
  if (source->is_static)
    return ConfigError(path + ".source", "source \"{}\" is static: its rows have no moment",
                       source->name);
  return Ok();
}

}  // namespace

Result<ServiceDef> ServiceNamed(const Definitions& defined, std::string_view name) {
  if (!name.starts_with(kViewService)) return *SW_TRY(defined.Service(name));
  const ViewDef* view = SW_TRY(defined.View(name.substr(1)));
  ServiceDef service{.name = std::string(name), .features = {}};
  for (const FeatureDef& feature : view->features) service.features.push_back(view->name + "." + feature.name);
  return service;
}

Result<const SourceDef*> Definitions::Source(std::string_view name) const {
  return FindIn(sources, "source", name);
}
Result<const EntityDef*> Definitions::Entity(std::string_view name) const {
  return FindIn(entities, "entity", name);
}
Result<const ViewDef*> Definitions::View(std::string_view name) const {
  return FindIn(views, "view", name);
}
Result<const RequestDef*> Definitions::Request(std::string_view name) const {
  return FindIn(requests, "request", name);
}
Result<const ServiceDef*> Definitions::Service(std::string_view name) const {
  return FindIn(services, "service", name);
}
Result<const TrainingSetDef*> Definitions::TrainingSet(std::string_view name) const {
  return FindIn(training_sets, "training set", name);
}

Result<Definitions> ParseDefinitions(const Json& config) {
  ConfigTable table = SW_TRY(ConfigTable::Of(config, ""));
  Definitions defined;
  SW_TRY(ParseAll(table, "source", ParseSource, defined.sources));
  SW_TRY(ParseAll(table, "entity", ParseEntity, defined.entities));
  SW_TRY(ParseAll(table, "view", ParseView, defined.views));
  SW_TRY(ParseAll(table, "request", ParseRequest, defined.requests));
  SW_TRY(ParseAll(table, "service", ParseService, defined.services));
  SW_TRY(ParseAll(table, "training_set", ParseTrainingSet, defined.training_sets));
  for (const auto& [name, view] : defined.views) SW_TRY(CheckView(defined, view));
  for (auto& [name, service] : defined.services) {
    SW_TRY(ExpandFeatures(defined, service));
    SW_TRY(CheckInputs(defined, service));
  }
  for (const auto& [name, set] : defined.training_sets) SW_TRY(CheckTrainingSet(defined, set));
  return defined;
}

}  // namespace sw::feature
