// Triton's names for what versions did, so that its dashboards go on: nv_inference_request_success and others,
// with the labels model and version.
#pragma once

#include <string>

#include "serve/endpoints.h"

namespace sw::open_inference {

// Lines for /metrics; OpenMetrics calls counters without _total "unknown".
std::string NvMetrics(const serve::Endpoints& endpoints, bool is_open_metrics);

}  // namespace sw::open_inference
