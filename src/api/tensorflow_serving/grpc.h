// TensorFlow Serving over gRPC: PredictionService, and of ModelService what concerns models that are
// endpoints. What it answers is what tensorflow_serving.h answers over HTTP, but for scores of Classify
// and Regress, which are floats there.
//
// Predict answers the output "prediction"; an output_filter may also name "decision", "class", "version"
// and "prediction_id".
#pragma once

#include <vector>

#include "base/clock.h"
#include "net/router.h"
#include "serve/endpoints.h"

namespace sw::tensorflow_serving {

// What is pointed at outlives the routes.
std::vector<net::Route> GrpcRoutes(serve::Endpoints* endpoints, const base::Clock& clock);

}  // namespace sw::tensorflow_serving
