#include "app/tracing.h"

#include <gtest/gtest.h>

namespace sw::app {
namespace {

TEST(Tracing, HeadersAreReadAsOpenTelemetrysVariableHasThem) {
  EXPECT_EQ(ParseOtlpHeaders("").value(), net::Headers());
  EXPECT_EQ(ParseOtlpHeaders("api-key=se%20cret, x = y=z ,").value(), net::Headers({{"api-key", "se cret"}, {"x", "y=z"}}));
  for (const char* bad : {"x", "=y", "a b=c", "a=%0d%0aHost: b", "a=%zz", "a:b=c"}) EXPECT_FALSE(ParseOtlpHeaders(bad)) << bad;
}

TEST(Tracing, WithoutACollectorThereIsNone) {
  const base::SystemClock clock;
  base::Logger log = base::Logger::Null(clock);
  base::Counters counters;
  const auto nothing = [](const char*) -> const char* { return nullptr; };
  EXPECT_EQ(OpenTracing(Settings::Resolve({}, nothing).value(), counters, log).value(), nullptr);
  EXPECT_FALSE(TracePredictions(nullptr));
  const auto wrong = OpenTracing(Settings::Resolve({{"otlp_endpoint", "http://host:many"}}, nothing).value(), counters, log);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message.substr(0, 14), "otlp_endpoint:");
}

}  // namespace
}  // namespace sw::app
