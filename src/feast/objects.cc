#include "feast/objects.h"

#include "base/errors.h"
#include "feast/failure.h"

namespace sw::feast {
namespace core = ::feast::core;

std::unexpected<Error> NoObject(const core::Project*, std::string_view name, std::string_view) {
  return NotFound("ProjectObjectNotFoundException: Project {} does not exist", name);
}
std::unexpected<Error> NoObject(const core::Entity*, std::string_view name, std::string_view project) {
  return EntityNotFound(name, project);
}
std::unexpected<Error> NoObject(const core::DataSource*, std::string_view name, std::string_view project) {
  return DataSourceNotFound(name, project);
}
std::unexpected<Error> NoObject(const core::FeatureService*, std::string_view name, std::string_view project) {
  return FeatureServiceNotFound(name, project);
}
std::unexpected<Error> NoObject(const core::SavedDataset*, std::string_view name, std::string_view project) {
  return NotFound("SavedDatasetNotFound: Saved dataset {} does not exist in project {}", name, project);
}
std::unexpected<Error> NoObject(const core::ValidationReference*, std::string_view name, std::string_view project) {
  return NotFound("ValidationReferenceNotFound: Validation reference {} does not exist in project {}", name, project);
}
std::unexpected<Error> NoObject(const core::Permission*, std::string_view name, std::string_view project) {
  return NotFound("PermissionObjectNotFoundException: Permission {} does not exist in project {}", name, project);
}
google::protobuf::Timestamp TimestampOf(TimeUs time) {
  google::protobuf::Timestamp stamp;
  TimeUs seconds = time / base::kSecondUs;
  if (time % base::kSecondUs < 0) --seconds;
  stamp.set_seconds(seconds);
  stamp.set_nanos(static_cast<std::int32_t>((time - seconds * base::kSecondUs) * 1000));
  return stamp;
}

}  // namespace sw::feast
