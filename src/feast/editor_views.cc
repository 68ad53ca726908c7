#include <string>
#include <utility>

#include "base/errors.h"
#include "feast/editor.h"
#include "feast/view_changes.h"

namespace sw::feast {
namespace {

namespace core = ::feast::core;

template <typename View>
concept IsVersioned = requires(const View& view) { view.meta().current_version_number(); };
template <typename View>
concept IsMaterialized = requires(const View& view) { view.meta().materialization_intervals(); };

std::string_view KindName(const core::FeatureView*) { return "feature_view"; }
std::string_view KindName(const core::StreamFeatureView*) { return "stream_feature_view"; }
std::string_view KindName(const core::OnDemandFeatureView*) { return "on_demand_feature_view"; }
std::string_view KindName(const core::LabelView*) { return "label_view"; }

template <typename View>
std::string_view KindOf() {
  return KindName(static_cast<const View*>(nullptr));
}

template <typename View, typename Other>
bool IsTaken(const core::Registry& objects, std::string_view name, std::string_view project) {
  if constexpr (std::is_same_v<View, Other>) return false;
  else return FindObject<Other>(objects, name, project) != nullptr;
}

template <typename View>
Status CheckKind(const core::Registry& objects, std::string_view name, std::string_view project) {
  if (IsTaken<View, core::FeatureView>(objects, name, project) || IsTaken<View, core::StreamFeatureView>(objects, name, project) ||
      IsTaken<View, core::OnDemandFeatureView>(objects, name, project) || IsTaken<View, core::LabelView>(objects, name, project)) {
    return AlreadyExists("ConflictingFeatureViewNames: The feature view name: {} refers to feature views of different types.", name);
  }
  return Ok();
}

}  // namespace

const core::FeatureViewVersionRecord* Editor::FindVersion(std::string_view name, std::string_view project, int version) const {
  for (const auto& record : objects_.feature_view_version_history().records()) {
    if (record.feature_view_name() == name && record.project_id() == project && record.version_number() == version) return &record;
  }
  return nullptr;
}

int Editor::NextVersion(std::string_view name, std::string_view project) const {
  int last = -1;
  for (const auto& record : objects_.feature_view_version_history().records()) {
    if (record.feature_view_name() == name && record.project_id() == project) last = std::max(last, record.version_number());
  }
  return last + 1;
}

template <typename View>
void Editor::AddVersion(const View& view, int version, std::string bytes) {
  core::FeatureViewVersionRecord& record = *objects_.mutable_feature_view_version_history()->add_records();
  record.set_feature_view_name(view.spec().name());
  record.set_project_id(view.spec().project());
  record.set_version_number(version);
  record.set_feature_view_type(std::string(KindOf<View>()));
  record.set_feature_view_proto(std::move(bytes));
  record.set_version_id(ids_.NewUuid());
  *record.mutable_created_timestamp() = now_;
}

// Makes `view` the version that it asks for; one that is not there yet is what `view` says.
template <typename View>
Status Editor::TakeVersion(View& view, std::string_view project, int version) {
  const std::string name = view.spec().name();
  const core::FeatureViewVersionRecord* record = FindVersion(name, project, version);
  view.mutable_meta()->set_current_version_number(version);
  if (record == nullptr) {
    AddVersion(view, version, view.SerializeAsString());
    return Ok();
  }
  if (record->feature_view_type() != KindOf<View>()) {
    return AlreadyExists("ConflictingFeatureViewNames: The feature view name: {} refers to feature views of different types.", name);
  }
  const View* active = FindObject<View>(objects_, name, project);
  if (active != nullptr && !IsSameDefinition(*active, view)) {
    return FailedPrecondition(
        "FeatureViewPinConflict: Cannot pin feature view '{}' to v{} because the definition has also been modified. To pin to an older version, "
        "only change the 'version' parameter - do not modify other fields. To apply a new definition, use version='latest' or omit the version "
        "parameter.",
        name, version);
  }
  View restored;
  if (!restored.ParseFromString(record->feature_view_proto()) || restored.spec().name() != name) {
    return DataLoss("version v{} of feature view {} cannot be read from the registry", version, name);
  }
  restored.mutable_spec()->set_version(view.spec().version());
  restored.mutable_spec()->set_project(std::string(project));
  restored.mutable_meta()->set_current_version_number(version);
  *restored.mutable_meta()->mutable_last_updated_timestamp() = now_;
  view = std::move(restored);
  return Ok();
}

// True: the view that is there took over all that is new. Otherwise takes it away, and leaves its bytes and what of it
// stays true.
template <typename View>
bool Editor::Refresh(View& view, std::string_view project, std::string& old_bytes) {
  auto& list = MutableListOf<View>(objects_);
  const int index = IndexOf<View>(objects_, view.spec().name(), project);
  if (index == list.size()) return false;
  View& old_view = list[index];
  if (!IsNewVersion(old_view, view)) {
    UpdateInPlace(old_view, view, now_);
    return true;
  }
  old_bytes = old_view.SerializeAsString();
  *view.mutable_meta()->mutable_created_timestamp() = old_view.meta().created_timestamp();
  if constexpr (IsMaterialized<View>) {
    if (view.meta().materialization_intervals().empty()) {
      *view.mutable_meta()->mutable_materialization_intervals() = old_view.meta().materialization_intervals();
    }
  }
  list.DeleteSubrange(index, 1);
  return false;
}

template <typename View>
Status Editor::ApplyView(View view, std::string_view project) {
  SW_TRY(Prepare(view.spec().name(), project));
  SW_TRY(CheckKind<View>(objects_, view.spec().name(), project));
  SetProject(view, project);
  if (!view.meta().has_created_timestamp()) *view.mutable_meta()->mutable_created_timestamp() = now_;
  *view.mutable_meta()->mutable_last_updated_timestamp() = now_;
  bool is_latest = true;
  if constexpr (IsVersioned<View>) {
    const WantedVersion wanted = SW_TRY(ParseVersion(view.spec().version()));
    is_latest = wanted.is_latest;
    if (!is_latest) SW_TRY(TakeVersion(view, project, wanted.number));
  }
  std::string old_bytes;
  if (Refresh(view, project, old_bytes)) return Ok();
  if (is_latest) {
    int version = 0;
    if (!old_bytes.empty()) {
      version = NextVersion(view.spec().name(), project);
      if (version == 0) AddVersion(view, version++, std::move(old_bytes));
    }
    if constexpr (IsVersioned<View>) view.mutable_meta()->set_current_version_number(version);
    AddVersion(view, version, view.SerializeAsString());
  }
  *MutableListOf<View>(objects_).Add() = std::move(view);
  return Ok();
}

template Status Editor::ApplyView(core::FeatureView view, std::string_view project);
template Status Editor::ApplyView(core::StreamFeatureView view, std::string_view project);
template Status Editor::ApplyView(core::OnDemandFeatureView view, std::string_view project);
template Status Editor::ApplyView(core::LabelView view, std::string_view project);

Status Editor::DeleteView(std::string_view name, std::string_view project) {
  const auto is_deleted = [&](const auto* kind) { return Delete<std::remove_cvref_t<decltype(*kind)>>(name, project).has_value(); };
  if (!is_deleted(static_cast<const core::FeatureView*>(nullptr)) && !is_deleted(static_cast<const core::OnDemandFeatureView*>(nullptr)) &&
      !is_deleted(static_cast<const core::StreamFeatureView*>(nullptr)) && !is_deleted(static_cast<const core::LabelView*>(nullptr))) {
    return FeatureViewNotFound(name, project);
  }
  if (!objects_.has_feature_view_version_history()) return Ok();
  auto& records = *objects_.mutable_feature_view_version_history()->mutable_records();
  const auto gone = std::remove_if(records.begin(), records.end(), [&](const core::FeatureViewVersionRecord& record) {
    return record.feature_view_name() == name && record.project_id() == project;
  });
  records.erase(gone, records.end());
  return Ok();
}

template <typename View>
bool Editor::WasMaterialized(std::string_view view, std::string_view project, const core::MaterializationInterval& interval) {
  auto& list = MutableListOf<View>(objects_);
  const int index = IndexOf<View>(objects_, view, project);
  if (index == list.size()) return false;
  View changed = list[index];
  *changed.mutable_meta()->add_materialization_intervals() = interval;
  *changed.mutable_meta()->mutable_last_updated_timestamp() = now_;
  changed.mutable_meta()->set_state(core::AVAILABLE_ONLINE);
  list.DeleteSubrange(index, 1);
  *list.Add() = std::move(changed);
  return true;
}

Status Editor::Materialized(std::string_view view, std::string_view project, const google::protobuf::Timestamp& from,
                            const google::protobuf::Timestamp& to) {
  core::MaterializationInterval interval;
  *interval.mutable_start_time() = from;
  *interval.mutable_end_time() = to;
  if (WasMaterialized<core::FeatureView>(view, project, interval) || WasMaterialized<core::StreamFeatureView>(view, project, interval)) return Ok();
  if (FindObject<core::OnDemandFeatureView>(objects_, view, project) != nullptr) return Ok();  // has nowhere to note it
  return FeatureViewNotFound(view, project);
}

}  // namespace sw::feast
