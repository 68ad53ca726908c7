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

}  // namespace
}  // namespace sw::metrics
