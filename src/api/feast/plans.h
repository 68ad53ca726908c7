// Plans: what a project's clients ask for again and again, worked out once a registry snapshot.
//
//   auto plan = SW_TRY(plans.Find("credit", {.features = request.features}));
//
// At most kPlansMax are kept. Thread-safe.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "feast/online_read.h"
#include "feast/registry.h"

namespace sw::feast {

// With what an answer says of each: parts of its JSON.
struct PreparedPlan {
  std::shared_ptr<const OnlinePlan> plan;
  std::string names_json;     // "a","b"
  std::string versions_json;  // {"name":"stats","version":2},...
};

class Plans {
 public:
  static constexpr std::size_t kPlansMax = 1'024;

  struct Wanted {
    std::string_view service;  // empty: features
    std::span<const std::string_view> features;
    bool full_feature_names = false;
  };
  explicit Plans(const Registry* registry) : registry_(registry) {}
  Result<std::shared_ptr<const PreparedPlan>> Find(std::string_view project, const Wanted& wanted);

 private:
  const Registry* const registry_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const PreparedPlan>> plans_;  // guarded by mutex_
};

}  // namespace sw::feast
