#include "app/model_source.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <utility>

#include "app/app.h"
#include "app/client.h"
#include "app/python_settings.h"
#include "base/errors.h"
#include "base/files.h"
#include "model/model_reader.h"

namespace sw::app {
namespace {

bool IsFolder(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::vector<std::string> Distinct(const std::vector<std::string>& names) {
  std::vector<std::string> distinct;
  std::set<std::string_view> seen;
  for (const std::string& name : names) {
    if (seen.insert(name).second) distinct.push_back(name);
  }
  return distinct;
}

Result<model::EngineOptions> Engines(const Settings& settings) {
  return model::EngineOptions{
      .onnxruntime = {}, .columns = {}, .python = SW_TRY(OpenPythonHost(settings.Text("config")))};
}

Result<LoadedModel> LoadStored(const Settings& settings, const std::string& path) {
  const model::StoredModel stored = SW_TRY(model::ReadModel(path));
  auto engine = model::MakeEngine(stored, SW_TRY(Engines(settings)));
  if (!engine) return std::unexpected(std::move(engine).error().Within(path));
  return LoadedModel(*std::move(engine));
}

// A part's name comes from the manifest: only a hash is let through to the file system.
Result<std::string> ReadPart(const std::string& folder, std::string_view hash) {
  if (hash.size() != 64 || hash.find_first_not_of("0123456789abcdef") != hash.npos) {
    return DataLoss("a part is named {}, which is no hash", hash);
  }
  return base::ReadFile(base::JoinPath(folder, hash), model::kModelBytesMax);
}

Result<LoadedModel> LoadPackageFolder(const Settings& settings, const std::string& folder) {
  const std::string id_path = base::JoinPath(folder, "id");
  if (!base::Exists(id_path)) {
    return InvalidArgument("{} is a folder without a file id or MLmodel, so it is no package folder and no MLflow model",
                           folder);
  }
  std::string id = SW_TRY(base::ReadFile(id_path, 1024));
  while (!id.empty() && (id.back() == '\n' || id.back() == '\r')) id.pop_back();
  auto package = model::LoadPackage(
      id, [&](std::string_view hash) { return ReadPart(folder, hash); }, SW_TRY(Engines(settings)));
  if (!package) return std::unexpected(std::move(package).error().Within(folder));
  return LoadedModel(std::shared_ptr<const model::Package>(*std::move(package)));
}

Result<LoadedModel> LoadRegistered(const Settings& settings, const ModelName& name) {
  const auto app = SW_TRY(App::Open(settings, "predict"));
  net::Request request;
  request.path = fmt::format("/seaworthy/v1/models/{}/versions/{}", Encoded(name.model), Encoded(name.version));
  const Json version = SW_TRY(net::JsonOf(app->Dispatch(std::move(request))));
  return LoadedModel(SW_TRY(app->LoadPackage(SW_TRY(version.GetString("package_id")))));
}

}  // namespace

LoadedModel::LoadedModel(std::unique_ptr<model::Engine> engine)
    : engine_(std::move(engine)), inputs_(Distinct(engine_->inputs())) {}

LoadedModel::LoadedModel(std::shared_ptr<const model::Package> package)
    : package_(std::move(package)), inputs_(package_->content().inputs) {}

Result<data::Batch> LoadedModel::Encoded(data::Batch rows) const {
  if (!package_) return rows;
  return package_->Encoded(std::move(rows));
}

Result<ModelName> ParseModelName(std::string_view text) {
  const std::size_t mark = text.find_first_of("@:");
  ModelName name{std::string(text.substr(0, mark)), "latest"};
  if (mark != text.npos) name.version = text.substr(mark + 1);
  if (!name.model.empty() && !name.version.empty()) return name;
  return InvalidArgument("a registered model is written NAME, NAME@ALIAS or NAME:VERSION, found \"{}\"", text);
}

Result<LoadedModel> LoadModel(const Settings& settings, const std::string& where) {
  if (base::Exists(where)) {
    const bool is_package = IsFolder(where) && !model::IsMlflowFolder(where);
    return is_package ? LoadPackageFolder(settings, where) : LoadStored(settings, where);
  }
  const bool is_path = where.find('/') != where.npos;
  if (!is_path && settings.IsSet("data")) return LoadRegistered(settings, SW_TRY(ParseModelName(where)));
  if (!is_path && settings.IsSet("server")) {
    return InvalidArgument(
        "no such file: {}; a registered model is read from its data folder (--data FOLDER), which no server may have "
        "open; a server scores by its endpoints (seaworthy predict ENDPOINT)",
        where);
  }
  return NotFound(
      "no such file: {}; give a model file, an MLflow or package folder or, with --data FOLDER, a registered model", where);
}

}  // namespace sw::app
