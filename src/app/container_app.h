// ContainerApp: a program that serves the models of a cloud's container: no data folder, no other
// routes than the contract's, no log of predictions.
//
//   auto app = SW_TRY(ContainerApp::Open(container, settings));
//   auto server = SW_TRY(app->Listen());   // not ready yet
//   SW_TRY(app->LoadModel());              // ready
//
// Nobody is asked for a key: only the cloud's own front reaches a container. Thread-safe but for Drain and
// destruction, which have one owner.
#pragma once

#include <memory>
#include <string>

#include "app/container.h"
#include "app/container_models.h"
#include "app/load_thread.h"
#include "app/settings.h"
#include "app/tracing.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/executor.h"
#include "base/log.h"
#include "net/server.h"
#include "serve/endpoints.h"

namespace sw::app {

class ContainerApp {
 public:
  static Result<std::unique_ptr<ContainerApp>> Open(const Container& container, const Settings& settings);
  ~ContainerApp();
  ContainerApp(const ContainerApp&) = delete;
  ContainerApp& operator=(const ContainerApp&) = delete;

  base::Logger& log() { return *log_; }
  // Where the cloud said, unless a setting says otherwise. Health checks fail until the model is loaded.
  Result<std::unique_ptr<net::Server>> Listen();
  // Of a container of one model; a multi-model one is told what to load. Slow.
  Status LoadModel();
  // Call after the server has drained.
  Status Drain();

 private:
  // Nobody reads what a container would keep.
  class NoLog final : public serve::PredictionLog {
    Status Append(const std::string&, std::int64_t, const serve::LoggedRows&) override { return Ok(); }
    Status Sync() override { return Ok(); }
  };
  ContainerApp(const Container& container, const Settings& settings) : container_(container), settings_(settings) {}
  void OpenEndpoints();
  std::vector<net::Route> Routes();

  const Container container_;
  const Settings settings_;
  base::Counters counters_;
  base::SystemClock clock_;
  std::unique_ptr<base::Logger> log_;
  std::unique_ptr<Tracing> tracing_;  // null: not configured
  std::unique_ptr<LoadThread> loads_;  // outlives whatever may load
  std::unique_ptr<base::ThreadPool> workers_, shadows_;
  NoLog no_log_;
  std::unique_ptr<serve::Endpoints> endpoints_;
  std::unique_ptr<ContainerModels> models_;
};

}  // namespace sw::app
