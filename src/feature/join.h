// The point-in-time join, and the histories that it reads.
//
//   HistoryCache cache(logbook);
//   auto histories = SW_TRY(cache.Get(*plan, "flights", end, false));
//   data::Batch table = SW_TRY(JoinFeatures(service, {&histories->views.at("origin_delays")}, requests, moments, {}));
//
// HistoryCache is thread-safe; JoinFeatures is pure and works on two threads.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "feature/history.h"
#include "feature/plan.h"
#include "store/logbook.h"

namespace sw::feature {

using EntityTable = std::unordered_map<std::string, std::shared_ptr<const History>>;  // by entity key

struct SourceHistories {
  std::int64_t cut = 0;                      // rows of the source's stream that are in
  std::string layout;                        // of what views and columns
  std::map<std::string, EntityTable> views;  // all of the source's, by name
};

// Keeps the histories of each source as of the latest cut asked for; reads only what came since.
class HistoryCache {
 public:
  explicit HistoryCache(const store::Logbook& logbook) : logbook_(logbook) {}
  Result<std::shared_ptr<const SourceHistories>> Get(const Plan& plan, const std::string& source, std::int64_t cut,
                                                     bool ignore_availability);
  void Clear();

 private:
  const store::Logbook& logbook_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const SourceHistories>> latest_;  // by source
};

// `tables`: of each of the service's views. A moment a request row; a row a moment. `row_cuts` as JoinOptions'.
Result<data::Batch> JoinFeatures(const ServicePlan& service, const std::vector<const EntityTable*>& tables,
                                 const data::Batch& requests, const std::vector<TimeUs>& moments,
                                 const std::map<std::string, std::vector<std::int64_t>>& row_cuts, const std::function<void(double)>& progress);

// What `features`, which JoinFeatures gave, are of: for each column one a row.
Result<std::vector<std::vector<FeatureState>>> JoinStates(const ServicePlan& service, const std::vector<const EntityTable*>& tables,
                                                          const data::Batch& requests, const std::vector<TimeUs>& moments,
                                                          const data::Batch& features);

}  // namespace sw::feature
