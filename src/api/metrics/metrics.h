// GET /metrics: every counter in Prometheus' text format. Pure; Counters is thread-safe.
#pragma once

#include <vector>

#include "base/counters.h"
#include "net/router.h"

namespace sw::metrics {

// `counters` outlives the routes.
std::vector<net::Route> MetricsRoutes(const base::Counters& counters);

}  // namespace sw::metrics
