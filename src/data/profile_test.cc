#include "data/profile.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sw::data {
namespace {

using testing::Contains;
using testing::HasSubstr;

// 1 to 1000 with one sensor's 9999, three NaN and two nulls; a constant; an id.
Batch Readings() {
  Batch batch(Schema{{{"temp", Type::kFloat64}, {"year", Type::kInt64}, {"tailnum", Type::kString}}});
  const auto add = [&](double temp) {
    batch.column(0).AppendDouble(temp);
    batch.column(1).AppendInt(2013);
    batch.column(2).AppendString("N" + std::to_string(batch.column(2).size()));
  };
  for (int i = 1; i <= 1000; ++i) add(i);
  add(99'999);
  for (int i = 0; i < 3; ++i) add(std::numeric_limits<double>::quiet_NaN());
  for (int i = 0; i < 2; ++i) {
    batch.column(0).AppendNull();
    batch.column(1).AppendInt(2013);
    batch.column(2).AppendNull();
  }
  return batch;
}

TEST(Profile, CountsRowsNullsAndNotFiniteValues) {
  const Profile profile = ProfileTable(Readings());
  const ColumnProfile& temp = *profile.Find("temp");
  EXPECT_EQ(profile.rows, 1006u);
  EXPECT_EQ(temp.nulls, 2u);
  EXPECT_EQ(temp.nan_or_infinite, 3u);
  EXPECT_EQ(temp.distinct, 1002u);
  EXPECT_TRUE(temp.distinct_is_exact);
  EXPECT_EQ(temp.min, 1);
  EXPECT_EQ(temp.max, 99'999);
  EXPECT_EQ(temp.quantiles[4], 501);  // the median of 1001 values
  EXPECT_EQ(temp.top.size(), 10u);
  EXPECT_EQ(temp.top[0], (std::pair<std::string, std::uint64_t>("NaN", 3)));
}

TEST(Profile, FindsWhatIsWrong) {
  const Profile profile = ProfileTable(Readings());
  EXPECT_THAT(profile.Find("temp")->findings,
              Contains("1 value at 99999 lies 198 IQR above the rest"));
  EXPECT_THAT(profile.Find("temp")->findings, Contains(HasSubstr("NaN or infinite")));
  EXPECT_THAT(profile.Find("year")->findings, Contains("constant"));
  EXPECT_THAT(profile.Find("tailnum")->findings, Contains(HasSubstr("an id?")));
}

TEST(Profile, SaysWhenDistinctIsALowerBound) {
  Batch batch(Schema{{{"n", Type::kInt64}}});
  for (int i = 0; i < 10'001; ++i) batch.column(0).AppendInt(i);
  const Profile profile = ProfileTable(batch);
  EXPECT_EQ(profile.columns[0].distinct, 10'000u);
  EXPECT_FALSE(profile.columns[0].distinct_is_exact);
}

TEST(Profile, TakesEmptyTablesAndColumnsOfNulls) {
  Batch batch(Schema{{{"x", Type::kFloat64}, {"s", Type::kString}}});
  EXPECT_EQ(ProfileTable(batch).columns[0].rows, 0u);
  EXPECT_TRUE(ProfileTable(batch).columns[0].findings.empty());
  batch.column(0).AppendNull();
  batch.column(1).AppendNull();
  const Profile profile = ProfileTable(batch);
  EXPECT_THAT(profile.columns[0].findings, Contains("always null"));
  EXPECT_TRUE(profile.columns[0].quantiles.empty());
}

TEST(Profile, SurvivesJson) {
  const Profile profile = ProfileTable(Readings());
  EXPECT_EQ(Profile::FromJson(Json::Parse(profile.ToJson().Dump()).value()).value(), profile);
  EXPECT_FALSE(Profile::FromJson(Json::Parse(R"({"rows": -1, "columns": []})").value()));
  EXPECT_FALSE(Profile::FromJson(Json::Parse(R"({"rows": 1, "columns": [{"name": "x"}]})").value()));
}

}  // namespace
}  // namespace sw::data
