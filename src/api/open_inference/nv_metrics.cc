#include "api/open_inference/nv_metrics.h"

#include <fmt/format.h>

#include <iterator>

#include "api/open_inference/statistics.h"

namespace sw::open_inference {
namespace {

using serve::VersionStatistics;

struct NvMetric {
  const char* name;
  const char* help;
  std::int64_t (*value)(const VersionStatistics& version);
};

std::int64_t Microseconds(std::int64_t nanoseconds) { return nanoseconds / 1'000; }

constexpr NvMetric kMetrics[] = {
    {"nv_inference_request_success", "Requests answered.", [](const VersionStatistics& v) { return v.requests; }},
    {"nv_inference_request_failure", "Requests that failed.", [](const VersionStatistics& v) { return v.failed_requests; }},
    {"nv_inference_count", "Rows scored.", [](const VersionStatistics& v) { return v.rows; }},
    {"nv_inference_exec_count", "Executions: requests, which are not batched together.", [](const VersionStatistics& v) { return v.requests; }},
    {"nv_inference_request_duration_us", "Of answered requests, all of it.",
     [](const VersionStatistics& v) { return Microseconds(v.answered_ns()); }},
    {"nv_inference_queue_duration_us", "Waiting for a thread.", [](const VersionStatistics& v) { return Microseconds(v.queue_ns); }},
    {"nv_inference_compute_input_duration_us", "Checks, types and features.", [](const VersionStatistics& v) { return Microseconds(v.input_ns); }},
    {"nv_inference_compute_infer_duration_us", "Contract and engine.", [](const VersionStatistics& v) { return Microseconds(v.score_ns); }},
    {"nv_inference_compute_output_duration_us", "From the scores to the answer.",
     [](const VersionStatistics& v) { return Microseconds(v.output_ns); }}};

}  // namespace

std::string NvMetrics(const serve::Endpoints& endpoints, bool is_open_metrics) {
  std::string out;
  auto to = std::back_inserter(out);
  const std::vector<NamedStatistics> versions = AllStatistics(endpoints);
  for (const NvMetric& metric : kMetrics) {
    fmt::format_to(to, "# HELP {} {}\n# TYPE {} {}\n", metric.name, metric.help, metric.name, is_open_metrics ? "unknown" : "counter");
    const bool is_failure = std::string_view(metric.name).ends_with("_failure");
    for (const auto& [model, version] : versions) {
      fmt::format_to(to, "{}{{model=\"{}\",version=\"{}\"{}}} {}\n", metric.name, model, version.version,
                     is_failure ? ",reason=\"OTHER\"" : "", metric.value(version));
    }
  }
  return out;
}

}  // namespace sw::open_inference
