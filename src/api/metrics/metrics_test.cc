#include "api/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/dispatch.h"

namespace sw::metrics {
namespace {

TEST(Metrics, PrintsEveryCounter) {
  base::Counters counters;
  counters.Get("base_things_total", "Things.").Add(3);
  const net::Router router = net::Router::Make(MetricsRoutes(counters)).value();
  const net::Response answer = net::Dispatch(router, {.path = "/metrics"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.headers.Get("content-type"), testing::HasSubstr("version=0.0.4"));
  EXPECT_THAT(answer.body, testing::HasSubstr("base_things_total 3"));
}

TEST(Metrics, SpeaksOpenMetricsToWhoAsks) {
  base::Counters counters;
  counters.Get("base_things_total", "Things.").Add(3);
  const net::Router router = net::Router::Make(MetricsRoutes(counters, [](bool is_open) {
                               return is_open ? "more_open 1\n" : "more_plain 1\n";
                             })).value();
  const net::Response open = net::Dispatch(
      router, {.path = "/metrics", .headers = {{"Accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}}});
  EXPECT_THAT(open.headers.Get("content-type"), testing::HasSubstr("application/openmetrics-text; version=1.0.0"));
  EXPECT_EQ(open.body, "# HELP base_things Things.\n# TYPE base_things counter\nbase_things_total 3\nmore_open 1\n# EOF\n");
  EXPECT_THAT(net::Dispatch(router, {.path = "/metrics"}).body, testing::EndsWith("more_plain 1\n"));
}

}  // namespace
}  // namespace sw::metrics
