#include "app/server_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sw::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<net::ServerOptions> Of(const Settings::Flags& flags) {
  return ServerOptionsOf(Settings::Resolve(flags, [](const char*) -> const char* { return nullptr; }).value());
}

TEST(ServerOptionsOf, TakesEverySettingOfListening) {
  const net::ServerOptions options = Of({{"listen", "127.0.0.1:1,[::1]:2/data+metrics"}, {"loops", "3"}, {"connections_max", "4"},
                                         {"body_bytes_max", "5KiB"}, {"bodies_bytes_max", "6KiB"}, {"requests_per_second_max", "7"},
                                         {"connection_age_max", "8s"}, {"tls_cert", "c"}, {"tls_key", "k"}, {"tls_client_ca", "a"}, {"tls_only", "true"}})
                                        .value();
  ASSERT_EQ(options.listens.size(), 2u);
  EXPECT_EQ(options.listens[0].address, "127.0.0.1:1");
  EXPECT_TRUE(options.listens[0].groups.empty());
  EXPECT_EQ(options.listens[1].address, "[::1]:2");
  EXPECT_THAT(options.listens[1].groups, ElementsAre("data", "metrics"));
  EXPECT_TRUE(options.listens[0].tls_only && options.listens[1].tls_only);
  EXPECT_EQ(options.loops, 3u);
  EXPECT_EQ(options.limits.connections_max, 4u);
  EXPECT_EQ(options.limits.body_bytes_max, 5u << 10);
  EXPECT_EQ(options.limits.bodies_bytes_max, 6u << 10);
  EXPECT_EQ(options.limits.requests_per_second_max, 7u);
  EXPECT_EQ(options.limits.connection_age_max_ms, 8'000);
  ASSERT_TRUE(options.tls);
  EXPECT_EQ(options.tls->certificate + options.tls->key + options.tls->client_ca, "cka");
}

TEST(ServerOptionsOf, SpeaksClearTextUnlessTold) {
  const net::ServerOptions options = Of({}).value();
  EXPECT_FALSE(options.tls);
  EXPECT_FALSE(options.listens.at(0).tls_only);
}

TEST(ServerOptionsOf, NamesWhatIsWrong) {
  EXPECT_THAT(Of({{"listen", "127.0.0.1:1/models"}}).error().message, HasSubstr("there is no group models"));
  for (const char* half : {"tls_cert", "tls_key", "tls_client_ca"}) {
    EXPECT_EQ(Of({{half, "x"}}).error().message, "TLS needs both --tls-cert and --tls-key") << half;
  }
  EXPECT_FALSE(Of({{"tls_only", "true"}}));
}

}  // namespace
}  // namespace sw::app
