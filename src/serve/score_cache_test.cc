#include "serve/score_cache.h"

#include <gtest/gtest.h>

#include "serve/fakes.h"

namespace sw::serve {
namespace {

std::optional<double> Take(ScoreCache& cache, std::string_view key) {
  double score = 0;
  return cache.Take(key, std::span(&score, 1)) ? std::optional(score) : std::nullopt;
}
void Put(ScoreCache& cache, std::string_view key, double score) { cache.Put(key, std::span(&score, 1)); }

TEST(ScoreCache, KeepsSoManyRowsAndThoseThatAreAskedFor) {
  ScoreCache cache(3, 1);
  for (const auto& [key, score] : {std::pair{"a", 1.0}, {"b", 2.0}, {"c", 3.0}}) Put(cache, key, score);
  EXPECT_EQ(Take(cache, "a"), 1);
  Put(cache, "d", 4);
  EXPECT_EQ(cache.rows(), 3U);
  EXPECT_EQ(Take(cache, "a"), 1) << "it was asked for";
  EXPECT_FALSE(Take(cache, "b"));
  EXPECT_EQ(Take(cache, "c"), 3);
  EXPECT_EQ(Take(cache, "d"), 4);
}

TEST(ScoreCache, FindsItsRowsHoweverManyThereAre) {
  ScoreCache cache(1'000, 1);
  for (int i = 0; i < 5'000; ++i) Put(cache, std::to_string(i), i);
  EXPECT_EQ(cache.rows(), 1'000U);
  for (int i = 4'000; i < 5'000; ++i) ASSERT_EQ(Take(cache, std::to_string(i)), i);
  EXPECT_FALSE(Take(cache, "3999"));
  Put(cache, std::string(ScoreCache::kKeyBytesMax + 1, 'x'), 1);
  EXPECT_FALSE(Take(cache, std::string(ScoreCache::kKeyBytesMax + 1, 'x')));
}

class CachingTest : public testing::Test {
 protected:
  void Start(EndpointSnapshot snapshot = LateEndpoint()) {
    snapshot.cache_rows = 100;
    serve_.Start(serve_.Options(), snapshot);
  }
  PredictResult Ask(const std::vector<DelayRow>& rows, std::optional<std::int64_t> version = {}) {
    PredictRequest request{.endpoint = "late", .rows = DelayRows(rows)};
    request.version = version;
    return serve_.Predict(std::move(request)).value();
  }
  std::int64_t Hits() { return serve_.Count("serve_cache_hits_total", {{"endpoint", "late"}}); }
  std::int64_t Misses() { return serve_.Count("serve_cache_misses_total", {{"endpoint", "late"}}); }
  ServeFixture serve_;
};

TEST_F(CachingTest, ARowThatWasScoredIsAnsweredAgainAndLogged) {
  Start();
  EXPECT_EQ(Ask({{"N1", 20}}).scores[0], 20);
  const PredictResult again = Ask({{"N1", 20}});
  EXPECT_EQ(again.scores[0], 20);
  EXPECT_TRUE(again.logged);
  EXPECT_EQ(Hits(), 1);
  EXPECT_EQ(Misses(), 1);
  Ask({{"N1", 21}});
  Ask({{"N1", 20, "JFK"}});
  Ask({{"N1", 20}, {"N1", 22}});
  EXPECT_EQ(Hits(), 1) << "other values, or not all of a request's rows";
  std::size_t logged = 0;
  for (const LoggedRows& rows : serve_.Logged("predictions/late")) logged += rows.num_rows();
  EXPECT_EQ(logged, 6U);
}

TEST_F(CachingTest, AnotherVersionHasOtherScores) {
  EndpointSnapshot snapshot = LateEndpoint();
  snapshot.arms.push_back(MakeArm(2, 2, ArmMode::kWarm));
  Start(snapshot);
  EXPECT_EQ(Ask({{"N1", 20}}).scores[0], 20);
  EXPECT_EQ(Ask({{"N1", 20}}, 2).scores[0], 40);
  EXPECT_EQ(Ask({{"N1", 20}}, 2).scores[0], 40);
  EXPECT_EQ(Hits(), 1);
}

TEST_F(CachingTest, RowsThatBreakTheContractAreCountedEachTime) {
  Start();
  Ask({{"N1", 1'000}});
  EXPECT_EQ(Ask({{"N1", 1'000}}).violations[0], 1);
  EXPECT_EQ(Hits(), 0);
  EXPECT_EQ(serve_.Count("serve_contract_violations_total", {{"endpoint", "late"}, {"kind", "out_of_range"}}), 2);
}

TEST_F(CachingTest, ARowWithoutAUnitIsCountedOnceWhetherScoredOrNot) {
  EndpointSnapshot snapshot = LateEndpoint();
  snapshot.unit_column.clear();
  Start(snapshot);
  const auto missing = [&] { return serve_.Count("serve_unit_missing_rows_total", {{"endpoint", "late"}}); };
  Ask({{"N1", 20}});
  EXPECT_EQ(Misses(), 1);
  EXPECT_EQ(missing(), 1);
  Ask({{"N1", 20}});
  EXPECT_EQ(Hits(), 1);
  EXPECT_EQ(missing(), 2);
}

TEST_F(CachingTest, IsNotForFeaturesThatChangeWithTime) {
  EndpointSnapshot snapshot = LateEndpoint();
  snapshot.service = "late_v1";
  snapshot.cache_rows = 100;
  EXPECT_FALSE(serve_.endpoints->Replace(snapshot));
}

}  // namespace
}  // namespace sw::serve
