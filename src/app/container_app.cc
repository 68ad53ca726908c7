#include "app/container_app.h"

#include <algorithm>
#include <utility>

#include "api/sagemaker/container.h"
#include "api/vertex/vertex.h"
#include "app/server_options.h"
#include "base/errors.h"
#include "base/random.h"

namespace sw::app {
namespace {

constexpr const char* kModel = "model";  // the endpoint of a container of one model

}  // namespace

Result<std::unique_ptr<ContainerApp>> ContainerApp::Open(const Container& container, const Settings& settings) {
  std::unique_ptr<ContainerApp> app(new ContainerApp(container, settings));
  app->log_ = std::make_unique<base::Logger>(
      base::Logger::ForStderr(app->clock_, SW_TRY(base::ParseLogLevel(settings.Text("log_level")))));
  app->tracing_ = SW_TRY(OpenTracing(settings, app->counters_, *app->log_));
  app->OpenEndpoints();
  return app;
}

ContainerApp::~ContainerApp() {
  if (endpoints_) static_cast<void>(Drain());
}

void ContainerApp::OpenEndpoints() {
  loads_ = std::make_unique<LoadThread>(LoadThread::Options{
      .settings = &settings_,
      .counters = &counters_,
      .holders = [this] { return endpoints_ ? endpoints_->MemoryHolders() : std::vector<model::MemoryHolder>(); },
      .drop_idle = {}});
  workers_ = std::make_unique<base::ThreadPool>(base::ThreadPool::Options{
      .name = "workers",
      .threads = static_cast<std::size_t>(std::max<std::int64_t>(1, settings_.Count("workers"))),
      .refused = &counters_.Get("app_refused_total", "Work turned away.", {{"limit", "workers_queue_max"}})});
  shadows_ = std::make_unique<base::ThreadPool>(base::ThreadPool::Options{.name = "shadows", .threads = 1});
  serve::Endpoints::Options options;
  options.clock = &clock_;
  options.counters = &counters_;
  options.log = &no_log_;
  options.shadow = shadows_.get();
  options.scoring = workers_.get();
  options.random = base::Random::FromSystem();
  options.trace = TracePredictions(tracing_.get());
  endpoints_ = std::make_unique<serve::Endpoints>(std::move(options));
  models_ = std::make_unique<ContainerModels>(ContainerModels::Options{.settings = &settings_,
                                                                       .endpoints = endpoints_.get(),
                                                                       .log = log_.get(),
                                                                       .loader = &loads_->loader(),
                                                                       .folder = container_.models_folder});
}

std::vector<net::Route> ContainerApp::Routes() {
  if (container_.kind == ContainerKind::kVertex) {
    return vertex::ContainerRoutes({endpoints_.get(), kModel, container_.health_route, container_.predict_route});
  }
  const sagemaker::ContainerContext context{endpoints_.get(), kModel, container_.default_accept, container_.batch};
  if (container_.kind == ContainerKind::kSagemaker) return sagemaker::ContainerRoutes(context);
  return sagemaker::MultiModelRoutes(context, models_.get());
}

Result<std::unique_ptr<net::Server>> ContainerApp::Listen() {
  if (container_.kind != ContainerKind::kSagemakerMultiModel) endpoints_->Explain(kModel, Unavailable("the model is still being loaded; try again").error());
  net::ServerOptions options = SW_TRY(ServerOptionsOf(settings_));
  if (settings_.Origin("listen") == "default") options.listens.front().address = container_.listen;
  options.limits.body_bytes_max = container_.body_bytes_max;
  options.executor = workers_.get();
  if (tracing_) options.observer = &tracing_->tracer;
  options.authorize = [](const net::Request&, const net::Route&) -> Result<Caller> {
    Caller caller;
    caller.principal = "container";
    caller.scopes = {"predict"};
    return caller;
  };
  return net::Server::Start(std::move(options), SW_TRY(net::Router::Make(Routes())), counters_);
}

Status ContainerApp::LoadModel() {
  if (container_.kind == ContainerKind::kSagemakerMultiModel) return Ok();
  return models_->Serve(kModel, container_.model_folder);
}

Status ContainerApp::Drain() { return endpoints_->Drain(); }

}  // namespace sw::app
