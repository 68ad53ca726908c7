// Packages: loaded model packages by id, kept for as long as somebody uses them, and the last few
// for longer: monitors ask for them hour after hour. Thread-safe.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "eval/lineage.h"
#include "flow/engine_tuner.h"
#include "model/package.h"
#include "store/blobs.h"

namespace sw::flow {

class Packages {
 public:
  static constexpr std::size_t kRecent = 4;
  // With a tuner, engines score by what was chosen for them. The last `recent` stay loaded, used or not.
  explicit Packages(store::Blobs& blobs, model::EngineOptions engines = {}, const EngineTuner* tuner = nullptr,
                    std::size_t recent = kRecent)
      : blobs_(blobs), engines_(std::move(engines)), tuner_(tuner), recent_max_(recent) {}

  // Loads it, golden rows and all, unless it is loaded already.
  Result<std::shared_ptr<const model::Package>> Get(const std::string& id);
  Result<std::string> Write(const model::PackageContent& content);
  // Without loading it.
  Result<bool> RunsInAProcess(const std::string& id) const;

 private:
  std::shared_ptr<const model::Package> Loaded(const std::string& id);
  Result<std::shared_ptr<const model::Package>> Load(const std::string& id);

  store::Blobs& blobs_;
  const model::EngineOptions engines_;
  const EngineTuner* const tuner_;
  const std::size_t recent_max_;
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<const model::Package>> loaded_;
  std::deque<std::shared_ptr<const model::Package>> recent_;  // the last few stay loaded
};

// Loads content that is in no blob yet, as a load from the blobs would.
Result<std::unique_ptr<const model::Package>> LoadInMemory(const model::PackageContent& content,
                                                           model::EngineOptions engines = {});
Result<std::vector<double>> ScoreAll(const model::Package& package, const data::Batch& rows);

// The columns' lineage, as a package's lineage keeps it under "columns"; none when it has none.
Json LineageToJson(const eval::Lineage& lineage);
std::optional<eval::Lineage> LineageFromPackage(const Json& lineage);

}  // namespace sw::flow
