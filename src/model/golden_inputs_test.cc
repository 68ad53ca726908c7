#include "model/golden_inputs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "base/errors.h"
#include "model/engines/forest_fakes.h"
#include "model/forest.h"

namespace sw::model {
namespace {

bool Holds(const data::Column& column, double number) {
  return std::ranges::any_of(column.doubles(), [&](double value) { return value == number; });
}

// Takes no missing value in its first column.
class Picky final : public Engine {
 public:
  explicit Picky(std::vector<InputProbe> probes) : probes_(std::move(probes)) {
    for (std::size_t i = 0; i < probes_.size(); ++i) inputs_.push_back(fmt::format("x{}", i));
  }
  const std::vector<std::string>& inputs() const override { return inputs_; }
  Exactness exactness() const override { return Exactness::kExact; }
  std::size_t memory_bytes() const override { return 0; }
  std::vector<InputProbe> Probes() const override { return probes_; }
  Status Score(const data::Batch& rows, Output, std::span<double>) const override {
    for (std::size_t row = 0; row < rows.num_rows(); ++row) {
      if (rows.column(0).IsNull(row)) return InvalidArgument("row {} has no x0", row);
    }
    return Ok();
  }

 private:
  std::vector<InputProbe> probes_;
  std::vector<std::string> inputs_;
};

std::vector<InputProbe> One(std::vector<double> thresholds) { return {InputProbe{.numbers = std::move(thresholds)}}; }

TEST(GoldenInputs, HoldEveryThresholdOfAForestWithItsNeighbours) {
  const ForestShape shape{.features = 4, .trees = 12, .leaves = 15};
  const auto engine = MakeForestEngine(RandomForest(shape, 3)).value();
  const data::Batch inputs = ChooseGoldenInputs(*engine, {}).value();
  ASSERT_EQ(inputs.num_columns(), 4U);
  EXPECT_GE(inputs.num_rows(), 512U);
  const auto probes = engine->Probes();
  for (std::size_t i = 0; i < probes.size(); ++i) {
    ASSERT_FALSE(probes[i].numbers.empty());
    for (const double threshold : probes[i].numbers) {
      EXPECT_TRUE(Holds(inputs.column(i), threshold));
      EXPECT_TRUE(Holds(inputs.column(i), std::nextafter(threshold, -INFINITY)));
      EXPECT_TRUE(Holds(inputs.column(i), std::nextafterf(static_cast<float>(threshold), INFINITY)));
    }
    EXPECT_GT(inputs.column(i).null_count(), inputs.num_rows() / 20);
  }
}

TEST(GoldenInputs, HoldCategoriesThatAreKnownAndThatAreNot) {
  const Picky engine({{.is_category = true, .numbers = {}, .texts = {"red", "blue"}}, {.is_category = true, .numbers = {3, 7}}});
  const data::Batch inputs = ChooseGoldenInputs(engine, {}).value();
  ASSERT_EQ(inputs.column(0).type(), data::Type::kString);
  std::set<std::string> labels;
  for (std::size_t row = 0; row < inputs.num_rows(); ++row) labels.emplace(inputs.column(0).String(row));
  EXPECT_TRUE(labels.contains("red") && labels.contains("blue") && labels.contains("seaworthy: never seen"));
  for (const double code : {3.0, 7.0, 8.0, -1.0}) EXPECT_TRUE(Holds(inputs.column(1), code)) << code;
}

TEST(GoldenInputs, TakeTypesAndRowsOfTheSample) {
  data::Batch sample(data::Schema{{{"x1", data::Type::kInt64}}});
  for (std::int64_t i = 0; i < 5; ++i) sample.column(0).AppendInt(77'700 + i);
  const Picky engine({{.numbers = {1.5}}, {.numbers = {4.5}}});
  const data::Batch inputs = ChooseGoldenInputs(engine, {.known = {{{"x0", data::Type::kBool}}}, .sample = sample}).value();
  EXPECT_EQ(inputs.column(0).type(), data::Type::kBool);
  ASSERT_EQ(inputs.column(1).type(), data::Type::kInt64);
  const auto ints = inputs.column(1).ints();
  EXPECT_GT(std::ranges::count_if(ints, [](std::int64_t i) { return i >= 77'700 && i < 77'705; }), 50);
  EXPECT_TRUE(std::ranges::find(ints, 4) != ints.end() && std::ranges::find(ints, 5) != ints.end());  // about 4.5
}

TEST(GoldenInputs, AreTheSameForTheSameSeed) {
  const Picky engine(One({1.5, 2.5}));
  const auto rows = [&](std::uint64_t seed) { return ChooseGoldenInputs(engine, {.seed = seed}).value(); };
  EXPECT_EQ(rows(1).column(0), rows(1).column(0));
  EXPECT_FALSE(rows(1).column(0) == rows(2).column(0));
}

TEST(GoldenInputs, AreFewerForModelsOfThousandsOfColumns) {
  std::vector<double> thresholds(2'000);
  for (std::size_t i = 0; i < thresholds.size(); ++i) thresholds[i] = static_cast<double>(i);
  EXPECT_EQ(ChooseGoldenInputs(Picky(One(thresholds)), {}).value().num_rows(), kGoldenRowsMax);
  std::vector<InputProbe> wide(8'000);
  wide[0].numbers = thresholds;
  EXPECT_EQ(ChooseGoldenInputs(Picky(std::move(wide)), {}).value().num_rows(), 512U);
}

TEST(GoldenInputs, OfATimestampNeedRows) {
  const Picky engine(std::vector<InputProbe>(1));
  const auto chosen = ChooseGoldenInputs(engine, {.known = {{{"x0", data::Type::kTimestamp}}}});
  ASSERT_FALSE(chosen);
  EXPECT_EQ(chosen.error().code, ErrorCode::kInvalidArgument);
}

TEST(ScorableRows, AreThoseThatTheEngineTakes) {
  const Picky engine(One({1}));
  const data::Batch inputs = ChooseGoldenInputs(engine, {}).value();
  const std::vector<std::size_t> rows = ScorableRows(engine, inputs);
  EXPECT_EQ(rows.size(), inputs.num_rows() - inputs.column(0).null_count());
  EXPECT_TRUE(std::ranges::none_of(rows, [&](std::size_t row) { return inputs.column(0).IsNull(row); }));
}

}  // namespace
}  // namespace sw::model
