// Adapters: what serve and flow ask of the rest, over the stores. Inside this room only.
//
// Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "feature/feature_store.h"
#include "flow/engine_tuner.h"
#include "flow/flow.h"
#include "flow/packages.h"
#include "model/model_file.h"
#include "serve/endpoints.h"
#include "store/blobs.h"
#include "store/logbook.h"

namespace sw::app {

class StoreFeatures final : public serve::FeatureReader {
 public:
  explicit StoreFeatures(feature::FeatureStore& store) : store_(store) {}
  void Read(const serve::FeatureRead& read, serve::FeaturesCallback done) override;

 private:
  feature::FeatureStore& store_;
};

// Appends without waiting for the disk: Sync does, for those who asked for it.
class LogbookPredictions final : public serve::PredictionLog {
 public:
  // `producer` is unlike that of every other process that ever wrote to this logbook.
  LogbookPredictions(store::Logbook& logbook, std::string producer)
      : logbook_(logbook), producer_(std::move(producer)) {}
  Status Append(const std::string& stream, std::int64_t sequence,
                const serve::LoggedRows& rows) override;
  Status Sync() override;

 private:
  store::Logbook& logbook_;
  const std::string producer_;
  std::mutex mutex_;
  std::set<std::string> declared_;  // guarded by mutex_
};

// A package is loaded once for as long as somebody holds it. Flow's own are these, but for models that run in a
// process: there, what gates and replays score takes no turn of what serves.
class BlobPackages final : public serve::PackageSource {
 public:
  BlobPackages(store::Blobs& blobs, model::EngineOptions engines, const flow::EngineTuner& tuner, model::PackageLoader& loader)
      : packages_(blobs, {.engines = std::move(engines), .tuner = &tuner, .recent = 0, .loader = &loader}) {}
  Result<std::shared_ptr<const model::Package>> Load(const std::string& package_id) override {
    return packages_.Get(package_id);
  }

 private:
  flow::Packages packages_;
};

class EndpointServing final : public flow::Serving {
 public:
  EndpointServing(serve::Endpoints& endpoints, feature::FeatureStore& features,
                  serve::PackageSource& packages, flow::EngineTuner& tuner)
      : endpoints_(endpoints), features_(features), packages_(packages), tuner_(tuner) {}
  Status Publish(const flow::EndpointPlan& plan) override;
  Result<std::shared_ptr<const model::Package>> Load(const std::string& package_id) override {
    return packages_.Load(package_id);
  }
  void Explain(const std::string& endpoint, const Error& error) override { endpoints_.Explain(endpoint, error); }
  Status Remove(const std::string& endpoint) override;
  Status FlushLogs() override;
  std::shared_ptr<const model::Package> Served(const std::string& package_id) const override;

 private:
  serve::Endpoints& endpoints_;
  feature::FeatureStore& features_;
  serve::PackageSource& packages_;
  flow::EngineTuner& tuner_;
};

}  // namespace sw::app
