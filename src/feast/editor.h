// Editor: what Feast does to a registry when an object is applied or deleted. A new object takes the place of the one
// of its name, keeps when that was created and what was materialized; the versions of a view are kept.
//
//   registry->Change([&](::feast::core::Registry& objects) {
//     return Editor(objects, clock.Now(), ids).Apply(request.entity(), request.project());
//   });
//
// Differs from Feast's server: a project's metadata and history go with it; names of views are unique in a project
// whatever their kind; deleting what does not exist leaves no project behind. One owner.
#pragma once

#include <google/protobuf/timestamp.pb.h>
#include <proto/feast_core.pb.h>

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "feast/objects.h"

namespace sw::feast {

class Editor {
 public:
  Editor(::feast::core::Registry& objects, TimeUs now, base::IdGenerator& ids) : objects_(objects), now_(TimestampOf(now)), ids_(ids) {}

  Status Apply(::feast::core::Project project);
  // INVALID_ARGUMENT: no name. A project that does not exist is made.
  Status Apply(::feast::core::Entity entity, std::string_view project);
  Status Apply(::feast::core::DataSource source, std::string_view project);
  Status Apply(::feast::core::FeatureService service, std::string_view project);
  Status Apply(::feast::core::SavedDataset dataset, std::string_view project);
  Status Apply(::feast::core::ValidationReference reference, std::string_view project);
  Status Apply(::feast::core::Permission permission, std::string_view project);
  // Also ALREADY_EXISTS: another kind of view has the name; FAILED_PRECONDITION: an older version is asked for
  // (`version` "v2") and the definition has changed too.
  Status Apply(::feast::core::FeatureView view, std::string_view project) { return ApplyView(std::move(view), project); }
  Status Apply(::feast::core::StreamFeatureView view, std::string_view project) { return ApplyView(std::move(view), project); }
  Status Apply(::feast::core::OnDemandFeatureView view, std::string_view project) { return ApplyView(std::move(view), project); }
  Status Apply(::feast::core::LabelView view, std::string_view project) { return ApplyView(std::move(view), project); }

  // NOT_FOUND, as Feast says it. Not of projects and views.
  template <typename Object>
  Status Delete(std::string_view name, std::string_view project) {
    const int index = IndexOf<Object>(objects_, name, project);
    auto& list = MutableListOf<Object>(objects_);
    if (index == list.size()) return NoObject(static_cast<const Object*>(nullptr), name, project);
    list.DeleteSubrange(index, 1);
    return Ok();
  }
  Status DeleteView(std::string_view name, std::string_view project);  // of whichever kind, and its versions
  Status DeleteProject(std::string_view name);                         // and whatever is in it

  Status Materialized(std::string_view view, std::string_view project, const google::protobuf::Timestamp& from, const google::protobuf::Timestamp& to);
  Status UpdateInfra(const ::feast::core::Infra& infra, std::string_view project);

 private:
  template <typename Object>
  Status Replace(Object object, std::string_view project);
  template <typename View>
  Status ApplyView(View view, std::string_view project);
  template <typename View>
  Status TakeVersion(View& view, std::string_view project, int version);
  template <typename View>
  bool Refresh(View& view, std::string_view project, std::string& old_bytes);
  template <typename View>
  void AddVersion(const View& view, int version, std::string bytes);
  template <typename View>
  bool WasMaterialized(std::string_view view, std::string_view project, const ::feast::core::MaterializationInterval& interval);
  Status Prepare(std::string_view name, std::string_view project);
  Status ResolveProjections(::feast::core::FeatureService& service, std::string_view project) const;
  const ::feast::core::FeatureViewVersionRecord* FindVersion(std::string_view name, std::string_view project, int version) const;
  int NextVersion(std::string_view name, std::string_view project) const;

  ::feast::core::Registry& objects_;
  const google::protobuf::Timestamp now_;
  base::IdGenerator& ids_;
};

}  // namespace sw::feast
