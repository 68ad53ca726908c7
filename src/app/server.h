// RunServer: `seaworthy serve`, from start to drained.
//
// Prints one line an address ("http://127.0.0.1:43121") once everything answers, then waits for
// SIGTERM or SIGINT; a second one ends at once. One owner: the main thread, before it starts others.
#pragma once

#include "app/settings.h"
#include "base/result.h"

namespace sw::app {

// As a cloud's container where ContainerOf says so. That answers at once, and is ready once its model is loaded.
Status RunServer(const Settings& settings, const Settings::Environment& environment);

}  // namespace sw::app
