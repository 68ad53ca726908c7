// Packages: loaded model packages by id, kept for as long as somebody uses them, and the last few
// for longer: monitors ask for them hour after hour. Thread-safe.
#pragma once

#include <deque>
#include <functional>
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
#include "model/package_loader.h"
#include "store/blobs.h"

namespace sw::flow {

class Packages {
 public:
  static constexpr std::size_t kRecent = 4;
  // What is pointed at outlives this.
  struct Options {
    model::EngineOptions engines = {};
    const EngineTuner* tuner = nullptr;       // engines score by what was chosen for them
    std::size_t recent = kRecent;             // the last so many stay loaded, used or not
    model::PackageLoader* loader = nullptr;   // null: the caller's thread, without a limit
    // Who else loads packages, asked first for those that run in no process of their own: they are in memory
    // once, whoever uses them. A null package: nobody does.
    std::function<Result<std::shared_ptr<const model::Package>>(const std::string& id)> elsewhere = {};
  };
  Packages(store::Blobs& blobs, Options options) : blobs_(blobs), options_(std::move(options)) {}
  explicit Packages(store::Blobs& blobs) : Packages(blobs, Options{}) {}

  // Loads it, golden rows and all, unless it is loaded already.
  Result<std::shared_ptr<const model::Package>> Get(const std::string& id);
  Result<std::string> Write(const model::PackageContent& content);
  // Lets go of those that are kept although nobody may use them.
  void DropRecent();
  // Without loading it.
  Result<bool> RunsInAProcess(const std::string& id) const;

 private:
  std::shared_ptr<const model::Package> Loaded(const std::string& id);
  Result<std::shared_ptr<const model::Package>> Load(const std::string& id);

  model::PackageParts Parts() const;
  Result<std::shared_ptr<const model::Package>> Find(const std::string& id);

  store::Blobs& blobs_;
  const Options options_;
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<const model::Package>> loaded_;
  std::deque<std::shared_ptr<const model::Package>> recent_;  // the last few stay loaded
};

Result<std::vector<double>> ScoreAll(const model::Package& package, const data::Batch& rows);

// The columns' lineage, as a package's lineage keeps it under "columns"; none when it has none.
Json LineageToJson(const eval::Lineage& lineage);
std::optional<eval::Lineage> LineageFromPackage(const Json& lineage);

}  // namespace sw::flow
