// Vertex AI's prediction service: what Google's PredictionServiceClient posts over REST.
//
//   POST /v1/projects/P/locations/L/endpoints/late:predict {"instances": [{"wind": 0.5}]}
//
// And from the other side, what Vertex AI asks of a container: one route for health, one for predictions.
// Pure; what the handlers do is the endpoints'.
#pragma once

#include <string>
#include <vector>

#include "net/router.h"
#include "serve/endpoints.h"

namespace sw::vertex {

// `endpoints` outlives the routes.
std::vector<net::Route> VertexRoutes(serve::Endpoints* endpoints);

struct ContainerContext {
  serve::Endpoints* endpoints = nullptr;  // outlives the routes
  std::string model = {};                 // the endpoint that scores
  std::string health_route = {}, predict_route = {};  // paths, as AIP_HEALTH_ROUTE and AIP_PREDICT_ROUTE say
};
std::vector<net::Route> ContainerRoutes(const ContainerContext& context);

}  // namespace sw::vertex
