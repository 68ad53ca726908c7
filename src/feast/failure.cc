#include "feast/failure.h"

#include <algorithm>
#include <array>

#include "base/errors.h"
#include "base/json.h"

namespace sw::feast {
namespace {

// Of feast.errors 0.67: a client imports the class by its name, and warns of one that it does not have.
constexpr auto kClasses = std::to_array<std::string_view>({
    "ConcurrentVersionConflict",
    "ConflictingFeatureViewNames",
    "DataFrameSerializationError",
    "DataSourceNoNameException",
    "DataSourceNotFoundException",
    "DataSourceObjectNotFoundException",
    "DataSourceRepeatNamesException",
    "EntityNotFoundException",
    "EntityTimestampInferenceException",
    "FeastEntityDFMissingColumnsError",
    "FeastError",
    "FeastJoinKeysDuringMaterialization",
    "FeastObjectNotFoundException",
    "FeastOfflineStoreUnsupportedDataSource",
    "FeastPermissionError",
    "FeatureNameCollisionError",
    "FeatureServiceNotFoundException",
    "FeatureViewNotFoundException",
    "FeatureViewPinConflict",
    "FeatureViewVersionNotFound",
    "OnDemandFeatureViewNotFoundException",
    "PermissionNotFoundException",
    "PermissionObjectNotFoundException",
    "ProjectNotFoundException",
    "ProjectObjectNotFoundException",
    "PushSourceNotFoundException",
    "ReadOnlyRegistryException",
    "RegistryInferenceFailure",
    "RequestDataNotFoundInEntityDfException",
    "RequestDataNotFoundInEntityRowsException",
    "SavedDatasetLocationAlreadyExists",
    "SavedDatasetNotFound",
    "SpecifiedFeaturesNotPresentError",
    "ValidationReferenceNotFound",
    "VersionedOnlineReadNotSupported",
    "ZeroColumnQueryResult",
    "ZeroRowsQueryResult",
});

std::unexpected<Error> Missing(std::string_view exception, std::string_view what, std::string_view name, std::string_view project) {
  if (project.empty()) return NotFound("{}: {} {} does not exist", exception, what, name);
  return NotFound("{}: {} {} does not exist in project {}", exception, what, name, project);
}

}  // namespace

std::unexpected<Error> EntityNotFound(std::string_view name, std::string_view project) {
  return Missing("EntityNotFoundException", "Entity", name, project);
}

std::unexpected<Error> FeatureViewNotFound(std::string_view name, std::string_view project) {
  return Missing("FeatureViewNotFoundException", "Feature view", name, project);
}

std::unexpected<Error> FeatureServiceNotFound(std::string_view name, std::string_view project) {
  return Missing("FeatureServiceNotFoundException", "Feature service", name, project);
}

std::unexpected<Error> DataSourceNotFound(std::string_view name, std::string_view project) {
  return Missing("DataSourceObjectNotFoundException", "Data source", name, project);
}

std::unexpected<Error> PushSourceNotFound(std::string_view name) {
  return NotFound("PushSourceNotFoundException: Unable to find push source '{}'.", name);
}

std::unexpected<Error> ProjectNotFound(std::string_view name) {
  return NotFound("ProjectNotFoundException: Project {} does not exist in registry", name);
}

Exception ExceptionOf(const Error& error) {
  const std::string_view message = error.message;
  const std::size_t colon = message.find(": ");
  if (colon != std::string_view::npos && std::ranges::binary_search(kClasses, message.substr(0, colon))) {
    return {message.substr(0, colon), message.substr(colon + 2)};
  }
  if (error.code == ErrorCode::kPermissionDenied || error.code == ErrorCode::kUnauthenticated) return {"FeastPermissionError", message};
  return {"FeastError", message};
}

std::string ErrorDetail(const Error& error) {
  const Exception exception = ExceptionOf(error);
  return Json::MakeObject({{"module", "feast.errors"}, {"class", exception.name}, {"message", exception.message}}).Dump();
}

}  // namespace sw::feast
