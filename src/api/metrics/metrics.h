// GET /metrics: every counter in Prometheus' text format, or in OpenMetrics for who asks for it. Pure;
// Counters is thread-safe.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/counters.h"
#include "net/router.h"

namespace sw::metrics {

// Lines of other names beside ours; of each a "# TYPE" with the word that both formats have for it.
using MoreMetrics = std::function<std::string(bool is_open_metrics)>;

// `counters` outlives the routes.
std::vector<net::Route> MetricsRoutes(const base::Counters& counters, MoreMetrics more = {});

}  // namespace sw::metrics
