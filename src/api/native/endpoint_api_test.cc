#include "api/native/endpoint_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/native/routes.h"
#include "net/dispatch.h"
#include "serve/fakes.h"

namespace sw::native {
namespace {

using testing::HasSubstr;

class EndpointApiTest : public testing::Test {
 protected:
  explicit EndpointApiTest(std::shared_ptr<const model::Package> package = serve::DelayPackage(1))
      : serve_(serve::LateEndpoint(std::move(package))) {
    context_.endpoints = serve_.endpoints.get();
    context_.program_version = "1.2.3";
    Routes routes;
    AddPredictRoutes(context_, routes);
    router_ = std::make_unique<net::Router>(net::Router::Make(std::move(routes)).value());
  }
  net::Response Get(std::string path) { return net::Dispatch(*router_, {.path = std::move(path)}); }
  Json Document() { return Json::Parse(Get("/seaworthy/v1/endpoints/late/openapi.json").body).value(); }
  static const Json& At(const Json& document, std::initializer_list<std::string_view> path) {
    const Json* at = &document;
    for (const std::string_view key : path) {
      at = at->Find(key);
      if (at == nullptr) ADD_FAILURE() << key << " is missing";
      if (at == nullptr) return document;
    }
    return *at;
  }

  serve::ServeFixture serve_;
  Context context_;
  std::unique_ptr<net::Router> router_;
};

TEST_F(EndpointApiTest, SaysWhatARowHas) {
  const Json document = Document();
  const Json& row = At(document, {"components", "schemas", "Row"});
  EXPECT_EQ(At(row, {"required"}).Dump(), R"(["tailnum","delay","origin"])");
  EXPECT_THAT(At(row, {"properties", "delay", "type"}).Dump(), HasSubstr("number"));
  EXPECT_THAT(At(row, {"properties", "origin", "type"}).Dump(), HasSubstr("string"));
  EXPECT_TRUE(At(document, {"components", "schemas", "Prediction", "properties"}).Has("decision"));
  EXPECT_EQ(At(document, {"info", "version"}).AsString(), "1");
  EXPECT_TRUE(At(document, {"paths"}).Has("/v2/models/late/infer"));
}

// A client that fills in the examples gets a prediction.
TEST_F(EndpointApiTest, ItsExamplesAreARow) {
  const Json document = Document();
  Json row = Json::MakeObject();
  for (const auto& [name, schema] : At(document, {"components", "schemas", "Row", "properties"}).AsObject()) row.Set(name, *schema.Find("example"));
  const Json body = Json::MakeObject({{"rows", Json::MakeArray({row})}});
  const net::Response answer =
      net::Dispatch(*router_, {.method = net::Method::kPost, .path = "/seaworthy/v1/endpoints/late/predict", .body = body.Dump()});
  EXPECT_EQ(answer.status, 200) << body.Dump() << answer.body;
}

TEST_F(EndpointApiTest, ThePageTellsNothingOfItsEndpoint) {
  const net::Response page = Get("/seaworthy/v1/endpoints/late/try");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.body, Get("/seaworthy/v1/endpoints/none/try").body);
  EXPECT_THAT(std::string(page.headers.Get("Content-Security-Policy")), HasSubstr("default-src 'none'"));
  EXPECT_THAT(page.body, testing::Not(HasSubstr("https://")));  // all of it comes from here
  EXPECT_EQ(Get("/seaworthy/v1/endpoints/none/openapi.json").status, 404);
}

class EndpointApiOfClassesTest : public EndpointApiTest {
 protected:
  EndpointApiOfClassesTest() : EndpointApiTest(serve::ClassesPackage()) {}
};

TEST_F(EndpointApiOfClassesTest, NamesTheClasses) {
  const Json document = Document();
  const Json& prediction = At(document, {"components", "schemas", "Prediction", "properties"});
  EXPECT_TRUE(prediction.Has("class"));
  EXPECT_FALSE(prediction.Has("decision"));
  EXPECT_TRUE(At(prediction, {"scores", "properties"}).Has("on time"));
}

}  // namespace
}  // namespace sw::native
