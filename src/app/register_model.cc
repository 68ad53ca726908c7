#include "app/register_model.h"

#include <utility>

#include "app/model_source.h"
#include "app/package_folder.h"
#include "base/errors.h"
#include "base/files.h"

namespace sw::app {
namespace {

bool IsPackageId(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

// Members of a graph that are registered where it will be.
FindRegistered FindThrough(Client& client) {
  return [&client](const std::string& text, const model::PutBlob& put) -> Result<std::string> {
    const ModelName name = SW_TRY(ParseModelName(text));
    const Json version = SW_TRY(client.Get(fmt::format("/seaworthy/v1/models/{}/versions/{}", Encoded(name.model), Encoded(name.version))));
    std::string id = SW_TRY(version.GetString("package_id"));
    const Json manifest = SW_TRY(Json::Parse(SW_TRY(client.GetPart(id, id))));
    if (manifest.StringOr("model_format", "") == "graph") return InvalidArgument("{} is a graph, which is no member of a graph", text);
    const auto get = [&](std::string_view hash) -> Result<std::string> {
      std::string bytes = SW_TRY(client.GetPart(id, hash));
      SW_TRY(put(bytes));
      return bytes;
    };
    SW_TRY(model::ReadPackage(id, get));
    return id;
  };
}

}  // namespace

Result<Uploaded> UploadPackage(const Settings& settings, const BuildRequest& request, Client& client) {
  const bool is_here = base::Exists(request.model);
  if (!is_here && IsPackageId(request.model)) return Uploaded{request.model, Json::MakeObject()};
  if (!is_here) {
    return NotFound("{}: no such file or folder, and no package id, which is 64 hex digits", request.model);
  }
  const auto put = [&](std::string_view bytes) { return client.PutBlob(bytes); };
  if (IsPackageFolder(request.model)) {
    return Uploaded{SW_TRY(CopyPackageFolder(request.model, SW_TRY(EnginesOf(settings)), put)), Json::MakeObject()};
  }
  BuildRequest build = request;
  build.registered = FindThrough(client);
  BuiltPackage built = SW_TRY(BuildPackage(settings, build));
  return Uploaded{SW_TRY(model::WritePackage(built.content, put)), std::move(built.about)};
}

Result<Json> MakePackageFolder(const Settings& settings, const BuildRequest& request, const std::string& folder) {
  BuiltPackage built = SW_TRY(BuildPackage(settings, request));
  built.about.Set("package_id", SW_TRY(WritePackageFolder(built.content, folder)));
  built.about.Set("folder", folder);
  return std::move(built.about);
}

}  // namespace sw::app
