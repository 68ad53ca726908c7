// The Python engine: scores with a model that only Python can run, in a process of its own.
//
//   auto host = std::make_shared<PythonHost>();
//   host->settings = {.environments = {{"churn", "/srv/venvs/churn"}}, .folders = {"/srv/models"}};
//   auto engine = SW_TRY(MakePythonEngine(SW_TRY(ParsePython(bytes)), host));
//
// The worker runs the environment's interpreter, gets Arrow batches over a Unix socket, has no network
// unless the settings allow it, and limits of memory and time. What it does wrong is an error of its
// own requests: see python_worker.h. Nothing runs that the server's own configuration does not name.
// Class engine: its numbers are the library's, as they come. Thread-safe; it may block (blocks()).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/backoff.h"
#include "base/clock.h"
#include "model/engine.h"
#include "model/formats/python.h"

namespace sw::model {

// The table [python] of the server's configuration.
struct PythonSettings {
  std::map<std::string, std::string> environments = {};  // name: the folder of a virtual environment
  std::vector<std::string> folders = {};                 // that models may lie in
  bool allow_network = false;
  std::uint64_t memory_bytes_max = 4ull << 30;  // address space
  std::uint64_t answer_bytes_max = 64ull << 20;
  DurationUs start_time_max = base::kMinuteUs;
  DurationUs call_time_max = 5 * base::kSecondUs;
  std::size_t calls_waiting_max = 16;           // of one model
  base::Backoff::Options backoff = {};
};

// What a configuration allows, and the time by which processes start again. Engines share it. Once a
// stop is asked for, nothing is started or waited for any more: UNAVAILABLE.
struct PythonHost {
  PythonSettings settings = {};
  std::shared_ptr<const base::Clock> clock = std::make_shared<base::SystemClock>();
  std::stop_token stop = {};
};

// Starts the model once. PERMISSION_DENIED: without a host, or for an environment, a folder or a
// shared network that it does not allow. FAILED_PRECONDITION: the folder is not what `content` says
// (the message has the hash that it should say), or the model cannot be loaded.
Result<std::unique_ptr<Engine>> MakePythonEngine(const PythonModel& model, std::shared_ptr<const PythonHost> host);

}  // namespace sw::model
