#include "api/sagemaker/container.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/errors.h"
#include "net/dispatch.h"
#include "serve/fakes.h"

namespace sw::sagemaker {
namespace {

using testing::HasSubstr;

// Keeps names; has room for so many.
class FakeHost final : public ModelHost {
 public:
  Status Load(const HostedModel& model) override {
    if (models.contains(model.name)) return AlreadyExists("{} is loaded", model.name);
    if (models.size() == room) return ResourceExhausted("no room");
    models[model.name] = model.url;
    return Ok();
  }
  Status Unload(const std::string& name) override {
    if (models.erase(name) == 1) return Ok();
    return NotFound("{} is not loaded", name);
  }
  std::vector<HostedModel> Models() const override {
    std::vector<HostedModel> all;
    for (const auto& [name, url] : models) all.push_back({name, url});
    return all;
  }
  std::map<std::string, std::string> models;
  std::size_t room = 1'000;
};

class ContainerTest : public testing::Test {
 protected:
  net::Response Send(net::Method method, std::string path, std::string body = {}, net::Headers headers = {}) {
    const std::size_t mark = std::min(path.find('?'), path.size());
    return net::Dispatch(router_, {.method = method, .path = path.substr(0, mark), .query = path.substr(std::min(mark + 1, path.size())),
                                   .headers = std::move(headers), .body = std::move(body)});
  }
  std::string Post(std::string path, std::string body, net::Headers headers = {{"Content-Type", "text/csv"}}) {
    const net::Response answer = Send(net::Method::kPost, std::move(path), std::move(body), std::move(headers));
    return fmt::format("{} {}", answer.status, answer.body);
  }
  std::string Get(std::string path) {
    const net::Response answer = Send(net::Method::kGet, std::move(path));
    return fmt::format("{} {}", answer.status, answer.body);
  }

  serve::ServeFixture serve_;
  FakeHost host_;
  net::Router router_ = net::Router::Make(ContainerRoutes({.endpoints = serve_.endpoints.get(),
                                                           .model = "late",
                                                           .default_accept = "application/jsonlines",
                                                           .batch = {.transforms_max = 2, .is_single_record = true, .payload_mib_max = 7}}))
                            .value();
};

class MultiModelTest : public ContainerTest {
 protected:
  MultiModelTest() { router_ = net::Router::Make(MultiModelRoutes({.endpoints = serve_.endpoints.get()}, &host_)).value(); }
};

TEST_F(ContainerTest, AnswersTheThreeRoutes) {
  EXPECT_EQ(Get("/ping"), "200 ");
  EXPECT_EQ(Get("/execution-parameters"), R"(200 {"MaxConcurrentTransforms":2,"BatchStrategy":"SINGLE_RECORD","MaxPayloadInMB":7})");
  EXPECT_EQ(Post("/invocations", "N1,20,EWR"), "200 {\"score\":20.0}\n");  // as the default says
  EXPECT_EQ(Post("/invocations", "N1,20,EWR", {{"Content-Type", "text/csv"}, {"Accept", "text/csv"}}), "200 20\n");
}

TEST_F(ContainerTest, RefusesInSageMakersForm) {
  EXPECT_THAT(Post("/invocations", "1", {{"Content-Type", "image/png"}}), HasSubstr("415 {\"message\":\"ContentType image/png"));
  EXPECT_THAT(Post("/invocations", ""), HasSubstr("400 {\"message\":\"the body has no rows\"}"));
  EXPECT_THAT(Post("/invocations", "1", {{"Content-Type", "text/csv"}, {"Accept", "image/png"}}), HasSubstr("406"));
}

TEST_F(ContainerTest, IsNotReadyBeforeItsModelAnswers) {
  ASSERT_TRUE(serve_.endpoints->Remove("late"));
  serve_.endpoints->Explain("late", Unavailable("it is being loaded").error());
  EXPECT_EQ(Get("/ping"), R"(503 {"message":"it is being loaded"})");
  EXPECT_EQ(Post("/invocations", "N1,20,EWR"), R"(503 {"message":"it is being loaded"})");
}

TEST_F(MultiModelTest, LoadsListsAndUnloads) {
  EXPECT_EQ(Get("/ping"), "200 ");
  const auto load = [&](const std::string& body) { return Post("/models", body, {{"Content-Type", "application/json"}}); };
  EXPECT_EQ(load(R"({"model_name": "a", "url": "/x"})"), R"(200 {"modelName":"a","modelUrl":"/x"})");
  EXPECT_THAT(load(R"({"model_name": "a", "url": "/x"})"), HasSubstr("409 "));
  host_.room = 1;
  EXPECT_THAT(load(R"({"model_name": "b", "url": "/x"})"), HasSubstr("507 {\"message\":\"no room\"}"));
  EXPECT_THAT(load(R"({"model_name": "b"})"), HasSubstr("400 "));
  EXPECT_THAT(load("no"), HasSubstr("400 "));
  EXPECT_EQ(Get("/models/a"), R"(200 {"modelName":"a","modelUrl":"/x"})");
  EXPECT_THAT(Get("/models/b"), HasSubstr("404 "));
  EXPECT_EQ(Send(net::Method::kDelete, "/models/a").status, 200);
  EXPECT_EQ(Send(net::Method::kDelete, "/models/a").status, 404);
}

TEST_F(MultiModelTest, ListsPageByPage) {
  for (int i = 0; i < 150; ++i) host_.models[fmt::format("m{:03}", i)] = "/x";
  const Json first = net::JsonOf(Send(net::Method::kGet, "/models")).value();
  EXPECT_EQ(first.Find("models")->size(), 100U);
  EXPECT_EQ(first.StringOr("nextPageToken", ""), "m099");
  const Json second = net::JsonOf(Send(net::Method::kGet, "/models?next_page_token=m099")).value();
  EXPECT_EQ(second.Find("models")->size(), 50U);
  EXPECT_FALSE(second.Has("nextPageToken"));
}

TEST_F(MultiModelTest, InvokesByName) {
  EXPECT_EQ(Post("/models/late/invoke", "N1,20,EWR", {{"Content-Type", "text/csv"}, {"X-Amzn-SageMaker-Target-Model", "late.tar.gz"}}), "200 20\n");
  EXPECT_THAT(Post("/models/early/invoke", "N1,20,EWR"), HasSubstr("404 {\"message\":\"unknown model early"));
  EXPECT_THAT(Post("/invocations", "N1,20,EWR"), HasSubstr("404 "));
}

}  // namespace
}  // namespace sw::sagemaker
