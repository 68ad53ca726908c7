// RegisterModel: gets a model from this machine to where it is registered.
//
//   const Uploaded uploaded = SW_TRY(UploadPackage(settings, {.model = "model.txt"}, *client));
//   client->Post("/seaworthy/v1/models/late/versions", {{"package_id", uploaded.package_id}});
//
// Blocks.
#pragma once

#include <string>

#include "app/client.h"
#include "app/package_builder.h"
#include "app/settings.h"
#include "base/json.h"
#include "base/result.h"

namespace sw::app {

struct Uploaded {
  std::string package_id;
  Json about;  // as BuiltPackage's; {} for a package that was made before
};

// `request.model` may also be a package folder, or the id of a package, which is there already.
// NOT_FOUND when it is none of them.
Result<Uploaded> UploadPackage(const Settings& settings, const BuildRequest& request, Client& client);

// What BuildPackage says of it, with "package_id" and "folder".
Result<Json> MakePackageFolder(const Settings& settings, const BuildRequest& request, const std::string& folder);

}  // namespace sw::app
