// App: the whole program on one data folder: clock, stores, rooms, routes.
//
//   auto app = SW_TRY(App::Open(settings, "serve"));
//   net::Response answer = app->Dispatch(request);      // in memory, as the local operator
//   auto server = SW_TRY(app->Listen());                // or over HTTP
//
// It takes the folder's lock, so one process works on a folder at a time. Thread-safe but for
// Drain and destruction, which have one owner.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "api/grpc/health.h"
#include "api/native/context.h"
#include "app/adapters.h"
#include "app/clock_file.h"
#include "app/configuration.h"
#include "app/feast.h"
#include "app/load_thread.h"
#include "app/settings.h"
#include "app/tracing.h"
#include "auth/access.h"
#include "base/counters.h"
#include "base/executor.h"
#include "base/ids.h"
#include "base/log.h"
#include "net/server.h"
#include "store/data_folder.h"

namespace sw::app {

class App {
 public:
  // `purpose` names the command for whoever finds the folder locked.
  static Result<std::unique_ptr<App>> Open(const Settings& settings, std::string_view purpose);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  const net::Router& router() const { return *router_; }
  base::Logger& log() { return *log_; }

  // Answers as the local operator, who may do everything.
  net::Response Dispatch(net::Request request) const;
  // A package of the data folder's blobs, golden rows and all.
  Result<std::shared_ptr<const model::Package>> LoadPackage(const std::string& id) {
    return packages_->Load(id);
  }
  // Says by gRPC to who asks that no more should be sent here; by HTTP the server does.
  void FailReadiness();
  // Starts to listen where the settings say, and does by itself what falls due on a system clock.
  Result<std::unique_ptr<net::Server>> Listen();
  // Gives models that run in processes of their own this long: what then waits for one gets UNAVAILABLE.
  void StopModelsIn(DurationUs time);
  // Lets jobs finish and writes what is still in memory. Call after the server has drained.
  Status Drain();

 private:
  explicit App(const Settings& settings) : settings_(settings) {}
  Status OpenStores(std::string_view purpose);
  void OpenPools();
  Status OpenRooms();
  model::EngineOptions engines() const { return {.onnxruntime = {}, .columns = {}, .python = python_}; }
  std::unique_ptr<base::Executor> BlockingThreads();
  Status MakeRoutes();
  Status AdvanceClock(TimeUs now);
  Status SaveClock(TimeUs now);
  void RunUpkeep(const std::stop_token& stop);
  Result<Json> Doctor(bool verify);

  const Settings settings_;
  base::Counters counters_;
  std::unique_ptr<base::Clock> clock_;
  base::ManualClock* manual_clock_ = nullptr;  // clock_, when it is one
  std::optional<ClockFile> clock_file_;        // of a manual clock
  std::mutex clock_mutex_;                     // one advance at a time
  std::unique_ptr<base::Logger> log_;
  std::unique_ptr<Tracing> tracing_;           // null: not configured
  std::unique_ptr<base::IdGenerator> ids_;
  std::unique_ptr<LoadThread> loads_;          // outlives whatever may load
  std::unique_ptr<base::ThreadPool> patient_;  // routes that wait for a load
  std::unique_ptr<base::ThreadPool> workers_;  // slow routes
  std::unique_ptr<base::ThreadPool> shadows_;  // shadow scoring: of low priority
  std::unique_ptr<base::ThreadPool> timing_;   // of engines: of the lowest priority
  std::stop_source stop_models_;
  std::shared_ptr<const model::PythonHost> python_;
  std::unique_ptr<store::DataFolder> data_;
  std::unique_ptr<AppliedConfiguration> configuration_;
  std::unique_ptr<feature::FeatureStore> features_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<track::Tracker> tracker_;
  std::unique_ptr<auth::Keyring> keyring_;
  std::unique_ptr<auth::Access> access_;  // once it listens
  std::unique_ptr<flow::EngineTuner> tuner_;
  std::unique_ptr<StoreFeatures> feature_reader_;
  std::unique_ptr<LogbookPredictions> prediction_log_;
  std::unique_ptr<BlobPackages> packages_;
  std::unique_ptr<serve::Endpoints> endpoints_;
  std::unique_ptr<EndpointServing> serving_;
  std::unique_ptr<flow::Flow> flow_;
  std::unique_ptr<base::ThreadPool> job_pool_;
  std::unique_ptr<native::Jobs> jobs_;
  std::unique_ptr<FeastServer> feast_;
  native::Context context_;
  std::shared_ptr<grpc::Health> health_;
  std::unique_ptr<net::Router> router_;
  std::condition_variable_any upkeep_wake_;
  std::mutex upkeep_mutex_;
  std::jthread upkeep_;
  std::jthread stop_models_later_;
};

}  // namespace sw::app
