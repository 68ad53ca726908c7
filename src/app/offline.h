// What commands do without an open data folder. Thread-safe.
#pragma once

#include <string>

#include "app/settings.h"
#include "base/json.h"

namespace sw::app {

// Doctor's report on the settings and on the data folder, also when that does not open:
// {"facts", "settings", "findings"}.
Json DoctorReport(const Settings& settings, bool verify);

// docs/routes.md.
std::string RoutesDocument();

// The train worker's process, see train/worker.h.
int TrainWorker(int in_fd, int out_fd);

}  // namespace sw::app
