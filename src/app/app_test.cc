#include "app/app.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "net/client.h"
#include "store/temp_folder.h"

namespace sw::app {
namespace {

using ::testing::HasSubstr;

constexpr const char* kToml = R"toml(
[source.visits]
event_time = "at"
types = { at = "timestamp", user = "string", seconds = "float64" }
[entity.user]
keys = { user = "string" }
[view.visits_of_user]
entity = "user"
source = "visits"
[view.visits_of_user.features]
count_1h = { agg = "count(seconds)", window = "1h" }
mean_1h = { agg = "mean(seconds)", window = "1h" }
[service.visits]
features = ["visits_of_user.*"]
)toml";

class AppTest : public testing::Test {
 protected:
  Settings MakeSettings(Settings::Flags flags = {}) {
    flags.try_emplace("data", folder_ / "data");
    flags.try_emplace("clock", "manual");
    flags.try_emplace("log_level", "error");
    return Settings::Resolve(flags, [](const char*) -> const char* { return nullptr; }).value();
  }
  void Open(Settings::Flags flags = {}) {
    auto app = App::Open(MakeSettings(std::move(flags)), "test");
    ASSERT_TRUE(app) << app.error().message;
    app_ = *std::move(app);
  }
  Result<Json> Send(net::Method method, std::string path, const Json& body = {},
                    std::string query = {}) {
    net::Request request;
    request.method = method;
    request.path = std::move(path);
    request.query = std::move(query);
    if (!body.IsNull()) request.body = body.Dump();
    return net::JsonOf(app_->Dispatch(std::move(request)));
  }
  Result<Json> Get(std::string path) { return Send(net::Method::kGet, std::move(path)); }
  Result<Json> Post(std::string path, const Json& body) {
    return Send(net::Method::kPost, std::move(path), body);
  }
  Result<Json> Apply(std::string toml) {
    return Post("/seaworthy/v1/config", Json::MakeObject({{"toml", std::move(toml)}}));
  }

  store::TempFolder folder_;
  std::unique_ptr<App> app_;
};

TEST_F(AppTest, PushedRowsAreFeaturesAtOnceAndAfterARestart) {
  Open();
  ASSERT_TRUE(Post("/seaworthy/v1/clock", Json::MakeObject({{"now", "2013-06-01T12:00:00Z"}})));
  const auto applied = Apply(kToml);
  ASSERT_TRUE(applied) << applied.error().message;
  EXPECT_EQ(applied->IntOr("version", 0), 1);
  const Json rows = Json::Parse(R"({"rows":[{"at":"2013-06-01T11:30:00Z","user":"ann","seconds":4},
                                           {"at":"2013-06-01T11:40:00Z","user":"ann","seconds":6}]})")
                        .value();
  const auto pushed = Post("/seaworthy/v1/sources/visits/rows", rows);
  ASSERT_TRUE(pushed) << pushed.error().message;
  EXPECT_EQ(pushed->IntOr("rows", 0), 2);
  for (const bool restarted : {false, true}) {
    if (restarted) {
      app_.reset();
      Open();
    }
    const auto read = Post("/seaworthy/v1/services/visits/read",
                           Json::Parse(R"({"rows":[{"user":"ann"},{"user":"bob"}]})").value());
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->StringOr("time", ""), "2013-06-01T12:00:00Z")
        << "a restart must not take time back";
    EXPECT_EQ(read->Find("features")->Dump(),
              R"([{"visits_of_user.count_1h":2,"visits_of_user.mean_1h":5.0},)"
              R"({"visits_of_user.count_1h":0,"visits_of_user.mean_1h":null}])");
  }
}

TEST_F(AppTest, ApplyShowsWhatChangesAndRefusesWhatIsWrong) {
  Open();
  ASSERT_TRUE(Apply(kToml));
  EXPECT_EQ(Apply(kToml)->Find("changes")->size(), 0u);
  EXPECT_EQ(Get("/seaworthy/v1/config")->IntOr("version", 0), 1)
      << "the same file is no new version";

  std::string changed(kToml);
  changed.replace(changed.find("window = \"1h\""), 13, "window = \"2h\"");
  const auto plan =
      Post("/seaworthy/v1/config", Json::MakeObject({{"toml", changed}, {"plan_only", true}}));
  ASSERT_TRUE(plan);
  EXPECT_THAT(plan->Dump(), HasSubstr("features.count_1h.window: 1h -> 2h"));
  EXPECT_EQ(plan->Find("services_with_new_values")->Dump(), R"(["visits"])");
  EXPECT_EQ(Get("/seaworthy/v1/config")->IntOr("version", 0), 1);

  changed.replace(changed.find("source = \"visits\""), 17, "source = \"visit\"");
  const auto refused = Apply(changed);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("seaworthy.toml:9: view.visits_of_user.source: "));
  EXPECT_THAT(refused.error().message, HasSubstr("visits"));
  EXPECT_EQ(Get("/seaworthy/v1/config")->IntOr("version", 0), 1);
}

TEST_F(AppTest, OnlyAManualClockCanBeMovedAndOnlyForward) {
  Open();
  ASSERT_TRUE(Post("/seaworthy/v1/clock", Json::MakeObject({{"now", "2013-06-01"}})));
  EXPECT_EQ(Post("/seaworthy/v1/clock", Json::MakeObject({{"now", "2013-05-01"}})).error().code,
            ErrorCode::kFailedPrecondition);
  EXPECT_EQ(Post("/seaworthy/v1/clock", Json::MakeObject({{"now", "soon"}})).error().code,
            ErrorCode::kInvalidArgument);
  app_.reset();
  Open({{"clock", "system"}});
  EXPECT_FALSE(Post("/seaworthy/v1/clock", Json::MakeObject({{"now", "2099-06-01"}})));
}

TEST_F(AppTest, ASecondProcessIsToldWhoHasTheFolder) {
  Open();
  const auto second = App::Open(MakeSettings(), "apply");
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("(seaworthy test)"));
}

TEST_F(AppTest, BadRequestsNameTheKeyAndCloseOnes) {
  Open();
  ASSERT_TRUE(Apply(kToml));
  EXPECT_THAT(Post("/seaworthy/v1/sources/visit/rows", Json::MakeObject()).error().message,
              HasSubstr("visits"));
  EXPECT_THAT(
      Post("/seaworthy/v1/sources/visits/rows", Json::MakeObject({{"row", 1}})).error().message,
      HasSubstr("did you mean rows"));
  EXPECT_THAT(Post("/seaworthy/v1/sources/visits/load", Json::MakeObject()).error().message,
              HasSubstr("--tables"));
  EXPECT_THAT(Post("/seaworthy/v1/endpoints/late/predict", Json::MakeObject()).error().message,
              HasSubstr("no endpoint late"));
  EXPECT_EQ(Get("/seaworthy/v1/jobs/nothing").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(
      Send(net::Method::kGet, "/seaworthy/v1/streams/source/visits", {}, "from=x").error().code,
      ErrorCode::kInvalidArgument);
}

// Every route, asked by somebody without a key, with a key that may nothing, and from another
// workspace: none answers.
TEST_F(AppTest, NobodyGetsAnythingOnceThereIsAKey) {
  Open();
  auto make_key = [&](const char* principal, const char* workspace, const char* scope) {
    const Json body = Json::MakeObject(
        {{"principal", principal}, {"workspace", workspace}, {"scopes", Json::MakeArray({scope})}});
    const auto key = Post("/seaworthy/v1/keys", body);
    return key ? key->StringOr("key", "") : key.error().message;
  };
  const std::string powerless = make_key("ben", "default", "nothing.read");
  const std::string stranger = make_key("eve", "elsewhere", "*");
  app_.reset();
  Open({{"listen", "127.0.0.1:0"}, {"loops", "1"}});
  auto server = app_->Listen();
  ASSERT_TRUE(server) << server.error().message;
  net::Client client("127.0.0.1", (*server)->Port());
  int walked = 0;
  for (const net::Route& route : app_->router().Routes()) {
    if (route.scope.empty()) continue;
    std::string target = route.pattern;
    std::ranges::replace(target, '{', 'x');
    std::ranges::replace(target, '}', 'x');
    auto status = [&](const std::string& key) {
      net::ClientRequest request{route.method, target, {}, {}};
      if (!key.empty()) request.headers.Add("Authorization", "Bearer " + key);
      const auto answer = client.Send(request);
      const std::string_view code = answer ? answer->headers.Get("grpc-status") : std::string_view();
      if (!code.empty()) return code == "16" ? 401 : code == "7" ? 403 : 200;  // gRPC answers 200 and its own code
      return answer ? answer->status : -1;
    };
    EXPECT_EQ(status(""), 401) << target;
    EXPECT_EQ(status("sw_0000000000000000_00"), 401) << target;
    EXPECT_EQ(status(powerless), 403) << target;
    const bool apart = route.scope.starts_with("models.") || route.scope.starts_with("runs.") ||
                       route.scope.starts_with("keys.") || route.scope == "jobs.read";
    if (!apart) {
      EXPECT_EQ(status(stranger), 403) << target;
    }
    ++walked;
  }
  EXPECT_GT(walked, 40);
  EXPECT_EQ(client.Get("/health")->status, 200);
}

TEST_F(AppTest, AListenerOffersItsGroupsOnly) {
  Open({{"listen", "127.0.0.1:0/metrics"}, {"loops", "1"}});
  auto server = app_->Listen();
  ASSERT_TRUE(server) << server.error().message;
  net::Client client("127.0.0.1", (*server)->Port());
  EXPECT_EQ(client.Get("/metrics")->status, 200);
  EXPECT_EQ(client.Get("/seaworthy/v1/keys")->status, 404);
  app_->Drain().value();
}

TEST_F(AppTest, WithoutAKeyOnlyLoopbackIsListenedOn) {
  Open({{"listen", "0.0.0.0:0"}});
  const auto server = app_->Listen();
  ASSERT_FALSE(server);
  EXPECT_THAT(server.error().message, HasSubstr("key"));
}

TEST_F(AppTest, DoctorSeesADamagedBlob) {
  Open();
  ASSERT_TRUE(Get("/seaworthy/v1/doctor"));
  EXPECT_EQ(
      Send(net::Method::kGet, "/seaworthy/v1/doctor", {}, "verify=true")->Find("findings")->size(),
      0u);
}

}  // namespace
}  // namespace sw::app
