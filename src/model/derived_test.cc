#include "model/derived.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/engine.h"

namespace sw::model {
namespace {

TEST(CategoryHash, IsCatboosts) {
  const struct {
    std::string text;
    std::uint32_t hash;
  } cases[] = {{"", 797982799},
               {"a", 3489901818},
               {"abc", 978243121},
               {"abcd", 345588365},
               {"12345678", 1054993967},
               {"123456789", 1389760245},
               {std::string(16, 'x'), 2067776764},
               {std::string(17, 'y'), 782355611},
               {std::string(32, 'z'), 2596478485},
               {std::string(33, 'q'), 3671493603},
               {std::string(64, 'w'), 3688452427},
               {std::string(65, 'e'), 3120382230},
               {std::string(128, 'r'), 832998500},
               {std::string(129, 't'), 3617445775},
               {"gr\xc3\xbcn", 3055766120}};
  for (const auto& test : cases) EXPECT_EQ(static_cast<std::uint32_t>(CategoryHash(test.text)), test.hash) << test.text;
}

// Answers the one feature itself, found by bisection between whole numbers from -1 to 6; 100 when missing.
DerivedForest Echo(DerivedFeature feature) {
  DerivedForest model{.inputs = {{"color", true}, {"size", false}}, .features = {std::move(feature)}};
  model.forest.features = {"0"};
  for (int step = -1; step < 6; ++step) {
    const Node node{.feature = 0, .threshold = static_cast<double>(step), .left = ~0, .right = ~1, .missing_left = true};
    model.forest.trees.push_back({.nodes = {node}, .leaves = {0, 1}});
  }
  const Node missing{.feature = 0, .threshold = -1e9, .left = ~0, .right = ~1, .missing_left = true};
  model.forest.trees.push_back({.nodes = {missing}, .leaves = {101, 0}});
  model.forest.base = {-1};
  return model;
}

template <typename Color>
double ScoreOf(const DerivedForest& model, data::Type type, Color color, double size) {
  data::Column colors(type), sizes(data::Type::kFloat64);
  if constexpr (std::is_same_v<Color, const char*>) {
    colors.AppendString(color);
  } else if (type == data::Type::kFloat64) {
    colors.AppendDouble(color);
  } else {
    colors.AppendInt(static_cast<std::int64_t>(color));
  }
  sizes.AppendDouble(size);
  data::Batch rows;
  rows.AddColumn({"color", type}, std::move(colors));
  rows.AddColumn({"size", data::Type::kFloat64}, std::move(sizes));
  double score = -1;
  const Status status = MakeDerivedEngine(model).value()->Score(rows, Output::kRaw, {&score, 1});
  EXPECT_TRUE(status.has_value()) << status.error().message;
  return score;
}

TEST(DerivedEngine, HashesTextAndWholeNumbersAlike) {
  DerivedFeature code{.kind = DerivedFeature::Kind::kCode, .input = 0};
  code.codes = {{CategoryHash("red"), 2}, {CategoryHash("7"), 3}, {CategoryHash("1"), 4}};
  const DerivedForest model = Echo(code);
  EXPECT_EQ(ScoreOf(model, data::Type::kString, "red", 0), 2);
  EXPECT_EQ(ScoreOf(model, data::Type::kString, "7", 0), 3);
  EXPECT_EQ(ScoreOf(model, data::Type::kInt64, 7, 0), 3);
  EXPECT_EQ(ScoreOf(model, data::Type::kFloat64, 7.0, 0), 3);
  EXPECT_EQ(ScoreOf(model, data::Type::kBool, 1, 0), 4);
  EXPECT_EQ(ScoreOf(model, data::Type::kString, "mauve", 0), 100);
  EXPECT_EQ(ScoreOf(model, data::Type::kFloat64, 7.5, 0), 100);
  EXPECT_EQ(ScoreOf(model, data::Type::kFloat64, std::nan(""), 0), 100);
  EXPECT_EQ(ScoreOf(model, data::Type::kFloat64, 1e300, 0), 100);
}

// The table's hashes are CalcHash of CatBoost, from a file of it: of the category "1" alone.
TEST(DerivedEngine, LooksUpStatisticsOfKeysAndFallsBackOnAbsent) {
  DerivedForest model = Echo({.kind = DerivedFeature::Kind::kStatistic, .values = {3, 5}, .absent = 1});
  constexpr std::uint64_t kFactor = 0x4906ba494954cb65;
  const auto combined = [](std::uint64_t hash, std::uint64_t next) { return kFactor * (hash + kFactor * next); };
  const std::uint64_t red = combined(0, static_cast<std::uint64_t>(std::int64_t{CategoryHash("red")}));
  model.keys = {{.categories = {0}, .above = {{.input = 1, .border = 0.5F, .missing_passes = true}}}};
  model.tables = {{{combined(red, 0), 0}, {combined(red, 1), 1}}};
  EXPECT_EQ(ScoreOf(model, data::Type::kString, "red", 0.5), 3);
  EXPECT_EQ(ScoreOf(model, data::Type::kString, "red", 0.6), 5);
  EXPECT_EQ(ScoreOf(model, data::Type::kString, "red", std::nan("")), 5);
  EXPECT_EQ(ScoreOf(model, data::Type::kString, "blue", 0.6), 1);
}

TEST(DerivedEngine, IsTunedAsItsTrees) {
  const DerivedForest model = Echo({.kind = DerivedFeature::Kind::kColumn, .input = 1});
  const auto engine = MakeDerivedEngine(model).value(), next = MakeDerivedEngine(model).value();
  ASSERT_EQ(engine->tuning(), Tuning::kDefaultRule);
  ASSERT_TRUE(next->Choose(engine->Tune()));
  EXPECT_EQ(engine->tuning(), Tuning::kTimed);
  EXPECT_EQ(next->tuning(), Tuning::kCached);
}

TEST(DerivedEngine, RefusesWhatPointsOutside) {
  const DerivedForest good = Echo({.kind = DerivedFeature::Kind::kStatistic, .values = {3}});
  const auto is_refused = [&](auto change) {
    DerivedForest model = good;
    model.keys = {{.categories = {0}}};
    model.tables = {{{1, 0}}};
    change(model);
    return !MakeDerivedEngine(model).has_value();
  };
  EXPECT_FALSE(is_refused([](DerivedForest&) {}));
  EXPECT_TRUE(is_refused([](DerivedForest& m) { m.features[0].key = 1; }));
  EXPECT_TRUE(is_refused([](DerivedForest& m) { m.features[0].table = 1; }));
  EXPECT_TRUE(is_refused([](DerivedForest& m) { m.tables[0][2] = 1; }));
  EXPECT_TRUE(is_refused([](DerivedForest& m) { m.keys[0].categories = {1}; }));
  EXPECT_TRUE(is_refused([](DerivedForest& m) { m.keys[0].above = {{.input = 0}}; }));
  EXPECT_TRUE(is_refused([](DerivedForest& m) { m.keys[0].equal = {{.input = 7}}; }));
  EXPECT_TRUE(is_refused([](DerivedForest& m) { m.features.push_back({}); }));
}

}  // namespace
}  // namespace sw::model
