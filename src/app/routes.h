// AllRoutes: every route of the program, from all wires. Inside this room only. Pure.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/grpc/health.h"
#include "api/native/context.h"
#include "base/counters.h"
#include "base/log.h"
#include "net/router.h"

namespace sw::app {

// All outlive the routes. /health and the OpenAPI document are among them.
std::vector<net::Route> AllRoutes(const native::Context& context, const base::Counters& counters,
                                  std::shared_ptr<grpc::Health> health, const std::string& default_endpoint = {},
                                  base::LogLevel log_level = base::LogLevel::kInfo, std::vector<net::Route> feast_routes = {});

// As with a manual clock, for documents; their handlers must not be called.
std::vector<net::Route> DocumentedRoutes();

// The scopes that a key may have: those of the routes, sorted.
std::vector<std::string> KnownScopes();

// Whether a caller of a workspace other than "default" may use the route: its data is kept by
// workspace. Everything else belongs to "default".
bool KeepsWorkspacesApart(const net::Route& route);

}  // namespace sw::app
