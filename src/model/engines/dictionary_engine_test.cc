#include "model/engines/dictionary_engine.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sw::model {
namespace {

// Answers the code of `color` itself, and 100 where it is missing: a tree for each code.
Forest Echo() {
  Forest forest{.features = {"color", "size"}, .trees = {}};
  for (std::uint32_t code = 0; code < 3; ++code) {
    const Node node{.feature = 0, .left = ~0, .right = ~1, .test = NodeTest::kMember};
    forest.trees.push_back({.nodes = {node}, .leaves = {static_cast<double>(code), 0}, .sets = {{1U << code}}});
  }
  const Node missing{.feature = 0, .threshold = 1e9, .left = ~0, .right = ~1};
  forest.trees.push_back({.nodes = {missing}, .leaves = {0, 100}});
  forest.dictionaries = {{.text = {{"blue", 0}, {"red", 2}}, .numbers = {{7, 1}}}, {}};
  return forest;
}

double ScoreOf(const Forest& forest, data::Column color) {
  data::Column size(data::Type::kInt64);
  size.AppendInt(3);
  data::Batch rows;
  rows.AddColumn({"size", data::Type::kInt64}, std::move(size));
  const data::Type type = color.type();
  rows.AddColumn({"color", type}, std::move(color));
  double score = -1;
  EXPECT_TRUE(MakeForestEngine(forest).value()->Score(rows, Output::kRaw, {&score, 1}));
  return score;
}

data::Column Text(std::string_view value) {
  data::Column column(data::Type::kString);
  column.AppendString(value);
  return column;
}

data::Column Number(double value) {
  data::Column column(data::Type::kFloat64);
  column.AppendDouble(value);
  return column;
}

TEST(DictionaryEngine, LooksUpTextAndNumbersAndTakesWhatItDoesNotKnowAsMissing) {
  const Forest forest = Echo();
  EXPECT_EQ(ScoreOf(forest, Text("blue")), 0);
  EXPECT_EQ(ScoreOf(forest, Text("red")), 2);
  EXPECT_EQ(ScoreOf(forest, Text("mauve")), 100);
  EXPECT_EQ(ScoreOf(forest, Number(7)), 1);
  EXPECT_EQ(ScoreOf(forest, Number(2)), 100);
  EXPECT_EQ(ScoreOf(forest, Number(std::nan(""))), 100);
  data::Column null(data::Type::kString);
  null.AppendNull();
  EXPECT_EQ(ScoreOf(forest, null), 100);
}

TEST(DictionaryEngine, TakesNumbersAsCodesWhereItKnowsTextOnly) {
  Forest forest = Echo();
  forest.dictionaries[0].numbers.clear();
  EXPECT_EQ(ScoreOf(forest, Number(2)), 2);
  EXPECT_EQ(ScoreOf(forest, Text("red")), 2);
}

TEST(DictionaryEngine, RefusesTextWhereItKnowsNoneAndAnAbsentColumn) {
  Forest forest = Echo();
  forest.dictionaries[0].text.clear();
  const auto engine = MakeForestEngine(forest).value();
  data::Batch rows;
  double score = 0;
  EXPECT_EQ(engine->Score(rows, Output::kRaw, {&score, 1}).error().code, ErrorCode::kNotFound);
  rows.AddColumn({"size", data::Type::kFloat64}, Number(1));
  rows.AddColumn({"color", data::Type::kString}, Text("red"));
  const Status status = engine->Score(rows, Output::kRaw, {&score, 1});
  EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(status.error().message.find("color"), std::string::npos);
}

TEST(DictionaryEngine, IsTunedAsTheEngineBelow) {
  const auto engine = MakeForestEngine(Echo()).value(), next = MakeForestEngine(Echo()).value();
  ASSERT_EQ(engine->tuning(), Tuning::kDefaultRule);
  ASSERT_TRUE(next->Choose(engine->Tune()));
  EXPECT_EQ(engine->tuning(), Tuning::kTimed);
  EXPECT_EQ(next->tuning(), Tuning::kCached);
}

}  // namespace
}  // namespace sw::model
