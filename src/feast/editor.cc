#include "feast/editor.h"

#include <array>
#include <utility>

#include "base/errors.h"
#include "feast/view_changes.h"

namespace sw::feast {
namespace {

namespace core = ::feast::core;

// The Python class of each kind of source, which Feast's registry notes beside it.
std::string_view ClassOf(core::DataSource::SourceType type) {
  switch (type) {
    case core::DataSource::BATCH_FILE: return "feast.infra.offline_stores.file_source.FileSource";
    case core::DataSource::BATCH_BIGQUERY: return "feast.infra.offline_stores.bigquery_source.BigQuerySource";
    case core::DataSource::BATCH_REDSHIFT: return "feast.infra.offline_stores.redshift_source.RedshiftSource";
    case core::DataSource::BATCH_SNOWFLAKE: return "feast.infra.offline_stores.snowflake_source.SnowflakeSource";
    case core::DataSource::BATCH_TRINO: return "feast.infra.offline_stores.contrib.trino_offline_store.trino_source.TrinoSource";
    case core::DataSource::BATCH_SPARK: return "feast.infra.offline_stores.contrib.spark_offline_store.spark_source.SparkSource";
    case core::DataSource::BATCH_ATHENA: return "feast.infra.offline_stores.contrib.athena_offline_store.athena_source.AthenaSource";
    case core::DataSource::BATCH_ICEBERG: return "feast.infra.data_sources.contrib.iceberg_catalog.iceberg_source.IcebergSource";
    case core::DataSource::STREAM_KAFKA: return "feast.data_source.KafkaSource";
    case core::DataSource::STREAM_KINESIS: return "feast.data_source.KinesisSource";
    case core::DataSource::REQUEST_SOURCE: return "feast.data_source.RequestSource";
    case core::DataSource::PUSH_SOURCE: return "feast.data_source.PushSource";
    default: return {};
  }
}

const google::protobuf::RepeatedPtrField<core::FeatureSpecV2>* FeaturesOf(const core::Registry& objects, std::string_view view, std::string_view project) {
  if (const auto* found = FindObject<core::FeatureView>(objects, view, project)) return &found->spec().features();
  if (const auto* found = FindObject<core::StreamFeatureView>(objects, view, project)) return &found->spec().features();
  if (const auto* found = FindObject<core::OnDemandFeatureView>(objects, view, project)) return &found->spec().features();
  if (const auto* found = FindObject<core::LabelView>(objects, view, project)) return &found->spec().features();
  return nullptr;
}

template <typename Object>
void DropObjects(core::Registry& objects, std::string_view project) {
  auto& list = MutableListOf<Object>(objects);
  list.erase(std::remove_if(list.begin(), list.end(), [&](const Object& object) { return ProjectOf(object) == project; }), list.end());
}

}  // namespace

// Makes the project, with the metadata that Feast below 0.41 reads.
Status Editor::Prepare(std::string_view name, std::string_view project) {
  if (name.empty()) return InvalidArgument("the object has no name");
  if (project.empty()) return InvalidArgument("the request names no project");
  if (FindObject<core::Project>(objects_, project, {}) != nullptr) return Ok();
  core::Project& made = *objects_.add_projects();
  made.mutable_spec()->set_name(std::string(project));
  *made.mutable_meta()->mutable_created_timestamp() = now_;
  *made.mutable_meta()->mutable_last_updated_timestamp() = now_;
  core::ProjectMetadata& metadata = *objects_.add_project_metadata();
  metadata.set_project(std::string(project));
  metadata.set_project_uuid(ids_.NewUuid());
  return Ok();
}

template <typename Object>
Status Editor::Replace(Object object, std::string_view project) {
  SW_TRY(Prepare(NameOf(object), project));
  SetProject(object, project);
  auto& list = MutableListOf<Object>(objects_);
  const int index = IndexOf<Object>(objects_, NameOf(object), project);
  const Object* old_object = index < list.size() ? &list[index] : nullptr;
  if constexpr (requires { object.mutable_meta()->mutable_created_timestamp(); }) {
    auto& meta = *object.mutable_meta();
    if (old_object != nullptr) {
      *meta.mutable_created_timestamp() = old_object->meta().created_timestamp();
    } else if (!meta.has_created_timestamp()) {
      *meta.mutable_created_timestamp() = now_;
    }
    *meta.mutable_last_updated_timestamp() = now_;
  }
  if (old_object != nullptr) list.DeleteSubrange(index, 1);
  *list.Add() = std::move(object);
  return Ok();
}

Status Editor::Apply(core::Entity entity, std::string_view project) { return Replace(std::move(entity), project); }
Status Editor::Apply(core::ValidationReference reference, std::string_view project) { return Replace(std::move(reference), project); }
Status Editor::Apply(core::Permission permission, std::string_view project) { return Replace(std::move(permission), project); }

Status Editor::Apply(core::SavedDataset dataset, std::string_view project) {
  if (const auto* old_dataset = FindObject<core::SavedDataset>(objects_, dataset.spec().name(), project)) {
    const core::SavedDatasetMeta& meta = old_dataset->meta();
    if (meta.has_min_event_timestamp()) *dataset.mutable_meta()->mutable_min_event_timestamp() = meta.min_event_timestamp();
    if (meta.has_max_event_timestamp()) *dataset.mutable_meta()->mutable_max_event_timestamp() = meta.max_event_timestamp();
  }
  return Replace(std::move(dataset), project);
}

// One that is as it was is not even touched.
Status Editor::Apply(core::DataSource source, std::string_view project) {
  if (source.type() == core::DataSource::INVALID) return InvalidArgument("Could not identify the source type being added.");
  const auto* old_source = FindObject<core::DataSource>(objects_, source.name(), project);
  if (old_source != nullptr && IsSameSource(*old_source, source)) return Ok();
  const std::string_view class_type = ClassOf(source.type());
  if (source.data_source_class_type().empty()) source.set_data_source_class_type(std::string(class_type));
  return Replace(std::move(source), project);
}

// A service may name views alone: their features are those of the registry.
Status Editor::ResolveProjections(core::FeatureService& service, std::string_view project) const {
  for (core::FeatureViewProjection& projection : *service.mutable_spec()->mutable_features()) {
    const auto is_typed = [](const core::FeatureSpecV2& feature) { return feature.value_type() != ::feast::types::ValueType::INVALID; };
    if (!projection.feature_columns().empty() && std::ranges::all_of(projection.feature_columns(), is_typed)) continue;
    const auto* features = FeaturesOf(objects_, projection.feature_view_name(), project);
    if (features == nullptr) {
      return NotFound("FeastObjectNotFoundException: Feature view '{}' not found in project '{}'", projection.feature_view_name(), project);
    }
    if (projection.feature_columns().empty()) {
      *projection.mutable_feature_columns() = *features;
      continue;
    }
    for (core::FeatureSpecV2& wanted : *projection.mutable_feature_columns()) {
      const auto found = std::ranges::find(*features, wanted.name(), &core::FeatureSpecV2::name);
      if (found == features->end()) return InvalidArgument("feature view {} has no feature {}", projection.feature_view_name(), wanted.name());
      wanted = *found;
    }
  }
  return Ok();
}

Status Editor::Apply(core::FeatureService service, std::string_view project) {
  SW_TRY(ResolveProjections(service, project));
  return Replace(std::move(service), project);
}

Status Editor::Apply(core::Project project) {
  const std::string name = project.spec().name();
  if (name.empty()) return InvalidArgument("The project does not have a name.");
  const int index = IndexOf<core::Project>(objects_, name, {});
  auto& list = *objects_.mutable_projects();
  core::ProjectMeta& meta = *project.mutable_meta();
  if (index < list.size() && list[index].meta().has_created_timestamp()) *meta.mutable_created_timestamp() = list[index].meta().created_timestamp();
  if (!meta.has_created_timestamp()) *meta.mutable_created_timestamp() = now_;
  if (!meta.has_last_updated_timestamp()) *meta.mutable_last_updated_timestamp() = now_;
  if (index < list.size()) list.DeleteSubrange(index, 1);
  *list.Add() = std::move(project);
  return Ok();
}

Status Editor::DeleteProject(std::string_view name) {
  SW_TRY(Delete<core::Project>(name, {}));
  DropObjects<core::ValidationReference>(objects_, name);
  DropObjects<core::SavedDataset>(objects_, name);
  DropObjects<core::FeatureService>(objects_, name);
  DropObjects<core::OnDemandFeatureView>(objects_, name);
  DropObjects<core::StreamFeatureView>(objects_, name);
  DropObjects<core::FeatureView>(objects_, name);
  DropObjects<core::LabelView>(objects_, name);
  DropObjects<core::DataSource>(objects_, name);
  DropObjects<core::Entity>(objects_, name);
  DropObjects<core::Permission>(objects_, name);
  auto& metadata = *objects_.mutable_project_metadata();
  metadata.erase(std::remove_if(metadata.begin(), metadata.end(), [&](const core::ProjectMetadata& one) { return one.project() == name; }), metadata.end());
  if (!objects_.has_feature_view_version_history()) return Ok();
  auto& records = *objects_.mutable_feature_view_version_history()->mutable_records();
  records.erase(std::remove_if(records.begin(), records.end(), [&](const core::FeatureViewVersionRecord& one) { return one.project_id() == name; }),
                records.end());
  return Ok();
}

Status Editor::UpdateInfra(const core::Infra& infra, std::string_view project) {
  SW_TRY(Prepare("infra", project));
  *objects_.mutable_infra() = infra;
  return Ok();
}

}  // namespace sw::feast
