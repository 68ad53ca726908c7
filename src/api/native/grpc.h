// Our own wire over gRPC: seaworthy.v1.Predictions, as proto/seaworthy.proto describes it, and the route
// that serves that file. What it answers is what the routes of predict and labels answer.
#pragma once

#include <vector>

#include "api/native/context.h"
#include "net/router.h"

namespace sw::native {

// `context` outlives the routes.
std::vector<net::Route> GrpcRoutes(const Context& context);

}  // namespace sw::native
