// Feast's feature server over HTTP: what `feast serve` answers to the SDK's remote online store and to HTTP clients.
//
//   /feast/{project}/get-online-features, /push, /write-to-online-store, /materialize, /materialize-incremental and
//   /health; with a project of its own also at the root, as `feast serve` has them.
//
// docs/feast.md says where it differs from Feast's. Errors are Feast's, 4xx for a caller's mistakes: the SDK repeats 500s.
#pragma once

#include <vector>

#include "api/feast/feature_server.h"
#include "base/executor.h"
#include "feast/materialize.h"
#include "net/router.h"

namespace sw::feast {

// What the routes need; all outlive them.
struct HttpParts {
  FeatureServer* server = nullptr;
  Materializer* materializer = nullptr;
  base::Executor* workers = nullptr;   // for requests that would keep an event loop too long
  base::Executor* jobs = nullptr;      // for materialization
  bool at_root = false;                // the server has a project of its own
};

std::vector<net::Route> FeatureRoutes(const HttpParts& parts);

}  // namespace sw::feast
