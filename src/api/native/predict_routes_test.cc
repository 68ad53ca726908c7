#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/native/routes.h"
#include "data/arrow_stream.h"
#include "net/dispatch.h"
#include "serve/fakes.h"

namespace sw::native {
namespace {

constexpr const char* kRows = R"({"rows": [{"tailnum": "N1", "delay": 3, "origin": "EWR"}, {"tailnum": "N2", "delay": 20, "origin": "JFK"}], "ids": ["a", "b"]})";

class PredictRoutesTest : public testing::Test {
 protected:
  explicit PredictRoutesTest(std::shared_ptr<const model::Package> package = serve::DelayPackage(1))
      : serve_(serve::LateEndpoint(std::move(package))) {
    context_.endpoints = serve_.endpoints.get();
    Routes routes;
    AddPredictRoutes(context_, routes);
    router_ = std::make_unique<net::Router>(net::Router::Make(std::move(routes)).value());
  }

  net::Response Predict(std::string accept = "application/json") {
    return net::Dispatch(*router_, {.method = net::Method::kPost, .path = "/seaworthy/v1/endpoints/late/predict",
                                    .headers = {{"Accept", std::move(accept)}}, .body = kRows});
  }
  std::string Predictions() {
    const net::Response answer = Predict();
    EXPECT_EQ(answer.status, 200) << answer.body;
    return Json::Parse(answer.body)->Find("predictions")->Dump();
  }

  serve::ServeFixture serve_;
  Context context_;
  std::unique_ptr<net::Router> router_;
};

TEST_F(PredictRoutesTest, AnswersAScoreAndItsDecision) {
  EXPECT_EQ(Predictions(), R"([{"id":"a","score":3.0,"decision":false,"version":1,"arm":"live","violations":0},)"
                           R"({"id":"b","score":20.0,"decision":true,"version":1,"arm":"live","violations":0}])");
  EXPECT_EQ(Predict("text/csv").body, "id,score,decision,version,arm,violations\na,3.0,false,1,live,0\nb,20.0,true,1,live,0\n");
}

class NamedClassesTest : public PredictRoutesTest {
 protected:
  NamedClassesTest() : PredictRoutesTest(serve::ClassesPackage()) {}
};

TEST_F(NamedClassesTest, AreAnsweredByName) {
  EXPECT_EQ(Predictions(),
            R"([{"id":"a","scores":{"early":0.5,"on time":0.5,"late":0.0},"class":"early","version":1,"arm":"live","violations":0},)"
            R"({"id":"b","scores":{"early":0.0,"on time":1.0,"late":0.0},"class":"on time","version":1,"arm":"live","violations":0}])");
}

TEST_F(NamedClassesTest, AreColumnsOfTables) {
  EXPECT_EQ(Predict("text/csv").body,
            "id,prediction_0,prediction_1,prediction_2,class,version,arm,violations\n"
            "a,0.5,0.5,0.0,early,1,live,0\nb,0.0,1.0,0.0,on time,1,live,0\n");
  const auto table = data::DecodeArrowStream(Predict("application/vnd.apache.arrow.stream").body).value();
  EXPECT_EQ(table.num_columns(), 8U);
  EXPECT_THAT(table.Find("prediction_1")->doubles(), testing::ElementsAre(0.5, 1));
  EXPECT_EQ(table.Find("class")->ToText(1), "on time");
}

class TargetsTest : public PredictRoutesTest {
 protected:
  TargetsTest() : PredictRoutesTest(serve::TargetsPackage()) {}
};

TEST_F(TargetsTest, WithoutNamesAreAListAndNoClass) {
  EXPECT_EQ(Predictions(), R"([{"id":"a","scores":[1.5,-2.0],"version":1,"arm":"live","violations":0},)"
                           R"({"id":"b","scores":[2.5,-3.0],"version":1,"arm":"live","violations":0}])");
  EXPECT_EQ(Predict("text/csv").body, "id,prediction_0,prediction_1,version,arm,violations\na,1.5,-2.0,1,live,0\nb,2.5,-3.0,1,live,0\n");
}

}  // namespace
}  // namespace sw::native
