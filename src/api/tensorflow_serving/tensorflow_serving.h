// TensorFlow Serving's REST API, and KServe's V1 protocol, which shares its paths.
//
//   POST /v1/models/late:predict {"instances": [{"wind": 0.5, "hour": 3}]}  ->  {"predictions": [0.25]}
//
// A model is an endpoint; a version in the URL is pinned, a label is an arm ("live", "canary"). Answers
// of paths that both protocols have are both protocols' at once. Pure; what the handlers do is the
// endpoints'.
#pragma once

#include <vector>

#include "net/router.h"
#include "serve/endpoints.h"

namespace sw::tensorflow_serving {

// `endpoints` outlives the routes.
std::vector<net::Route> TensorflowServingRoutes(serve::Endpoints* endpoints);

}  // namespace sw::tensorflow_serving
