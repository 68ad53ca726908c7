#include "base/counters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/caller.h"
#include "base/json.h"
#include "base/log.h"

namespace sw::base {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Counters, PrintInPrometheusFormWithLabelsEscaped) {
  Counters counters;
  counters.Get("serve_refused_total", "Requests refused.", {{"limit", "queue"}}).Add(2);
  counters.Get("serve_refused_total", "", {{"limit", "queue"}}).Add();
  counters.Get("store_bytes", "Bytes.", {{"path", "a\"b\\c\nd"}}).Set(-4);
  EXPECT_EQ(counters.PrometheusText(),
            "# HELP serve_refused_total Requests refused.\n# TYPE serve_refused_total counter\n"
            "serve_refused_total{limit=\"queue\"} 3\n"
            "# HELP store_bytes Bytes.\n# TYPE store_bytes gauge\n"
            "store_bytes{path=\"a\\\"b\\\\c\\nd\"} -4\n");
}

TEST(Counters, HistogramBucketsAreCumulative) {
  Counters counters;
  LatencyHistogram& latency = counters.Histogram("net_latency_seconds", "Latency.", {{"route", "p"}});
  for (const std::int64_t ns : {500LL, 3'000'000LL, 3'000'000LL, 200'000'000'000LL, -5LL}) latency.Record(ns);
  const std::string text = counters.PrometheusText();
  EXPECT_THAT(text, HasSubstr("# TYPE net_latency_seconds histogram\n"));
  EXPECT_THAT(text, HasSubstr("net_latency_seconds_bucket{route=\"p\",le=\"1e-06\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("net_latency_seconds_bucket{route=\"p\",le=\"0.004096\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("net_latency_seconds_bucket{route=\"p\",le=\"33.554432\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("net_latency_seconds_bucket{route=\"p\",le=\"+Inf\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("net_latency_seconds_count{route=\"p\"} 5\n"));
}

TEST(LatencyHistogram, QuantilesAreWithinAQuarterDoubling) {
  LatencyHistogram latency;
  EXPECT_EQ(latency.QuantileSeconds(0.5), 0);
  for (int i = 1; i <= 1000; ++i) latency.Record(i * 10'000);
  for (const double q : {0.5, 0.9, 0.99, 1.0}) {
    EXPECT_GE(latency.QuantileSeconds(q) / (q * 0.01), 1.0);
    EXPECT_LE(latency.QuantileSeconds(q) / (q * 0.01), 1.19);
  }
  EXPECT_NEAR(latency.SumSeconds(), 5.005, 1e-9);
}

TEST(Logger, ValuesCannotForgeFieldsOrLines) {
  ManualClock clock(0);
  std::vector<std::string> lines;
  const auto sink = [&](std::string_view line) { lines.emplace_back(line); };
  Logger text(clock, LogLevel::kInfo, Logger::Format::kText, sink);
  text.Debug("unseen");
  text.Info("endpoint is live", {{"name", "a b\nlevel=error"}, {"rows", 3}, {"ok", true}});
  Logger json(clock, LogLevel::kDebug, Logger::Format::kJson, sink);
  json.Warning("slow", {{"name", "\"\xff\n"}, {"seconds", 1e-9}, {"nan", 0.0 / 0.0}});
  EXPECT_THAT(lines, ElementsAre("1970-01-01T00:00:00Z info    endpoint is live "
                                 "name=\"a b\\nlevel=error\" rows=3 ok=true",
                                 "{\"time\":\"1970-01-01T00:00:00Z\",\"level\":\"warning\",\"event\":\"slow\","
                                 "\"name\":\"\\\"\xef\xbf\xbd\\n\",\"seconds\":1e-09,\"nan\":\"NaN\"}"));
  EXPECT_TRUE(Json::Parse(lines[1]));
  EXPECT_EQ(ParseLogLevel("warning").value(), LogLevel::kWarning);
  EXPECT_FALSE(ParseLogLevel("Loud"));
}

TEST(Caller, HasItsScopesOrAll) {
  EXPECT_TRUE((Caller{.scopes = {"predict"}, .request_id = {}, .trace = {}}.Has("predict")));
  EXPECT_FALSE((Caller{.scopes = {"predict"}, .request_id = {}, .trace = {}}.Has("admin")));
  EXPECT_TRUE((Caller{.scopes = {"*"}, .request_id = {}, .trace = {}}.Has("admin")));
  EXPECT_FALSE(Caller{}.Has("predict"));
}

TEST(LatencyHistogram, PutsEveryDurationIntoItsBucket) {
  for (std::int64_t value = 0; value < 200'000'000'000; value = value * 21 / 20 + 1) {
    LatencyHistogram histogram;
    histogram.Record(value);
    std::size_t bucket = 0;
    while (histogram.BucketCount(bucket) == 0) ++bucket;
    const double seconds = static_cast<double>(value) / 1e9;
    if (bucket < LatencyHistogram::kBuckets - 1) {
      EXPECT_LE(seconds, LatencyHistogram::BucketUpperSeconds(bucket)) << value;
    }
    if (bucket > 0) {
      EXPECT_GT(seconds, LatencyHistogram::BucketUpperSeconds(bucket - 1)) << value;
    }
  }
}

TEST(Counters, OpenMetricsNamesACounterWithoutItsSuffix) {
  Counters counters;
  counters.Get("base_things_total", "Things.").Add(3);
  counters.Get("base_level", "Level.").Set(2);
  EXPECT_EQ(counters.OpenMetricsText(),
            "# HELP base_level Level.\n# TYPE base_level gauge\nbase_level 2\n"
            "# HELP base_things Things.\n# TYPE base_things counter\nbase_things_total 3\n");
}

}  // namespace
}  // namespace sw::base
