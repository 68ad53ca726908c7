// What Feast's objects have in common, though their messages do not: name, project, tags, times, and the list of the
// registry that holds them.
//
//   const auto* view = FindObject<::feast::core::FeatureView>(objects, "driver_stats", "credit");
//
// Functions; immutable.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>
#include <google/protobuf/timestamp.pb.h>
#include <proto/feast_core.pb.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/clock.h"
#include "base/result.h"
#include "feast/failure.h"

namespace sw::feast {

template <typename Object>
concept HasSpec = requires(const Object& object) { object.spec(); };

template <typename Object>
concept IsView = std::is_same_v<Object, ::feast::core::FeatureView> || std::is_same_v<Object, ::feast::core::StreamFeatureView> ||
                 std::is_same_v<Object, ::feast::core::OnDemandFeatureView> || std::is_same_v<Object, ::feast::core::LabelView>;

template <typename Object>
const google::protobuf::RepeatedPtrField<Object>& ListOf(const ::feast::core::Registry& objects) {
  namespace core = ::feast::core;
  if constexpr (std::is_same_v<Object, core::Project>) return objects.projects();
  if constexpr (std::is_same_v<Object, core::Entity>) return objects.entities();
  if constexpr (std::is_same_v<Object, core::DataSource>) return objects.data_sources();
  if constexpr (std::is_same_v<Object, core::FeatureView>) return objects.feature_views();
  if constexpr (std::is_same_v<Object, core::StreamFeatureView>) return objects.stream_feature_views();
  if constexpr (std::is_same_v<Object, core::OnDemandFeatureView>) return objects.on_demand_feature_views();
  if constexpr (std::is_same_v<Object, core::LabelView>) return objects.label_views();
  if constexpr (std::is_same_v<Object, core::FeatureService>) return objects.feature_services();
  if constexpr (std::is_same_v<Object, core::SavedDataset>) return objects.saved_datasets();
  if constexpr (std::is_same_v<Object, core::ValidationReference>) return objects.validation_references();
  if constexpr (std::is_same_v<Object, core::Permission>) return objects.permissions();
}
template <typename Object>
google::protobuf::RepeatedPtrField<Object>& MutableListOf(::feast::core::Registry& objects) {
  return const_cast<google::protobuf::RepeatedPtrField<Object>&>(ListOf<Object>(objects));
}

template <typename Object>
const std::string& NameOf(const Object& object) {
  if constexpr (HasSpec<Object>) return object.spec().name();
  else return object.name();
}

// Of all but projects.
template <typename Object>
const std::string& ProjectOf(const Object& object) {
  if constexpr (HasSpec<Object>) return object.spec().project();
  else return object.project();
}
template <typename Object>
void SetProject(Object& object, std::string_view project) {
  if constexpr (HasSpec<Object>) object.mutable_spec()->set_project(std::string(project));
  else object.set_project(std::string(project));
}

template <typename Object>
const google::protobuf::Map<std::string, std::string>& TagsOf(const Object& object) {
  if constexpr (HasSpec<Object>) return object.spec().tags();
  else return object.tags();
}

template <typename Object>
bool IsOf(const Object& object, std::string_view project) {
  if constexpr (std::is_same_v<Object, ::feast::core::Project>) return true;
  else return ProjectOf(object) == project;
}

// Where it stands in its list; the list's size when it is not there.
template <typename Object>
int IndexOf(const ::feast::core::Registry& objects, std::string_view name, std::string_view project) {
  const auto& list = ListOf<Object>(objects);
  const auto found = std::ranges::find_if(list, [&](const Object& object) { return NameOf(object) == name && IsOf(object, project); });
  return static_cast<int>(found - list.begin());
}
template <typename Object>
const Object* FindObject(const ::feast::core::Registry& objects, std::string_view name, std::string_view project) {
  const int index = IndexOf<Object>(objects, name, project);
  return index < ListOf<Object>(objects).size() ? &ListOf<Object>(objects)[index] : nullptr;
}

// NOT_FOUND with the exception that Feast raises for this kind of object.
std::unexpected<Error> NoObject(const ::feast::core::Project*, std::string_view name, std::string_view project);
std::unexpected<Error> NoObject(const ::feast::core::Entity*, std::string_view name, std::string_view project);
std::unexpected<Error> NoObject(const ::feast::core::DataSource*, std::string_view name, std::string_view project);
std::unexpected<Error> NoObject(const ::feast::core::FeatureService*, std::string_view name, std::string_view project);
std::unexpected<Error> NoObject(const ::feast::core::SavedDataset*, std::string_view name, std::string_view project);
std::unexpected<Error> NoObject(const ::feast::core::ValidationReference*, std::string_view name, std::string_view project);
std::unexpected<Error> NoObject(const ::feast::core::Permission*, std::string_view name, std::string_view project);
template <IsView View>
std::unexpected<Error> NoObject(const View*, std::string_view name, std::string_view project) {
  return FeatureViewNotFound(name, project);
}

template <typename Object>
Result<const Object*> GetObject(const ::feast::core::Registry& objects, std::string_view name, std::string_view project) {
  const Object* object = FindObject<Object>(objects, name, project);
  if (object == nullptr) return NoObject(object, name, project);
  return object;
}

google::protobuf::Timestamp TimestampOf(TimeUs time);

}  // namespace sw::feast
