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
    std::string folder = {};             // all that Load is asked for lies below
    std::uint64_t memory_bytes_max = 0;  // of this process
  };
  explicit ContainerModels(Options options) : options_(std::move(options)) {}

  // Loads what `path` holds as version 1 of an endpoint, whatever its size. Slow.
  Status Serve(const std::string& name, const std::string& path);

  // INVALID_ARGUMENT for a place outside of the folder; RESOURCE_EXHAUSTED says what the model may need.
  Status Load(const sagemaker::HostedModel& model) override;
  Status Unload(const std::string& name) override;
  std::vector<sagemaker::HostedModel> Models() const override;

 private:
  Result<std::string> PathOf(const std::string& url) const;

  const Options options_;
  std::mutex load_mutex_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> urls_;  // by name; guarded by mutex_
};

// What this process may use: `setting`, or else the least of its control group's limit and the machine's memory.
std::uint64_t MemoryBytesMax(std::uint64_t setting);
// What a model of so many bytes on disk may take while it is loaded: RESOURCE_EXHAUSTED when that and what is
// `resident` are more than `memory_bytes_max`. Pure.
Status CheckRoom(std::uint64_t file_bytes, std::uint64_t resident_bytes, std::uint64_t memory_bytes_max);

}  // namespace sw::app
