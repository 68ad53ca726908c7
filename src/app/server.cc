#include "app/server.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <thread>

#include "app/app.h"
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

// glibc keeps up to eight heaps a core, one for whatever thread asked first; a job's table is then
// never given back, and the next job's takes as much again.
void KeepOneHeapPerCore() {
  mallopt(M_ARENA_MAX, static_cast<int>(std::max(2U, std::thread::hardware_concurrency())));
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

}  // namespace

Status RunServer(const Settings& settings) {
  const sigset_t signals = BlockEndSignals();
  RaiseDescriptorLimit();
  KeepOneHeapPerCore();
  const auto app = SW_TRY(App::Open(settings, "serve"));
  auto server = SW_TRY(app->Listen());
  for (const std::string& address : server->Addresses())
    std::printf("http://%s\n", address.c_str());
  std::fflush(stdout);
  app->log().Info("ready",
                  {{"data", settings.Text("data")}, {"address", server->Addresses().front()}});

  WaitForEnd(signals);
  EndAtOnceOnNextSignal(signals);
  app->log().Info("draining");
  const DurationUs drain_time = settings.Duration("drain_timeout");
  app->StopModelsIn(drain_time);
  const Status drained = server->Drain(drain_time / base::kMillisecondUs);
  if (!drained) app->log().Warning("requests were cut", {{"error", drained.error().message}});
  server.reset();
  SW_TRY(app->Drain());
  app->log().Info("done");
  return Ok();
}

}  // namespace sw::app
