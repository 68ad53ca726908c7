#include "app/container_models.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "app/model_folder.h"
#include "app/model_source.h"
#include "base/errors.h"
#include "base/files.h"
#include "base/ids.h"
#include "model/engines/python_engine.h"

namespace sw::app {
namespace {

namespace fs = std::filesystem;

std::uint64_t BytesIn(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return fs::file_size(path, error);
  std::uint64_t bytes = 0;
  for (fs::recursive_directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code no_size;
    if (entry->is_regular_file(no_size)) bytes += entry->file_size(no_size);
  }
  return bytes;
}

}  // namespace

Status ContainerModels::Serve(const std::string& name, const std::string& path) {
  return Publish(name, SW_TRY(ServableModel(*options_.settings, path)));
}

Status ContainerModels::Publish(const std::string& name, std::shared_ptr<const model::Package> package) {
  if (!package->is_verified()) options_.log->Warning("the model is unverified", {{"model", name}, {"why", package->unverified()}});
  const std::string id = package->id();
  serve::EndpointSnapshot snapshot;
  snapshot.name = name;
  snapshot.request = serve::RequestSchemaOf(*package);
  snapshot.is_logged = false;
  snapshot.arms = {{.version = 1, .package = std::move(package), .mode = serve::ArmMode::kLive, .share = 0, .threshold = {}}};
  SW_TRY(options_.endpoints->Replace(std::move(snapshot)));
  options_.log->Info("the model answers", {{"model", name}, {"package", id}});
  return Ok();
}

// Whatever format it turns out to be. A process of a model's own inherits the priority of the thread that starts
// it: where the settings allow Python models, none is loaded at a low one.
Result<std::shared_ptr<const model::Package>> ContainerModels::LoadWithin(const std::string& name, const std::string& path) {
  const model::LoadNeed need = model::NeedOfModel("", BytesIn(path));
  const model::EngineOptions engines = SW_TRY(EnginesOf(*options_.settings));
  const bool may_be_python = engines.python != nullptr && !engines.python->settings.environments.empty();
  return options_.loader->Load("model " + name, need, may_be_python ? model::PackageLoader::Where::kHere : model::PackageLoader::Where::kThread,
                               [&] { return ServableModel(*options_.settings, path); });
}

// Links are followed first: what a path names is where it ends.
Result<std::string> ContainerModels::PathOf(const std::string& url) const {
  const std::string_view plain = std::string_view(url).substr(url.starts_with("file://") ? 7 : 0);
  std::error_code error;
  const std::string folder = fs::canonical(options_.folder, error);
  const std::string path = fs::canonical(plain, error);
  if (error) return NotFound("url {}: {}", url, error.message());
  if (path.starts_with(folder + "/")) return path;
  return InvalidArgument("url {} lies outside of {}", url, options_.folder);
}

Status ContainerModels::Load(const sagemaker::HostedModel& model) {
  if (!base::IsName(model.name)) return InvalidArgument("model_name {}: use up to 128 of A-Z a-z 0-9 _ . -", model.name.substr(0, 64));
  const std::string path = SW_TRY(PathOf(model.url));
  const std::lock_guard loading(load_mutex_);
  {
    const std::lock_guard lock(mutex_);
    if (urls_.contains(model.name)) return AlreadyExists("model {} is loaded already", model.name);
    if (urls_.size() >= kContainerModelsMax) return ResourceExhausted("{} models are loaded (limit container_models_max)", urls_.size());
  }
  SW_TRY(Publish(model.name, SW_TRY(LoadWithin(model.name, path))));
  const std::lock_guard lock(mutex_);
  urls_[model.name] = model.url;
  return Ok();
}

Status ContainerModels::Unload(const std::string& name) {
  {
    const std::lock_guard lock(mutex_);
    if (urls_.erase(name) == 0) return NotFound("model {} is not loaded", name);
  }
  return options_.endpoints->Remove(name);
}

std::vector<sagemaker::HostedModel> ContainerModels::Models() const {
  const std::lock_guard lock(mutex_);
  std::vector<sagemaker::HostedModel> models;
  for (const auto& [name, url] : urls_) models.push_back({name, url});
  return models;
}

}  // namespace sw::app
