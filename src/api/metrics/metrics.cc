#include "api/metrics/metrics.h"

#include <utility>

namespace sw::metrics {

std::vector<net::Route> MetricsRoutes(const base::Counters& counters, MoreMetrics more) {
  const auto answer = [&counters, more = std::move(more)](const net::Request& request) -> Result<net::Response> {
    const bool is_open = request.headers.Get("accept").find("application/openmetrics-text") != std::string_view::npos;
    std::string text = is_open ? counters.OpenMetricsText() : counters.PrometheusText();
    if (more) text += more(is_open);
    if (is_open) text += "# EOF\n";
    return net::TextResponse(200, std::move(text),
                             is_open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                     : "text/plain; version=0.0.4; charset=utf-8");
  };
  return {{.method = net::Method::kGet,
           .pattern = "/metrics",
           .scope = "metrics.read",
           .group = "metrics",
           .handler = net::Answer(answer),
           .summary = "Counters in Prometheus' text format or in OpenMetrics; Triton's nv_inference_* beside ours."}};
}

}  // namespace sw::metrics
