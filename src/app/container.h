// Container: whether `seaworthy serve` is some cloud's container, and what that cloud told it by its
// environment. Pure but for a look at what there is on the disk.
//
//   const auto container = SW_TRY(ContainerOf(settings, getenv));
//   if (container) return RunContainer(*container, settings);
//
// SageMaker runs `docker run IMAGE serve` with the model in /opt/ml/model; Vertex AI sets AIP_ variables.
// With a data folder this is a server of that folder, whatever the environment says. Immutable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/sagemaker/container.h"
#include "app/settings.h"
#include "base/result.h"

namespace sw::app {

enum class ContainerKind : std::uint8_t { kSagemaker, kSagemakerMultiModel, kVertex };

struct Container {
  ContainerKind kind = ContainerKind::kSagemaker;
  std::string listen = {};         // "0.0.0.0:8080"
  std::string model_folder = {};   // of a container of one model: its file or folder, or one that holds it alone
  std::string models_folder = {};  // of a multi-model container: all that it may load lies below
  std::size_t body_bytes_max = 0;
  std::string default_accept = {};
  sagemaker::BatchTransform batch = {};
  std::string health_route = {}, predict_route = {};  // Vertex AI's
};

// None: a server of a data folder. INVALID_ARGUMENT names the variable or setting that is wrong;
// UNIMPLEMENTED: a model that lies elsewhere than on the disk, and what to do.
Result<std::optional<Container>> ContainerOf(const Settings& settings, const Settings::Environment& environment);

}  // namespace sw::app
