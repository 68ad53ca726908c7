#include "serve/version_statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/fakes.h"

namespace sw::serve {
namespace {

PredictRequest Rows(std::vector<DelayRow> rows, std::optional<std::int64_t> version = {}) {
  return {.endpoint = "late", .rows = DelayRows(rows), .version = version};
}

TEST(VersionStatistics, CountWhatEachVersionAnswered) {
  EndpointSnapshot snapshot = LateEndpoint();
  snapshot.arms.push_back(MakeArm(2, 2, ArmMode::kWarm));
  ServeFixture serve(snapshot);
  ASSERT_TRUE(serve.Predict(Rows({{"N1", 20}, {"N2", 3}})));
  ASSERT_TRUE(serve.Predict(Rows({{"N1", 20}})));
  ASSERT_TRUE(serve.Predict(Rows({{"N1", 20}}, 2)));
  const std::vector<VersionStatistics> found = serve.endpoints->Statistics("late");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].version, 1);
  EXPECT_EQ(found[0].requests, 2);
  EXPECT_EQ(found[0].rows, 3);
  EXPECT_EQ(found[0].failed_requests, 0);
  EXPECT_EQ(found[0].last, serve.clock.Now());
  EXPECT_GT(found[0].input_ns, 0);
  EXPECT_GT(found[0].score_ns, 0);
  EXPECT_GT(found[0].output_ns, 0);
  EXPECT_GE(found[0].queue_ns, 0);
  EXPECT_EQ(found[1].requests, 1);
  EXPECT_EQ(found[1].rows, 1);
  EXPECT_TRUE(serve.endpoints->Statistics("early").empty());
}

TEST(VersionStatistics, CountEachVersionOfASplitRequest) {
  EndpointSnapshot snapshot = LateEndpoint();
  snapshot.arms.push_back(MakeArm(2, 2, ArmMode::kCanary, 0.5));
  ServeFixture serve(snapshot);
  std::vector<DelayRow> rows;
  for (int i = 0; i < 100; ++i) rows.push_back({"N" + std::to_string(i), 20});
  ASSERT_TRUE(serve.Predict(Rows(rows)));
  const std::vector<VersionStatistics> found = serve.endpoints->Statistics("late");
  EXPECT_EQ(found[0].rows + found[1].rows, 100);
  EXPECT_GT(found[1].rows, 20);
  EXPECT_EQ(found[0].requests, 1);
  EXPECT_EQ(found[1].requests, 1);
}

TEST(VersionStatistics, CountFailuresWithWhoWasAsked) {
  EndpointSnapshot snapshot = LateEndpoint();
  snapshot.arms.push_back(MakeArm(2, 2, ArmMode::kWarm));
  ServeFixture serve(snapshot);
  EXPECT_FALSE(serve.Predict(Rows({})));
  PredictRequest pinned = Rows({{"N1", 20}}, 2);
  pinned.rows = data::Batch(data::Schema{{{"tailnum", data::Type::kString}}});
  pinned.rows.column(0).AppendString("N1");
  EXPECT_FALSE(serve.Predict(std::move(pinned)));
  const std::vector<VersionStatistics> found = serve.endpoints->Statistics("late");
  EXPECT_EQ(found[0].failed_requests, 1);
  EXPECT_EQ(found[1].failed_requests, 1);
  EXPECT_GT(found[1].failed_ns, 0);
  EXPECT_EQ(found[0].requests + found[1].requests, 0);
}

TEST(VersionStatistics, GoOnWhenTheEndpointIsReplaced) {
  ServeFixture serve;
  ASSERT_TRUE(serve.Predict(Rows({{"N1", 20}})));
  ASSERT_TRUE(serve.endpoints->Replace(LateEndpoint()));
  ASSERT_TRUE(serve.Predict(Rows({{"N1", 20}})));
  EXPECT_EQ(serve.endpoints->Statistics("late")[0].requests, 2);
}

}  // namespace
}  // namespace sw::serve
