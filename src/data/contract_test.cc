#include "data/contract.h"

#include <cmath>
#include <limits>
#include <utility>

#include <gtest/gtest.h>

namespace sw::data {
namespace {

// Pressure from 1000 to 1040 (IQR 20), two origins, no nulls but in gust.
Batch Weather() {
  Batch batch(Schema{{{"pressure", Type::kFloat64}, {"origin", Type::kString}, {"gust", Type::kInt64}}});
  for (int i = 0; i <= 40; ++i) {
    batch.column(0).AppendDouble(1000 + i);
    batch.column(1).AppendString(i % 2 == 0 ? "EWR" : "JFK");
    if (i % 2 == 0) {
      batch.column(2).AppendNull();
    } else {
      batch.column(2).AppendInt(10 + i);
    }
  }
  return batch;
}

Contract Learnt() { return LearnContract(ProfileTable(Weather()), Weather()); }

TEST(Contract, IsKeptByTheTableItWasLearntFrom) {
  std::vector<Violation> violations;
  EXPECT_EQ(CheckContract(Learnt(), Weather(), 10, violations), 0u);
  EXPECT_TRUE(violations.empty());
}

TEST(Contract, LearnsRangeCategoriesAndNulls) {
  const Contract contract = Learnt();
  EXPECT_EQ(contract.columns[0].min, 1000 - 3 * 20);
  EXPECT_EQ(contract.columns[0].max, 1040 + 3 * 20);
  EXPECT_FALSE(contract.columns[0].nullable);
  EXPECT_EQ(contract.columns[1].categories, (std::vector<std::string>{"EWR", "JFK"}));
  EXPECT_TRUE(contract.columns[2].nullable);
  LearnOptions options;
  options.categories_max = 1;
  EXPECT_TRUE(LearnContract(ProfileTable(Weather()), Weather(), options).columns[1].categories.empty());
}

TEST(Contract, FindsEachKindOfViolationInRowOrder) {
  Batch rows(Schema{{{"pressure", Type::kFloat64}, {"origin", Type::kString}, {"gust", Type::kString}}});
  rows.column(0).AppendDouble(29.92);  // inches of mercury
  rows.column(0).AppendNull();
  rows.column(0).AppendDouble(std::numeric_limits<double>::infinity());
  for (const std::string_view origin : {"EWR", "LGA", "JFK"}) rows.column(1).AppendString(origin);
  for (int i = 0; i < 3; ++i) rows.column(2).AppendString("strong");
  std::vector<Violation> found;
  EXPECT_EQ(CheckContract(Learnt(), rows, 100, found), 7u);
  std::vector<std::tuple<std::size_t, std::size_t, ViolationKind>> kinds;
  for (const Violation& violation : found) kinds.emplace_back(violation.row, violation.column, violation.kind);
  using enum ViolationKind;
  EXPECT_EQ(kinds, (decltype(kinds){{0, 0, kOutOfRange},
                                    {0, 2, kWrongType},
                                    {1, 0, kUnexpectedNull},
                                    {1, 1, kUnknownCategory},
                                    {1, 2, kWrongType},
                                    {2, 0, kNotFinite},
                                    {2, 2, kWrongType}}));
}

TEST(Contract, FindsOneBadNumberAmongGoodOnes) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  using enum ViolationKind;
  const std::pair<double, ViolationKind> bad[] = {{std::nan(""), kNotFinite}, {kInfinity, kNotFinite}, {-kInfinity, kNotFinite},
                                                  {939.9, kOutOfRange},       {1100.1, kOutOfRange}};
  for (const auto& [value, kind] : bad) {
    Batch rows = Weather();
    rows.AppendRow(Weather(), 0);
    rows = rows.Select({"origin", "gust"}).value();
    Column pressure = Weather().column(0);
    pressure.AppendDouble(value);
    rows.AddColumn({"pressure", Type::kFloat64}, pressure);
    std::vector<Violation> found;
    EXPECT_EQ(CheckContract(Learnt(), rows, 10, found), 1u) << value;
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].row, 41u);
    EXPECT_EQ(found[0].kind, kind);
  }
}

TEST(Contract, CountsBeyondTheLimitAndMissingColumns) {
  std::vector<Violation> found;
  const Batch rows = Weather().Select({"origin", "gust"}).value();
  EXPECT_EQ(CheckContract(Learnt(), rows, 2, found), 41u);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1].kind, ViolationKind::kMissingColumn);
  EXPECT_EQ(ViolationKindName(found[1].kind), "missing_column");
}

TEST(Contract, TakesIntegersForNumbers) {
  Batch rows = Weather().Select({"origin", "gust"}).value();
  Column pressure(Type::kInt64);
  for (std::size_t i = 0; i < rows.num_rows(); ++i) pressure.AppendInt(1013);
  rows.AddColumn({"pressure", Type::kInt64}, pressure);
  std::vector<Violation> found;
  EXPECT_EQ(CheckContract(Learnt(), rows, 10, found), 0u);
}

TEST(Contract, SurvivesJson) {
  EXPECT_EQ(Contract::FromJson(Json::Parse(Learnt().ToJson().Dump()).value()).value(), Learnt());
  for (const char* text : {"{}", R"({"columns": [{"name": "a"}]})",
                           R"({"columns": [{"name": "a", "type": "string", "nullable": true, "categories": [1]}]})"}) {
    EXPECT_FALSE(Contract::FromJson(Json::Parse(text).value())) << text;
  }
}

}  // namespace
}  // namespace sw::data
