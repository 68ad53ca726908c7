#include "api/open_inference/management.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/dispatch.h"
#include "serve/fakes.h"

namespace sw::open_inference {
namespace {

using testing::HasSubstr;

class ManagementTest : public testing::Test {
 protected:
  std::string Send(net::Method method, std::string path, std::string body = "") {
    const net::Response answer = net::Dispatch(router_, {.method = method, .path = std::move(path), .body = std::move(body)});
    return fmt::format("{} {}", answer.status, answer.body);
  }
  std::string Get(std::string path) { return Send(net::Method::kGet, std::move(path)); }
  std::string Post(std::string path, std::string body = "") { return Send(net::Method::kPost, std::move(path), std::move(body)); }

  serve::ServeFixture serve_;
  net::Router router_ = net::Router::Make(OpenInferenceRoutes({serve_.endpoints.get(), "1.2.3", base::LogLevel::kWarning})).value();
};

TEST_F(ManagementTest, TheRepositoryHasWhatIsServed) {
  EXPECT_EQ(Post("/v2/repository/index"), R"(200 [{"name":"late","version":"1","state":"READY","reason":""}])");
  EXPECT_EQ(Post("/v2/repository/index", R"({"ready": true})"), Post("/v2/repository/index"));
  EXPECT_THAT(Post("/v2/repository/index", "[]"), HasSubstr("400 "));
  EXPECT_EQ(Post("/v2/repository/models/late/load"), "200 {}");
  EXPECT_EQ(Post("/v2/repository/models/late/load", R"({"parameters": {}})"), "200 {}");
  EXPECT_THAT(Post("/v2/repository/models/late/load", R"({"parameters": {"config": "{}"}})"), HasSubstr("501 "));
  EXPECT_THAT(Post("/v2/repository/models/early/load"), HasSubstr("404 {\"error\":\"unknown model early"));
  EXPECT_THAT(Post("/v2/repository/models/late/unload"), HasSubstr("501 "));
}

TEST_F(ManagementTest, StatisticsCountRowsAndRequests) {
  ASSERT_TRUE(serve_.Predict({.endpoint = "late", .rows = serve::DelayRows({{"N1", 20}, {"N2", 3}})}));
  ASSERT_FALSE(serve_.Predict({.endpoint = "late", .rows = serve::DelayRows({})}));
  const std::string one = Get("/v2/models/late/stats");
  EXPECT_THAT(one, HasSubstr(R"(200 {"model_stats":[{"name":"late","version":"1","last_inference":1000000,"inference_count":2,"execution_count":1)"));
  EXPECT_THAT(one, HasSubstr(R"("fail":{"count":1,)"));
  EXPECT_EQ(Get("/v2/models/stats"), one);
  EXPECT_EQ(Get("/v2/models/late/versions/1/stats"), one);
  EXPECT_THAT(Get("/v2/models/late/versions/2/stats"), HasSubstr("404 "));
  EXPECT_THAT(Get("/v2/models/early/stats"), HasSubstr("404 "));
}

TEST_F(ManagementTest, SettingsAreShownAndStay) {
  EXPECT_THAT(Get("/v2/trace/setting"), HasSubstr(R"("trace_level":["OFF"])"));
  EXPECT_EQ(Get("/v2/models/late/trace/setting"), Get("/v2/trace/setting"));
  EXPECT_THAT(Get("/v2/models/early/trace/setting"), HasSubstr("404 "));
  EXPECT_THAT(Post("/v2/trace/setting", R"({"trace_level": ["OFF"], "trace_rate": null})"), HasSubstr("200 "));
  EXPECT_THAT(Post("/v2/trace/setting", R"({"trace_level": ["TIMESTAMPS"]})"), HasSubstr("501 "));
  EXPECT_THAT(Post("/v2/trace/setting", R"({"level": 1})"), HasSubstr("400 "));
  EXPECT_THAT(Get("/v2/logging"), HasSubstr(R"("log_info":false,"log_warning":true,"log_error":true)"));
  EXPECT_THAT(Post("/v2/logging", R"({"log_warning": true})"), HasSubstr("200 "));
  EXPECT_THAT(Post("/v2/logging", R"({"log_info": true})"), HasSubstr("501 "));
}

}  // namespace
}  // namespace sw::open_inference
