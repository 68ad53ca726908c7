// ContainerModels: the models of a cloud's container, loaded from its disk into endpoints.
//
//   ContainerModels models({.settings = &settings, .endpoints = &endpoints, .folder = "/opt/ml/models"});
//   SW_TRY(models.Serve("model", "/opt/ml/model"));
//
// A model is refused for which there may be no room, rather than that the process dies of it. One load
// at a time. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "api/sagemaker/container.h"
#include "app/settings.h"
#include "base/log.h"
#include "model/package_loader.h"
#include "serve/endpoints.h"

namespace sw::app {

inline constexpr std::size_t kContainerModelsMax = 10'000;  // limit container_models_max

class ContainerModels final : public sagemaker::ModelHost {
 public:
  // What is pointed at outlives this.
  struct Options {
    const Settings* settings = nullptr;
    serve::Endpoints* endpoints = nullptr;
    base::Logger* log = nullptr;
    model::PackageLoader* loader = nullptr;
    std::string folder = {};  // all that Load is asked for lies below
  };
  explicit ContainerModels(Options options) : options_(std::move(options)) {}

  // Loads what `path` holds as version 1 of an endpoint, whatever its size, on this thread. Slow.
  Status Serve(const std::string& name, const std::string& path);

  // INVALID_ARGUMENT for a place outside of the folder; RESOURCE_EXHAUSTED where there is no room for the model.
  Status Load(const sagemaker::HostedModel& model) override;
  Status Unload(const std::string& name) override;
  std::vector<sagemaker::HostedModel> Models() const override;

 private:
  Status Publish(const std::string& name, std::shared_ptr<const model::Package> package);
  Result<std::shared_ptr<const model::Package>> LoadWithin(const std::string& name, const std::string& path);
  Result<std::string> PathOf(const std::string& url) const;

  const Options options_;
  std::mutex load_mutex_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> urls_;  // by name; guarded by mutex_
};

}  // namespace sw::app
