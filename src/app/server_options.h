// ServerOptionsOf: what the settings say of how this program listens, with a data folder or as a cloud's container.
// Pure.
#pragma once

#include "app/settings.h"
#include "base/result.h"
#include "net/server.h"

namespace sw::app {

// Addresses with their groups, loops, limits and TLS. Who may ask, and where slow routes run, is the app's to add.
// INVALID_ARGUMENT names an unknown group, and half a TLS identity.
Result<net::ServerOptions> ServerOptionsOf(const Settings& settings);

}  // namespace sw::app
