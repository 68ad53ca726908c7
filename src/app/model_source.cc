#include "app/model_source.h"

#include <set>
#include <utility>

#include "app/app.h"
#include "app/client.h"
#include "app/graph_file.h"
#include "app/package_builder.h"
#include "app/package_folder.h"
#include "app/python_settings.h"
#include "base/errors.h"
#include "base/files.h"
#include "model/model_reader.h"

namespace sw::app {
namespace {

Result<LoadedModel> LoadStored(const Settings& settings, const std::string& path) {
  if (IsGraph(path)) return LoadedModel(SW_TRY(BuildPackage(settings, {.model = path, .python = ""})).package);
  const model::StoredModel stored = SW_TRY(model::ReadModel(path));
  auto engine = model::MakeEngine(stored, SW_TRY(EnginesOf(settings)));
  if (!engine) return std::unexpected(std::move(engine).error().Within(path));
  return LoadedModel(*std::move(engine));
}

Result<LoadedModel> LoadRegistered(const Settings& settings, const ModelName& name) {
  const auto app = SW_TRY(App::Open(settings, "predict"));
  net::Request request;
  request.path = fmt::format("/seaworthy/v1/models/{}/versions/{}", Encoded(name.model), Encoded(name.version));
  const Json version = SW_TRY(net::JsonOf(app->Dispatch(std::move(request))));
  return LoadedModel(SW_TRY(app->LoadPackage(SW_TRY(version.GetString("package_id")))));
}

}  // namespace

std::vector<std::string> DistinctInputs(const model::Engine& engine) {
  std::vector<std::string> distinct;
  std::set<std::string_view> seen;
  for (const std::string& name : engine.inputs()) {
    if (seen.insert(name).second) distinct.push_back(name);
  }
  return distinct;
}

Result<model::EngineOptions> EnginesOf(const Settings& settings) {
  return model::EngineOptions{
      .onnxruntime = {}, .columns = {}, .python = SW_TRY(OpenPythonHost(settings.Text("config")))};
}

LoadedModel::LoadedModel(std::unique_ptr<model::Engine> engine)
    : engine_(std::move(engine)), inputs_(DistinctInputs(*engine_)) {}

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
    if (!IsPackageFolder(where)) return LoadStored(settings, where);
    return LoadedModel(std::shared_ptr<const model::Package>(SW_TRY(LoadPackageFolder(where, SW_TRY(EnginesOf(settings))))));
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
