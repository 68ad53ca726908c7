#include "api/chronon/chronon.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "feature/feature_store_fixture.h"
#include "net/dispatch.h"

namespace sw::chronon {
namespace {

using base::kHourUs;
using data::Type;
using feature::Aggregate;
using testing::HasSubstr;

feature::Definitions Crews() {
  feature::Definitions defined = feature::LandingsDefinitions();
  feature::AddView(defined, {"crew_v1", "ship", "landings", false, {{"sum_1h", Aggregate::kSum, "crew", kHourUs, false}}});
  return defined;
}

class ChrononTest : public testing::Test {
 protected:
  ChrononTest() : story_(Crews()), router_(net::Router::Make(ChrononRoutes(&story_.store(), &clock_)).value()) {
    data::Batch rows(feature::LandingsSchema());
    rows.column(0).AppendString("a");
    rows.column(1).AppendString("Aida");
    rows.column(2).AppendInt(7);
    rows.column(3).AppendInt(kHourUs / 2);
    rows.column(4).AppendInt(kHourUs / 2);
    rows.column(5).AppendInt(3);
    rows.column(6).AppendDouble(0.5);
    rows.column(7).AppendString("calm");
    rows.column(8).AppendBool(false);
    EXPECT_TRUE(story_.store().Push("landings", rows, {}).has_value());
  }
  std::string Post(std::string path, std::string body, int status = 200) {
    const net::Response answer = net::Dispatch(router_, {.method = net::Method::kPost, .path = std::move(path), .body = std::move(body)});
    EXPECT_EQ(answer.status, status) << answer.body;
    return answer.body;
  }

  base::ManualClock clock_{kHourUs};
  feature::StoreStory story_;
  net::Router router_;
};

TEST_F(ChrononTest, AJoinIsAServiceAndAGroupByAView) {
  const char* rows = R"([{"ship": "Aida"}, {"ship": "Argo"}])";
  EXPECT_EQ(Post("/v1/features/join/crew_v1", rows),
            R"({"results":[{"status":"Success","entityKeys":{"ship":"Aida"},"features":{"crew_v1_sum_1h":3}},)"
            R"({"status":"Success","entityKeys":{"ship":"Argo"},"features":{"crew_v1_sum_1h":null}}]})");
  EXPECT_THAT(Post("/v1/features/groupby/crew_v1", rows), HasSubstr(R"("features":{"sum_1h":3})"));
}

TEST_F(ChrononTest, NamesAreFoundAsChrononWritesThem) {
  EXPECT_THAT(Post("/v1/features/groupby/crew.v1", R"([{"ship": "Aida"}])"), HasSubstr(R"({"sum_1h":3})"));
  EXPECT_THAT(Post("/v1/features/join/crew.v2", R"([{"ship": "Aida"}])", 404), HasSubstr("crew_v1"));
}

TEST_F(ChrononTest, ARowThatCannotBeReadFailsAlone) {
  EXPECT_THAT(Post("/v1/features/join/crew_v1", R"([{"shp": "Aida"}, {"ship": "Aida"}, {"ship": 5}])"),
              testing::AllOf(HasSubstr(R"([{"status":"Failure","entityKeys":{"shp":"Aida"},"error":)"),
                             HasSubstr(R"({"status":"Success","entityKeys":{"ship":"Aida"},"features":{"crew_v1_sum_1h":3}})"),
                             HasSubstr(R"({"status":"Failure","entityKeys":{"ship":5},)")));
  EXPECT_EQ(Post("/v1/features/join/crew_v1", "[]"), R"({"results":[]})");
}

TEST_F(ChrononTest, MistakesAreToldInItsShape) {
  for (const char* body : {"", "{}", "[1]", "[[]]", "nonsense"}) {
    EXPECT_THAT(Post("/v1/features/join/crew_v1", body, 400), HasSubstr(R"({"errors":[")")) << body;
  }
  EXPECT_THAT(Post("/v1/features/groupby/landings", "[]", 404), HasSubstr(R"({"errors":[")"));
  const Json many(Json::Array(10'001, Json::MakeObject()));
  EXPECT_THAT(Post("/v1/features/join/crew_v1", many.Dump(), 429), HasSubstr("the limit is 10000"));
}

}  // namespace
}  // namespace sw::chronon
