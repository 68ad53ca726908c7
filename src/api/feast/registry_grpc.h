// Feast's registry server over gRPC, which `registry_type: remote` calls: `feast apply`, reads, deletes.
//
// What a change says is on disk when it is answered; `commit=False` and Commit are taken and make no difference.
// The four methods that compute saved datasets are UNIMPLEMENTED.
#pragma once

#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "feast/registry.h"
#include "net/router.h"

namespace sw::feast {

// What is pointed at outlives the routes.
std::vector<net::Route> RegistryRoutes(Registry* registry, const base::Clock& clock, base::IdGenerator* ids);

}  // namespace sw::feast
