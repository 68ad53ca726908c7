// What versions did since the process began, as the three forms of it name them: JSON, gRPC and nv_ metrics.
// Inside this room only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "serve/endpoints.h"

namespace sw::open_inference {

struct NamedStatistics {
  std::string model;
  serve::VersionStatistics of;
};

std::vector<NamedStatistics> AllStatistics(const serve::Endpoints& endpoints);
// Of one model or version; of all where `model` is empty. NOT_FOUND.
Result<std::vector<NamedStatistics>> StatisticsOf(const serve::Endpoints& endpoints, std::string_view model, std::string_view version);

}  // namespace sw::open_inference
