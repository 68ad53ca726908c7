#include "feature/plan.h"

#include <algorithm>

#include "base/errors.h"
#include "base/hash.h"

namespace sw::feature {
namespace {

constexpr int kOnlineLayout = 2;  // of chunks and lifetime records; a new one rebuilds the online store

// Chunks are a part of the window, so that a read meets a few dozen, and a write rewrites little.
DurationUs ChunkFor(DurationUs window_max) {
  if (window_max <= 6 * base::kHourUs) return base::kHourUs;
  return window_max <= 32 * base::kDayUs ? base::kDayUs : 30 * base::kDayUs;
}

data::Type ColumnType(const Plan& plan, const SourceDef& source, const std::string& column, bool& seen) {
  if (const auto rows = plan.rows.find(source.name); rows != plan.rows.end()) {
    if (const auto index = rows->second.Find(column)) return rows->second.fields[*index].type;
  }
  seen = false;
  const auto declared = source.types.find(column);
  return declared == source.types.end() ? data::Type::kFloat64 : declared->second;
}

std::size_t AddColumn(const Plan& plan, const SourceDef& source, const std::string& name, ViewPlan& view) {
  for (std::size_t i = 0; i < view.columns.size(); ++i) {
    if (view.columns[i].name == name) return i;
  }
  bool seen = true;
  const data::Type type = name == kEveryRow ? data::Type::kBool : ColumnType(plan, source, name, seen);
  if (!seen) view.unseen.push_back(name);
  view.columns.push_back({name, type});
  return view.columns.size() - 1;
}

Status AddFeature(const Plan& plan, const SourceDef& source, const FeatureDef& def, ViewPlan& view) {
  Feature feature{.aggregate = def.aggregate,
                  .column = AddColumn(plan, source, def.column, view),
                  .parameter = def.parameter,
                  .window = def.window,
                  .hop = def.hop,
                  .kind = def.kind,
                  .strict = def.strict,
                  .ttl = def.ttl};
  if (def.divisor) {
    feature.divisor = Term{.aggregate = def.divisor->aggregate,
                           .column = AddColumn(plan, source, def.divisor->column, view),
                           .parameter = def.divisor->parameter};
  }
  const std::string name = view.name + "." + def.name;
  const auto type = FeatureType(feature, data::Schema{view.columns});
  if (!type) return std::unexpected(Error(type.error()).Within("view." + name));
  view.features.push_back(feature);
  view.outputs.push_back({name, *type});
  view.window_max = std::max(view.window_max, feature.Reach());
  view.has_lifetime |= feature.window == 0;
  return Ok();
}

Status CheckKeys(const Plan& plan, const SourceDef& source, ViewPlan& view) {
  for (const data::Field& key : view.keys) {
    bool seen = true;
    const data::Type type = ColumnType(plan, source, key.name, seen);
    if (!seen) {
      view.unseen.push_back(key.name);
    } else if (type != key.type) {
      return InvalidArgument("view.{}: column \"{}\" of source {} is {}, as a key of entity {} it is {}; declare one of them alike",
                             view.name, key.name, source.name, data::TypeName(type), view.entity, data::TypeName(key.type));
    }
  }
  return Ok();
}

// Names the online layout by what it depends on, so that a changed view never reads another's rows.
std::string PrefixOf(const ViewPlan& view) {
  std::string text = fmt::format("{}|{}|{}|{}|{}", kOnlineLayout, view.source, view.is_static,
                                 view.window_over_available, view.chunk_us);
  for (const data::Field& key : view.keys) text += fmt::format("|k {} {}", key.name, data::TypeName(key.type));
  for (const data::Field& column : view.columns) text += "|c " + column.name;
  for (const Feature& feature : view.features) {
    text += fmt::format("|f {} {}", feature.window, feature.strict);
    for (const Term& term : feature.Terms()) text += fmt::format(" {} {} {}", AggregateName(term.aggregate), term.column, term.parameter);
  }
  return fmt::format("f|{}|{}|", view.name, base::Sha256Hex(text).substr(0, 12));
}

Result<ViewPlan> MakeView(const Plan& plan, const ViewDef& def) {
  const SourceDef& source = *SW_TRY(plan.definitions->Source(def.source));
  const EntityDef& entity = *SW_TRY(plan.definitions->Entity(def.entity));
  ViewPlan view;
  view.name = def.name;
  view.source = def.source;
  view.entity = def.entity;
  view.is_static = source.is_static;
  view.window_over_available = def.window_over_available;
  view.keys = entity.keys;
  SW_TRY(CheckKeys(plan, source, view));
  for (const FeatureDef& feature : def.features) SW_TRY(AddFeature(plan, source, feature, view));
  view.chunk_us = ChunkFor(view.window_max);
  view.prefix = PrefixOf(view);
  return view;
}

Result<RequestPlan> MakeRequest(const RequestDef& def) {
  RequestPlan request{.name = def.name, .inputs = def.inputs, .expressions = {}, .outputs = {}};
  const data::Schema inputs{def.inputs};
  for (const ComputedColumn& feature : def.features) {
    auto compiled = Expression::Compile(feature.expression, inputs);
    const std::string name = def.name + "." + feature.name;
    if (!compiled) return std::unexpected(std::move(compiled).error().Within("request." + name));
    request.outputs.push_back({name, compiled->type()});
    request.expressions.push_back(*std::move(compiled));
  }
  return request;
}

// Finds `name` among the outputs of the view or request that it begins with.
template <typename Parts, typename Used>
bool Resolve(const Parts& parts, const std::string& name, bool is_request, Used& used, ServicePlan& service) {
  const auto part = parts.find(name.substr(0, name.find('.')));
  if (part == parts.end()) return false;
  const auto& outputs = part->second.outputs;
  const auto found = std::find_if(outputs.begin(), outputs.end(), [&](const data::Field& field) { return field.name == name; });
  if (found == outputs.end()) return false;
  auto at = std::find(used.begin(), used.end(), &part->second);
  if (at == used.end()) at = used.insert(used.end(), &part->second);
  service.outputs.push_back({is_request, static_cast<std::size_t>(at - used.begin()),
                             static_cast<std::size_t>(found - outputs.begin())});
  service.schema.fields.push_back(*found);
  return true;
}

Result<ServicePlan> MakeService(const Plan& plan, const ServiceDef& def) {
  ServicePlan service;
  service.name = def.name;
  for (const std::string& name : def.features) {
    if (Resolve(plan.views, name, false, service.views, service)) continue;
    if (Resolve(plan.requests, name, true, service.requests, service)) continue;
    return NotFound("service.{}: no feature \"{}\" in any view or request", def.name, name);
  }
  service.hash = SW_TRY(ServiceHash(*plan.definitions, def.name));
  service.read.fields.push_back({std::string(kReadDefinition), data::Type::kString});
  for (const ViewPlan* view : service.views) service.read.fields.push_back({std::string(kReadCut) + view->name, data::Type::kInt64});
  return service;
}

}  // namespace

Result<const ServicePlan*> Plan::Service(std::string_view name) const {
  const auto found = services.find(name);
  if (found != services.end()) return &found->second;
  SW_TRY(ServiceNamed(*definitions, name));  // names near misses
  return Internal("service {} is defined but not planned", name);
}

std::vector<const ViewPlan*> Plan::ViewsOf(std::string_view source) const {
  std::vector<const ViewPlan*> found;
  for (const auto& [name, view] : views) {
    if (view.source == source) found.push_back(&view);
  }
  return found;
}

Result<std::shared_ptr<const Plan>> MakePlan(std::shared_ptr<const Definitions> definitions,
                                             std::map<std::string, data::Schema> rows) {
  const auto plan = std::make_shared<Plan>();
  plan->definitions = std::move(definitions);
  plan->rows = std::move(rows);
  for (const auto& [name, def] : plan->definitions->views) plan->views.emplace(name, SW_TRY(MakeView(*plan, def)));
  for (const auto& [name, def] : plan->definitions->requests) plan->requests.emplace(name, SW_TRY(MakeRequest(def)));
  for (const auto& [name, def] : plan->definitions->services) plan->services.emplace(name, SW_TRY(MakeService(*plan, def)));
  for (const auto& [name, view] : plan->views) {
    const std::string own = kViewService + name;
    plan->services.emplace(own, SW_TRY(MakeService(*plan, SW_TRY(ServiceNamed(*plan->definitions, own)))));
  }
  return plan;
}

}  // namespace sw::feature
