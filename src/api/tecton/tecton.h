// Tecton's HTTP API: what its clients ask of a feature server.
//
//   POST /api/v1/feature-service/get-features[-batch]   a service's features, with names, types, times and status
//   POST /api/v1/feature-service/metadata               what a service takes and gives
//   POST /ingest                                        rows into a source, visible once it answers
//
// Integers are texts, as in its JSON. A workspace may have any name: there is one set of definitions. Errors have its shape,
// {"error", "code" (gRPC's), "message"}. Pure; what the handlers do is the feature store's.
#pragma once

#include <vector>

#include "base/clock.h"
#include "feature/feature_store.h"
#include "net/router.h"

namespace sw::tecton {

// Both outlive the routes.
std::vector<net::Route> TectonRoutes(feature::FeatureStore* features, const base::Clock* clock);

}  // namespace sw::tecton
