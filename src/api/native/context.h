// Context: what the native routes work with. app fills it in once; every pointer outlives the
// routes. Immutable after that; what is pointed at is thread-safe.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "api/native/jobs.h"
#include "auth/keyring.h"
#include "base/caller.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "feature/feature_store.h"
#include "flow/flow.h"
#include "registry/registry.h"
#include "serve/endpoints.h"
#include "store/data_folder.h"
#include "track/tracker.h"

namespace sw::native {

// The configuration that seaworthy.toml declares; app keeps it.
class Configuration {
 public:
  virtual ~Configuration() = default;
  // Checks the text and says what would change, as {"version", "changes": [...],
  // "services_with_new_values": [...], "warnings": [...], "applied": false}.
  // `file` is what errors call it.
  virtual Result<Json> Plan(std::string_view toml, const std::string& file) const = 0;
  // Does the same, and makes it so: the next start finds either all of it or nothing.
  virtual Result<Json> Apply(const Caller& caller, const std::string& toml,
                             const std::string& file) = 0;
  // {"version", "applied", "principal", "file", "toml"}; version 0: nothing was applied yet.
  virtual Result<Json> Current() const = 0;
};

struct Context {
  store::DataFolder* data = nullptr;
  feature::FeatureStore* features = nullptr;
  registry::Registry* registry = nullptr;
  track::Tracker* tracker = nullptr;
  auth::Keyring* keyring = nullptr;
  serve::Endpoints* endpoints = nullptr;
  flow::Flow* flow = nullptr;
  Jobs* jobs = nullptr;
  Configuration* configuration = nullptr;
  const base::Clock* clock = nullptr;
  std::string program_version;
  std::string tables_folder;  // empty: no table may be read by name
  // Moves a manual clock and does all that is due by then; empty: the system's clock runs, and
  // there is no such route.
  std::function<Status(TimeUs)> advance_clock;
  // What doctor says of the running process; `verify` reads every byte on disk.
  std::function<Result<Json>(bool verify)> doctor;
};

}  // namespace sw::native
