#include "app/server.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

#include "app/app.h"
#include "app/container_app.h"
#include "app/feast.h"
#include "base/errors.h"

namespace sw::app {
namespace {

// A connection, a segment and a log file are a descriptor each; the usual soft limit of 1024 is for
// select(2), which nobody here uses.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Blocked here, so that every thread started later leaves them to sigwait.
sigset_t BlockEndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

void WaitForEnd(const sigset_t& signals) {
  int signal = 0;
  sigwait(&signals, &signal);
}

// Who sends a second signal does not want to wait.
void EndAtOnceOnNextSignal(const sigset_t& signals) {
  for (const int signal : {SIGTERM, SIGINT}) std::signal(signal, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

void PrintAddresses(const net::Server& server, const Settings& settings) {
  const char* scheme = settings.Text("tls_only") == "true" ? "https" : "http";
  for (const std::string& address : server.Addresses()) std::printf("%s://%s\n", scheme, address.c_str());
  std::fflush(stdout);
}

// Whoever sends traffic here is told that no more should come, and has time to hear it.
void FailReadiness(net::Server& server, const Settings& settings) {
  server.FailReadiness();
  std::this_thread::sleep_for(std::chrono::microseconds(settings.Duration("drain_delay")));
}

// Lets requests in flight finish.
void DrainServer(std::unique_ptr<net::Server> server, DurationUs time, base::Logger& log) {
  const Status drained = server->Drain(time / base::kMillisecondUs);
  if (!drained) log.Warning("requests were cut", {{"error", drained.error().message}});
}

Status RunContainer(const Container& container, const Settings& settings, const sigset_t& signals) {
  const auto app = SW_TRY(ContainerApp::Open(container, settings));
  auto server = SW_TRY(app->Listen());
  PrintAddresses(*server, settings);
  Status loaded;
  std::jthread loader([&] {
    loaded = app->LoadModel();
    if (!loaded) kill(getpid(), SIGTERM);  // what cannot become ready ends
  });
  WaitForEnd(signals);
  EndAtOnceOnNextSignal(signals);
  loader.join();
  app->log().Info("draining");
  FailReadiness(*server, settings);
  DrainServer(std::move(server), settings.Duration("drain_timeout"), app->log());
  SW_TRY(app->Drain());
  app->log().Info("done");
  return loaded;
}

}  // namespace

Status RunServer(const Settings& given, const Settings::Environment& environment) {
  const bool needs_folder = given.IsSet("feast_repo") && !given.IsSet("data");
  const Settings settings = needs_folder ? given.With("data", DataFolderOf(given.Text("feast_repo")), "--feast-repo") : given;
  const sigset_t signals = BlockEndSignals();
  RaiseDescriptorLimit();
  if (const auto container = SW_TRY(ContainerOf(settings, environment))) return RunContainer(*container, settings, signals);
  const auto app = SW_TRY(App::Open(settings, "serve"));
  auto server = SW_TRY(app->Listen());
  PrintAddresses(*server, settings);
  app->log().Info("ready",
                  {{"data", settings.Text("data")}, {"address", server->Addresses().front()}});

  WaitForEnd(signals);
  EndAtOnceOnNextSignal(signals);
  app->log().Info("draining");
  app->FailReadiness();
  FailReadiness(*server, settings);
  const DurationUs drain_time = settings.Duration("drain_timeout");
  app->StopModelsIn(drain_time);
  DrainServer(std::move(server), drain_time, app->log());
  SW_TRY(app->Drain());
  app->log().Info("done");
  return Ok();
}

}  // namespace sw::app
