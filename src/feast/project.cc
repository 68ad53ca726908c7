#include "feast/project.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/errors.h"
#include "data/schema.h"
#include "feast/failure.h"
#include "feast/objects.h"

namespace sw::feast {
namespace {

namespace core = ::feast::core;

constexpr std::string_view kDummyEntity = "__dummy";
constexpr std::int64_t kTtlSecondsMax = 9'000'000'000'000;  // more is for ever; fits microseconds

template <typename Specs>
std::vector<Field> FieldsOf(const Specs& specs) {
  std::vector<Field> fields;
  fields.reserve(static_cast<std::size_t>(specs.size()));
  for (const core::FeatureSpecV2& spec : specs) fields.push_back({spec.name(), spec.value_type()});
  return fields;
}

std::string_view KindOf(const core::DataSource& source) {
  switch (source.type()) {
    case core::DataSource::BATCH_FILE: return "file";
    case core::DataSource::BATCH_SNOWFLAKE: return "snowflake";
    case core::DataSource::BATCH_BIGQUERY: return "bigquery";
    case core::DataSource::BATCH_REDSHIFT: return "redshift";
    case core::DataSource::STREAM_KAFKA: return "kafka";
    case core::DataSource::STREAM_KINESIS: return "kinesis";
    case core::DataSource::REQUEST_SOURCE: return "request";
    case core::DataSource::PUSH_SOURCE: return "push";
    case core::DataSource::BATCH_TRINO: return "trino";
    case core::DataSource::BATCH_SPARK: return "spark";
    case core::DataSource::BATCH_ATHENA: return "athena";
    case core::DataSource::BATCH_ICEBERG: return "iceberg";
    default: return "custom";
  }
}

// A push source has the table behind it as its own batch source; a chain of them is no table.
std::optional<BatchSource> SourceOf(const core::DataSource& source) {
  if (source.type() == core::DataSource::PUSH_SOURCE) {
    if (!source.has_batch_source() || source.batch_source().type() == core::DataSource::PUSH_SOURCE) return std::nullopt;
    return SourceOf(source.batch_source());
  }
  BatchSource table{.name = source.name(),
                    .uri = source.type() == core::DataSource::BATCH_FILE ? source.file_options().uri() : "",
                    .kind = std::string(KindOf(source)),
                    .field_mapping = {source.field_mapping().begin(), source.field_mapping().end()},
                    .timestamp_field = source.timestamp_field(),
                    .created_timestamp_column = source.created_timestamp_column()};
  return table;
}

DurationUs TtlOf(const google::protobuf::Duration& ttl) {
  if (ttl.seconds() < 0 || ttl.nanos() < 0 || ttl.seconds() > kTtlSecondsMax) return 0;
  return ttl.seconds() * base::kSecondUs + ttl.nanos() / 1'000;
}

template <typename Spec>
void ReadEntities(const core::Registry& objects, std::string_view project, const Spec& spec, View& view) {
  for (const std::string& name : spec.entities()) {
    if (name == kDummyEntity) continue;
    view.entities.push_back(name);
    const auto* entity = FindObject<core::Entity>(objects, name, project);
    if (entity == nullptr && view.unknown_entity.empty()) view.unknown_entity = name;
    Field key{entity == nullptr || entity->spec().join_key().empty() ? name : entity->spec().join_key(),
              entity == nullptr ? ::feast::types::ValueType::INVALID : entity->spec().value_type()};
    for (const core::FeatureSpecV2& column : spec.entity_columns()) {
      if (column.name() == key.name && column.value_type() != ::feast::types::ValueType::INVALID) key.type = column.value_type();
    }
    view.keys.push_back(std::move(key));
  }
}

template <typename Spec>
void ReadSources(const Spec& spec, View& view) {
  if (spec.has_batch_source()) view.source = SourceOf(spec.batch_source());
  if (spec.has_stream_source() && spec.stream_source().type() == core::DataSource::PUSH_SOURCE) {
    view.push_source = spec.stream_source().name();
    if (!view.source) view.source = SourceOf(spec.stream_source());
  }
}

template <typename Object>
View StoredView(const core::Registry& objects, std::string_view project, const Object& object, ViewKind kind) {
  const auto& spec = object.spec();
  View view{.name = spec.name(), .kind = kind, .features = FieldsOf(spec.features()), .ttl = TtlOf(spec.ttl()), .online = spec.online()};
  ReadEntities(objects, project, spec, view);
  ReadSources(spec, view);
  view.enabled = !spec.disabled();
  view.state = object.meta().state();
  view.version = object.meta().current_version_number();
  return view;
}

View LabelView(const core::Registry& objects, std::string_view project, const core::LabelView& object) {
  const auto& spec = object.spec();
  View view{.name = spec.name(), .kind = ViewKind::kLabel, .features = FieldsOf(spec.features()), .ttl = TtlOf(spec.ttl()), .online = spec.online()};
  ReadEntities(objects, project, spec, view);
  if (spec.has_source()) view.source = SourceOf(spec.source());
  if (spec.source().type() == core::DataSource::PUSH_SOURCE) view.push_source = spec.source().name();
  return view;
}

View OnDemandView(const core::Registry& objects, std::string_view project, const core::OnDemandFeatureView& object) {
  const auto& spec = object.spec();
  View view{.name = spec.name(), .kind = ViewKind::kOnDemand, .features = FieldsOf(spec.features()), .online = spec.write_to_online_store()};
  ReadEntities(objects, project, spec, view);
  for (const auto& [name, source] : spec.sources()) {
    if (source.has_feature_view()) view.inputs.push_back(source.feature_view().spec().name());
    if (source.has_feature_view_projection()) view.inputs.push_back(source.feature_view_projection().feature_view_name());
    if (!source.has_request_data_source()) continue;
    for (Field& field : FieldsOf(source.request_data_source().request_data_options().schema())) view.request_inputs.push_back(std::move(field));
  }
  std::ranges::sort(view.inputs);  // the message's map has no order
  std::ranges::sort(view.request_inputs, {}, &Field::name);
  view.mode = spec.mode();
  view.enabled = !spec.disabled();
  view.state = object.meta().state();
  view.version = object.meta().current_version_number();
  return view;
}

template <typename Object>
bool HasObject(const core::Registry& objects, std::string_view project) {
  return std::ranges::any_of(ListOf<Object>(objects), [&](const Object& object) { return IsOf(object, project); });
}

bool HasProject(const core::Registry& objects, std::string_view project) {
  return FindObject<core::Project>(objects, project, project) != nullptr || HasObject<core::Entity>(objects, project) ||
         HasObject<core::DataSource>(objects, project) || HasObject<core::FeatureView>(objects, project) ||
         HasObject<core::StreamFeatureView>(objects, project) || HasObject<core::OnDemandFeatureView>(objects, project) ||
         HasObject<core::LabelView>(objects, project) || HasObject<core::FeatureService>(objects, project);
}

// "driver_stats@v2:trips": what Feast's `_parse_feature_ref` makes of it.
struct Reference {
  std::string_view view;
  std::optional<std::int32_t> version;
  std::string_view feature;
};

Result<Reference> ParseReference(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return InvalidArgument(
        "Invalid feature reference '{}'. Expected format: '<feature_view>:<feature>' or '<feature_view>@<version>:<feature>'", text);
  }
  Reference reference{text.substr(0, colon), std::nullopt, text.substr(colon + 1)};
  const std::size_t at = reference.view.find('@');
  if (at == std::string_view::npos) return reference;
  const std::string_view version = reference.view.substr(at + 1);
  std::string lower(version);
  std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  std::int32_t number = 0;
  const char* end = lower.data() + lower.size();
  const auto parsed = std::from_chars(lower.data() + std::min<std::size_t>(lower.size(), 1), end, number);
  const bool is_number = lower.starts_with('v') && parsed.ec == std::errc() && parsed.ptr == end && number >= 0;
  if (!is_number && !lower.empty() && lower != "latest") return reference;  // a name with an '@'
  if (is_number) reference.version = number;
  reference.view = reference.view.substr(0, at);
  return reference;
}

std::string AliasOf(const Reference& reference) {
  return reference.version ? fmt::format("{}@v{}", reference.view, *reference.version) : std::string(reference.view);
}

Result<std::size_t> FeatureIndex(const View& view, std::string_view name, std::string_view alias) {
  for (std::size_t i = 0; i < view.features.size(); ++i) {
    if (view.features[i].name == name) return i;
  }
  std::vector<std::string> known;
  for (const Field& field : view.features) known.push_back(field.name);
  const auto near = data::NearMisses(name, known);
  return NotFound("Feature {} not found in projection {}{}", name, alias,
                  near.empty() ? "" : fmt::format("; did you mean {}?", fmt::join(near, ", ")));
}

Status CheckEntities(const View& view, std::string_view project) {
  return view.unknown_entity.empty() ? Ok() : EntityNotFound(view.unknown_entity, project);
}

std::unexpected<Error> Collision(const std::set<std::string>& names, bool full) {
  return InvalidArgument("FeatureNameCollisionError: Duplicate features named {} found.\n{}", fmt::join(names, ", "),
                         full ? "To resolve this collision, please ensure that the feature views or their own features have different "
                                "names. If you're intentionally joining the same feature view twice on different sets of entities, "
                                "please rename one of the feature views with '.with_name'."
                              : "To resolve this collision, either use the full feature name by setting 'full_feature_names=True', or "
                                "ensure that the features in question have different names.");
}

}  // namespace

const Field* View::Feature(std::string_view name) const {
  const auto found = std::ranges::find(features, name, &Field::name);
  return found == features.end() ? nullptr : &*found;
}

Result<std::shared_ptr<const Project>> Project::Make(RegistrySnapshot snapshot, std::string_view name) {
  const core::Registry& objects = *snapshot;
  if (!HasProject(objects, name)) return ProjectNotFound(name);
  std::shared_ptr<Project> project(new Project);
  project->name_ = name;
  const auto add = [&](View view) {
    std::string key = view.name;
    project->views_.try_emplace(std::move(key), std::move(view));
  };
  for (const auto& view : objects.feature_views()) {
    if (IsOf(view, name)) add(StoredView(objects, name, view, ViewKind::kBatch));
  }
  for (const auto& view : objects.stream_feature_views()) {
    if (IsOf(view, name)) add(StoredView(objects, name, view, ViewKind::kStream));
  }
  for (const auto& view : objects.on_demand_feature_views()) {
    if (IsOf(view, name)) add(OnDemandView(objects, name, view));
  }
  for (const auto& view : objects.label_views()) {
    if (IsOf(view, name)) add(LabelView(objects, name, view));
  }
  for (const auto& view : objects.feature_views()) {
    if (!IsOf(view, name) || !view.spec().offline()) continue;
    if (const auto found = project->views_.find(view.spec().name()); found != project->views_.end()) found->second.offline = true;
  }
  for (const auto& service : objects.feature_services()) {
    if (IsOf(service, name)) project->services_.try_emplace(service.spec().name(), &service);
  }
  project->snapshot_ = std::move(snapshot);
  return project;
}

const View* Project::Find(std::string_view name) const {
  const auto found = views_.find(name);
  return found == views_.end() ? nullptr : &found->second;
}

Result<const View*> Project::FindView(std::string_view name) const {
  if (const View* view = Find(name)) return view;
  std::vector<std::string> known;
  for (const auto& [other, view] : views_) known.push_back(other);
  Error error = FeatureViewNotFound(name, name_).error();
  if (const auto near = data::NearMisses(name, known); !near.empty()) error.message += fmt::format("; did you mean {}?", fmt::join(near, ", "));
  return std::unexpected(std::move(error));
}

Result<std::vector<const View*>> Project::FedBy(std::string_view push_source) const {
  std::vector<const View*> fed;
  for (const auto& [name, view] : views_) {
    if (!push_source.empty() && view.push_source == push_source) fed.push_back(&view);
  }
  if (fed.empty()) return PushSourceNotFound(push_source);
  return fed;
}

Result<std::vector<WantedView>> Project::Resolve(std::span<const std::string> references) const {
  if (references.empty()) return InvalidArgument("No features specified for retrieval");
  std::vector<WantedView> wanted;
  std::map<std::string, std::size_t> places;
  std::set<std::string_view> seen;
  for (const std::string& text : references) {
    const Reference reference = SW_TRY(ParseReference(text));
    if (!seen.insert(text).second) return Collision({std::string(reference.feature)}, false);
    std::string alias = AliasOf(reference);
    const auto [place, is_new] = places.try_emplace(alias, wanted.size());
    if (is_new) {
      const View* view = SW_TRY(FindView(reference.view));
      SW_TRY(CheckEntities(*view, name_));
      if (reference.version && *reference.version != view->version) {
        return NotFound("FeatureViewVersionNotFound: Version {} of feature view {} does not exist in project {}; the current one is {}",
                        *reference.version, reference.view, name_, view->version);
      }
      wanted.push_back({.view = view, .alias = alias});
    }
    WantedView& target = wanted[place->second];
    const std::size_t feature = SW_TRY(FeatureIndex(*target.view, reference.feature, alias));
    if (std::ranges::find(target.features, feature) != target.features.end()) return Collision({std::string(reference.feature)}, false);
    target.features.push_back(feature);
  }
  return wanted;
}

Result<std::vector<WantedView>> Project::ResolveService(std::string_view service) const {
  const auto found = services_.find(service);
  if (found == services_.end()) return FeatureServiceNotFound(service, name_);
  std::vector<WantedView> wanted;
  for (const core::FeatureViewProjection& projection : found->second->spec().features()) {
    const View* view = SW_TRY(FindView(projection.feature_view_name()));
    SW_TRY(CheckEntities(*view, name_));
    WantedView target{.view = view,
                      .alias = projection.feature_view_name_alias().empty() ? view->name : projection.feature_view_name_alias(),
                      .join_key_map = {projection.join_key_map().begin(), projection.join_key_map().end()}};
    for (const core::FeatureSpecV2& column : projection.feature_columns()) {
      target.features.push_back(SW_TRY(FeatureIndex(*view, column.name(), target.alias)));
    }
    wanted.push_back(std::move(target));
  }
  if (wanted.empty()) return InvalidArgument("No features specified for retrieval");
  return wanted;
}

Status CheckNames(std::span<const WantedView> wanted, bool full_feature_names) {
  std::set<std::string> seen;
  std::set<std::string> twice;
  for (const WantedView& target : wanted) {
    for (const std::size_t feature : target.features) {
      const std::string& name = target.view->features[feature].name;
      const auto [place, is_new] = seen.insert(full_feature_names ? target.alias + "__" + name : name);
      if (!is_new) twice.insert(*place);
    }
  }
  if (!twice.empty()) return Collision(twice, full_feature_names);
  return Ok();
}

}  // namespace sw::feast
