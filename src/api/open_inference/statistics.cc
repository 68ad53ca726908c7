#include "api/open_inference/statistics.h"

#include "api/wire/predict.h"

namespace sw::open_inference {

std::vector<NamedStatistics> AllStatistics(const serve::Endpoints& endpoints) {
  std::vector<NamedStatistics> all;
  for (const std::string& name : endpoints.Names()) {
    for (const serve::VersionStatistics& version : endpoints.Statistics(name)) all.push_back({name, version});
  }
  return all;
}

Result<std::vector<NamedStatistics>> StatisticsOf(const serve::Endpoints& endpoints, std::string_view model, std::string_view version) {
  if (model.empty()) return AllStatistics(endpoints);
  const wire::Target target = SW_TRY(wire::FindTarget(endpoints, model, version));
  std::vector<NamedStatistics> found;
  for (const serve::VersionStatistics& each : endpoints.Statistics(model)) {
    if (!target.version || *target.version == each.version) found.push_back({target.endpoint->name, each});
  }
  return found;
}

}  // namespace sw::open_inference
