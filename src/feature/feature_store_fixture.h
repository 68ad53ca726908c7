// StoreStory: a feature store on empty stores, for tests: definitions by hand, rows in few words.
// One owner.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "feature/feature_store.h"
#include "store/data_folder.h"
#include "store/temp_folder.h"

namespace sw::feature {

// A source "landings": ship and berth name an entity each, `at` is when it happened, `known` when it
// became known.
inline data::Schema LandingsSchema() {
  using data::Type;
  return data::Schema{{{"id", Type::kString},
                       {"ship", Type::kString},
                       {"berth", Type::kInt64},
                       {"at", Type::kTimestamp},
                       {"known", Type::kTimestamp},
                       {"crew", Type::kInt64},
                       {"load", Type::kFloat64},
                       {"note", Type::kString},
                       {"late", Type::kBool}}};
}

inline Definitions LandingsDefinitions() {
  Definitions defined;
  SourceDef& landings = defined.sources["landings"];
  landings.name = "landings";
  landings.event_time = "at";
  landings.created_time = "known";
  landings.dedupe = {"id"};
  defined.entities["ship"] = {"ship", {{"ship", data::Type::kString}}};
  defined.entities["call"] = {"call", {{"ship", data::Type::kString}, {"berth", data::Type::kInt64}}};
  return defined;
}

// Adds the view and a service of its name with all of its features.
inline void AddView(Definitions& defined, ViewDef view) {
  ServiceDef& service = defined.services[view.name];
  service.name = view.name;
  for (const FeatureDef& feature : view.features) service.features.push_back(view.name + "." + feature.name);
  defined.views[view.name] = std::move(view);
}

class StoreStory {
 public:
  explicit StoreStory(Definitions defined, FeatureStoreOptions options = {})
      : defined_(std::make_shared<const Definitions>(std::move(defined))), options_(std::move(options)) {
    Open();
  }
  ~StoreStory() { Close(); }
  StoreStory(const StoreStory&) = delete;
  StoreStory& operator=(const StoreStory&) = delete;

  FeatureStore& store() { return *store_; }
  store::Logbook& logbook() { return folder_->logbook(); }
  store::OnlineStore& online() { return folder_->online(); }
  const std::shared_ptr<const Definitions>& definitions() const { return defined_; }

  void Restart() {
    Close();
    Open();
  }
  void RestartWith(Definitions defined) {
    defined_ = std::make_shared<const Definitions>(std::move(defined));
    Restart();
  }

  // Completes inline, as LMDB does. The values throw what went wrong.
  data::Batch Online(std::string_view service, const data::Batch& requests, TimeUs t) {
    return Read(service, requests, t).features;
  }
  FeatureRead Read(std::string_view service, const data::Batch& requests, TimeUs t) {
    Result<FeatureRead> answer = Internal("no answer");
    store_->ReadOnline(service, requests, t, [&](Result<FeatureRead> read) { answer = std::move(read); });
    return std::move(answer).value();
  }
  data::Batch Offline(std::string_view service, const data::Batch& requests, TimeUs t, const JoinOptions& options = {}) {
    return store_->Join(service, requests, std::vector<TimeUs>(requests.num_rows(), t), options).value();
  }

 private:
  void Open() {
    folder_ = store::DataFolder::Open(temp_.path, clock_, counters_, "a test").value();
    store_ = MakeFeatureStore(defined_, folder_->logbook(), folder_->online(), options_).value();
  }
  void Close() {
    store_.reset();
    folder_.reset();
  }

  store::TempFolder temp_;
  base::ManualClock clock_{0};
  base::Counters counters_;
  std::shared_ptr<const Definitions> defined_;
  const FeatureStoreOptions options_;
  std::unique_ptr<store::DataFolder> folder_;
  std::unique_ptr<FeatureStore> store_;
};

}  // namespace sw::feature
