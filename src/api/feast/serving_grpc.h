// Feast's feature server over gRPC: GrpcFeatureServer (`feast listen`) and feast.serving.ServingService.
//
// The project is the server's own, or what the metadata feast-project names.
#pragma once

#include <vector>

#include "api/feast/feature_server.h"
#include "base/clock.h"
#include "net/router.h"

namespace sw::feast {

// Both outlive the routes.
std::vector<net::Route> ServingRoutes(FeatureServer* server, const base::Clock& clock);

}  // namespace sw::feast
