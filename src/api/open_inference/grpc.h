// The Open Inference Protocol over gRPC: Triton's GRPCInferenceService, as far as it concerns models that
// are endpoints. What it answers is what open_inference.h answers over HTTP.
#pragma once

#include <vector>

#include "api/open_inference/open_inference.h"
#include "base/clock.h"
#include "net/router.h"

namespace sw::open_inference {

// What is pointed at outlives the routes.
std::vector<net::Route> GrpcRoutes(const Context& context, const base::Clock& clock);

}  // namespace sw::open_inference
