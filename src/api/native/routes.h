// The native API: one route an operation, under /seaworthy/v1/. The command line is a client of it.
//
//   std::vector<net::Route> routes = NativeRoutes(context);
//   auto router = net::Router::Make(routes);
//
// Slow operations are jobs: POST answers 202 {"job": id}, GET /seaworthy/v1/jobs/{id} the rest.
// Pure; what the routes' handlers do is the context's.
#pragma once

#include <vector>

#include "api/native/context.h"
#include "net/router.h"

namespace sw::native {

// `context` outlives the routes.
std::vector<net::Route> NativeRoutes(const Context& context);

// One function a resource; inside this room only.
using Routes = std::vector<net::Route>;
void AddConfigRoutes(const Context& context, Routes& routes);
void AddJobRoutes(const Context& context, Routes& routes);
void AddAdminRoutes(const Context& context, Routes& routes);
void AddKeyRoutes(const Context& context, Routes& routes);
void AddStreamRoutes(const Context& context, Routes& routes);
void AddFeatureRoutes(const Context& context, Routes& routes);
void AddTrainingRoutes(const Context& context, Routes& routes);
void AddBlobRoutes(const Context& context, Routes& routes);
void AddModelRoutes(const Context& context, Routes& routes);
void AddRunRoutes(const Context& context, Routes& routes);
void AddEndpointRoutes(const Context& context, Routes& routes);
void AddPredictRoutes(const Context& context, Routes& routes);
void AddIncidentRoutes(const Context& context, Routes& routes);
void AddEventRoutes(const Context& context, Routes& routes);

}  // namespace sw::native
