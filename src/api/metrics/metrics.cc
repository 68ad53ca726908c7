#include "api/metrics/metrics.h"

namespace sw::metrics {

std::vector<net::Route> MetricsRoutes(const base::Counters& counters) {
  return {{.method = net::Method::kGet,
           .pattern = "/metrics",
           .scope = "metrics.read",
           .group = "metrics",
           .handler = net::Answer([&counters](const net::Request&) -> Result<net::Response> {
             return net::TextResponse(200, counters.PrometheusText(),
                                      "text/plain; version=0.0.4; charset=utf-8");
           }),
           .summary = "Counters in Prometheus' text format."}};
}

}  // namespace sw::metrics
