#include "api/tecton/tecton.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "feature/feature_store_fixture.h"
#include "net/dispatch.h"

namespace sw::tecton {
namespace {

using base::kHourUs;
using feature::Aggregate;
using testing::HasSubstr;

feature::Definitions Crews() {
  feature::Definitions defined = feature::LandingsDefinitions();
  feature::AddView(defined, {"crew", "call", "landings", false,
                             {{"sum_1h", Aggregate::kSum, "crew", kHourUs, false}, {"load", Aggregate::kMean, "load", 0, false}}});
  defined.requests["load"] = {"load", {{"weight", data::Type::kInt64}}, {{"twice", "weight * 2"}}};
  defined.services["crew"].features.push_back("load.twice");
  return defined;
}

class TectonTest : public testing::Test {
 protected:
  TectonTest() : story_(Crews()), router_(net::Router::Make(TectonRoutes(&story_.store(), &clock_)).value()) {
    Post("/ingest", R"({"workspace_name": "prod", "records": {"landings": [{"record": {"id": "a", "ship": "Aida", "berth": 7,
         "at": "1970-01-01T00:30:00Z", "known": "1970-01-01T00:30:00Z", "crew": 9007199254740993, "load": 0.5}}]}})");
  }
  std::string Post(std::string path, std::string body, int status = 200) {
    const net::Response answer = net::Dispatch(router_, {.method = net::Method::kPost, .path = std::move(path), .body = std::move(body)});
    EXPECT_EQ(answer.status, status) << answer.body;
    return answer.body;
  }
  std::string Get(const std::string& rest, int status = 200) {
    return Post("/api/v1/feature-service/get-features", R"({"params": {"featureServiceName": "crew", "workspaceName": "prod", )" + rest + "}}", status);
  }

  base::ManualClock clock_{kHourUs};
  feature::StoreStory story_;
  net::Router router_;
};

TEST_F(TectonTest, IntegersAreTexts) {
  EXPECT_EQ(Get(R"("joinKeyMap": {"ship": "Aida", "berth": "7"}, "requestContextMap": {"weight": "21"})"),
            R"({"result":{"features":["9007199254740993",0.5,"42"]}})");
  EXPECT_EQ(Get(R"("joinKeyMap": {"ship": "Argo", "berth": 7}, "requestContextMap": {"weight": 21})"), R"({"result":{"features":[null,null,"42"]}})");
}

TEST_F(TectonTest, SaysWhatIsAskedOfEachFeature) {
  EXPECT_EQ(Get(R"("joinKeyMap": {"ship": "Aida", "berth": "7"}, "requestContextMap": {"weight": null}, "metadataOptions":
                   {"includeNames": true, "includeDataTypes": true, "includeEffectiveTimes": true, "includeServingStatus": true})"),
            R"({"result":{"features":["9007199254740993",0.5,null]},"metadata":{"features":[)"
            R"({"name":"crew.sum_1h","dataType":{"type":"int64"},"effectiveTime":"1970-01-01T00:30:00Z","status":"PRESENT"},)"
            R"({"name":"crew.load","dataType":{"type":"float64"},"effectiveTime":"1970-01-01T00:30:00Z","status":"PRESENT"},)"
            R"({"name":"load.twice","dataType":{"type":"int64"},"status":"MISSING_DATA"}]}})");
}

TEST_F(TectonTest, AnswersSeveralAtOnce) {
  EXPECT_EQ(Post("/api/v1/feature-service/get-features-batch",
                 R"({"params": {"featureServiceName": "crew", "workspaceName": "prod", "metadataOptions": {"includeNames": true}, "requestData": [
                     {"joinKeyMap": {"ship": "Aida", "berth": "7"}, "requestContextMap": {"weight": 1}},
                     {"joinKeyMap": {"ship": "Argo", "berth": "7"}}]}})"),
            R"({"result":[{"features":["9007199254740993",0.5,"2"]},{"features":[null,null,null]}],)"
            R"("metadata":{"features":[{"name":"crew.sum_1h"},{"name":"crew.load"},{"name":"load.twice"}]}})");
}

TEST_F(TectonTest, SaysWhatAServiceTakesAndGives) {
  EXPECT_EQ(Post("/api/v1/feature-service/metadata", R"({"params": {"featureServiceName": "crew", "workspaceName": "prod"}})"),
            R"({"featureServiceType":"DEFAULT","inputJoinKeys":[{"name":"ship","dataType":{"type":"string"}},{"name":"berth","dataType":{"type":"int64"}}],)"
            R"("inputRequestContextKeys":[{"name":"weight","dataType":{"type":"int64"}}],"featureValues":[{"name":"crew.sum_1h","dataType":{"type":"int64"}},)"
            R"({"name":"crew.load","dataType":{"type":"float64"}},{"name":"load.twice","dataType":{"type":"int64"}}]})");
}

TEST_F(TectonTest, IngestsWhatIsReadAtOnceAndADryRunWritesNothing) {
  const auto record = [](const char* id, const char* more) {
    return fmt::format(R"({{"workspace_name": "prod", {} "records": {{"landings": [{{"record": {{"id": "{}", "ship": "Aida", "berth": 7,
         "at": "1970-01-01T00:40:00Z", "known": "1970-01-01T00:40:00Z", "crew": 1, "load": 2.5}}}}]}}}})", more, id);
  };
  EXPECT_EQ(Post("/ingest", record("b", R"("dry_run": true,)")),
            R"({"workspaceName":"prod","ingestMetrics":{"featureViewIngestMetrics":[{"featureViewName":"crew","featureViewId":"crew",)"
            R"("onlineRecordIngestCount":"1","offlineRecordIngestCount":"1"}]}})");
  EXPECT_THAT(Get(R"("joinKeyMap": {"ship": "Aida", "berth": "7"})"), HasSubstr(R"(["9007199254740993",0.5,null])"));
  Post("/ingest", record("b", ""));
  EXPECT_THAT(Get(R"("joinKeyMap": {"ship": "Aida", "berth": "7"})"), HasSubstr(R"(["9007199254740994",1.5,null])"));
}

TEST_F(TectonTest, MistakesAreToldInItsShape) {
  EXPECT_EQ(Get(R"("joinKeyMap": {"ship": "Aida"})", 400),
            R"({"error":"joinKeyMap lacks berth, which feature service crew needs","code":3,"message":"joinKeyMap lacks berth, which feature service crew needs"})");
  EXPECT_THAT(Get(R"("joinKeyMap": {"ship": "Aida", "berth": "seven"})", 400), HasSubstr("row 0, berth: "));
  EXPECT_THAT(Get(R"("joinKeyMap": {"ship": "Aida", "berth": "7", "brth": 1})", 400), HasSubstr("brth"));
  EXPECT_THAT(Get(R"("joinKeyMap": [1])", 400), HasSubstr("joinKeyMap: expected an object, found array"));
  EXPECT_THAT(Get(R"("joinKeyMap": {}, "metadataOptions": {"includeNames": 1})", 400), HasSubstr("metadataOptions.includeNames: expected true or false"));
  for (const char* body : {"", "[]", "{}", R"({"params": 1})", R"({"params": {}})", R"({"params": {"featureServiceName": 3}})"}) {
    EXPECT_THAT(Post("/api/v1/feature-service/get-features", body, 400), HasSubstr(R"("code":3)")) << body;
  }
  EXPECT_THAT(Post("/api/v1/feature-service/get-features", R"({"params": {"featureServiceName": "crwe"}})", 404), HasSubstr("crew"));
  EXPECT_THAT(Post("/api/v1/feature-service/get-features-batch", R"({"params": {"featureServiceName": "crew", "requestData": []}})", 400),
              HasSubstr("requestData: expected 1 to 10000 requests, found 0"));
  for (const char* records : {"[]", "{}", R"({"landings": 1})", R"({"landings": [1]})", R"({"landings": [{"record": 1}]})", R"({"landings": [{"record": {"crew": {}}}]})"}) {
    EXPECT_THAT(Post("/ingest", fmt::format(R"({{"workspace_name": "prod", "records": {}}})", records), 400), HasSubstr(R"("requestErrors":[{"errorMessage":)")) << records;
  }
  EXPECT_THAT(Post("/ingest", R"({"workspace_name": "prod", "records": {"landing": [{"record": {}}]}})", 404), HasSubstr("landings"));
}

}  // namespace
}  // namespace sw::tecton
