// Vertex AI's prediction service: what Google's PredictionServiceClient posts over REST.
//
//   POST /v1/projects/P/locations/L/endpoints/late:predict {"instances": [{"wind": 0.5}]}
//
// Pure; what the handlers do is the endpoints'.
#pragma once

#include <vector>

#include "net/router.h"
#include "serve/endpoints.h"

namespace sw::vertex {

// `endpoints` outlives the routes.
std::vector<net::Route> VertexRoutes(serve::Endpoints* endpoints);

}  // namespace sw::vertex
