// PythonSettings from the table [python] of the --config file: which virtual environments may run
// models that only Python can run, and which folders those may lie in. Off without it.
//
//   [python]
//   folders = ["/srv/models"]
//   call_timeout = "5s"
//   [python.environments]
//   churn = "/srv/venvs/churn"
//
// Not part of the applied configuration, which users change: this is for whoever runs the server.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "model/engines/python_engine.h"

namespace sw::app {

// Nothing allowed for "" (no file) and a file without the table. INVALID_ARGUMENT: "file:line:
// python.KEY: what was expected".
Result<model::PythonSettings> ReadPythonSettings(const std::string& config_path);
// With the system's clock: a manual one would hold up processes, which run in real time.
Result<std::shared_ptr<const model::PythonHost>> OpenPythonHost(const std::string& config_path, std::stop_token stop = {});

}  // namespace sw::app
