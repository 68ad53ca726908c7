#include "model/engines/forest_engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/random.h"
#include "model/engines/forest_fakes.h"
#include "model/reference.h"

namespace sw::model {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr ForestMethod kMethods[] = {ForestMethod::kLiteral, ForestMethod::kWalk, ForestMethod::kTreelets, ForestMethod::kTable,
                                    ForestMethod::kSlice};

// Row-major cells: every value stands in every feature in some row.
struct Rows {
  std::vector<double> cells;
  std::vector<const double*> columns;
  std::size_t rows = 0;
  Cells View(std::size_t from, std::size_t count) {
    for (std::size_t c = 0; c < columns.size(); ++c) columns[c] = cells.data() + from * columns.size() + c;
    return {.columns = columns, .stride = columns.size(), .rows = count};
  }
};

Rows MakeRows(const Forest& forest, std::size_t rows_max) {
  const std::vector<double> values = Values(forest);
  base::Random random(99);
  Rows rows{.cells = {}, .columns = std::vector<const double*>(forest.features.size()), .rows = std::min(rows_max, values.size() + 300)};
  for (std::size_t r = 0; r < rows.rows; ++r) {
    for (std::size_t c = 0; c < forest.features.size(); ++c) {
      rows.cells.push_back(r < values.size() ? values[(r + c * 7) % values.size()] : values[random.Below(values.size())]);
    }
  }
  return rows;
}

void ExpectReferenceBits(const Forest& forest, const ForestOptions& options, bool must_slice, std::size_t rows_max = 100000) {
  const auto engine = ForestEngine::Make(forest, options).value();
  Rows rows = MakeRows(forest, rows_max);
  std::vector<double> expected(rows.rows * forest.outputs);
  for (std::size_t r = 0; r < rows.rows; ++r) {
    ReferenceRaw(forest, {rows.cells.data() + r * forest.features.size(), forest.features.size()},
                 {expected.data() + r * forest.outputs, forest.outputs});
  }
  for (const ForestMethod method : kMethods) {
    for (const std::size_t batch : {std::size_t{1}, std::size_t{7}, std::size_t{64}, rows.rows}) {
      std::vector<double> found(rows.rows * forest.outputs);
      bool can = true;
      for (std::size_t from = 0; from < rows.rows; from += batch) {
        const std::size_t count = std::min(batch, rows.rows - from);
        can = engine->ScoreCellsBy(method, rows.View(from, count), Output::kRaw,
                                   std::span<double>(found).subspan(from * forest.outputs, count * forest.outputs));
      }
      if (!can) {
        EXPECT_FALSE(must_slice && method == ForestMethod::kSlice);
        break;
      }
      for (std::size_t i = 0; i < found.size(); ++i) {
        ASSERT_EQ(UlpDistance(found[i], expected[i]), 0U) << ForestMethodName(method) << ", batch " << batch << ", value " << i;
      }
    }
  }
}

// A random forest whose features have this many thresholds.
Forest ForestOfCuts(const ForestShape& shape, std::size_t cuts) {
  Forest forest = RandomForest(shape, 15);
  std::vector<std::size_t> next(forest.features.size());
  for (Tree& tree : forest.trees) {
    for (Node& node : tree.nodes) node.threshold = static_cast<double>(next[static_cast<std::size_t>(node.feature)]++ % cuts) + 1;
  }
  return forest;
}

class ForestBits : public testing::TestWithParam<ForestOptions> {};

TEST_P(ForestBits, OfSmallTreesEqualTheReference) {
  for (const std::size_t leaves : {1, 2, 31, 32, 33, 64, 65, 255, 256}) {
    ExpectReferenceBits(RandomForest({.leaves = leaves}, leaves), GetParam(), true, 3000);
  }
}
TEST_P(ForestBits, OfManyTreesEqualTheReference) {
  ExpectReferenceBits(RandomForest({.trees = 300, .leaves = 20}, 16), GetParam(), true, 700);
  ExpectReferenceBits(RandomForest({.trees = 300, .leaves = 100, .outputs = 2}, 17), GetParam(), true, 700);
}
TEST_P(ForestBits, OfFloatTreesEqualTheReference) {
  for (const std::size_t leaves : {1, 31, 64, 256}) {
    ExpectReferenceBits(RandomForest({.leaves = leaves, .is_float = true, .test = NodeTest::kBelow}, leaves), GetParam(), true, 3000);
  }
}
TEST_P(ForestBits, OfCategoriesEqualTheReference) {
  for (const CodeRule codes : {CodeRule::kTruncate, CodeRule::kFloat, CodeRule::kKnown}) {
    ExpectReferenceBits(RandomForest({.has_sets = true, .codes = codes}, 5), GetParam(), true);
  }
}
TEST_P(ForestBits, OfZeroRulesEqualTheReference) {
  ExpectReferenceBits(RandomForest({.leaves = 60, .has_zero_rules = true}, 6), GetParam(), true);
}
TEST_P(ForestBits, OfSeveralOutputsEqualTheReference) {
  ExpectReferenceBits(RandomForest({.trees = 10, .outputs = 3}, 7), GetParam(), true, 2000);
  ExpectReferenceBits(RandomForest({.trees = 10, .outputs = 3, .leaf_width = 3}, 8), GetParam(), true, 2000);
  ExpectReferenceBits(RandomForest({.trees = 10, .outputs = 3, .leaf_width = 3, .is_float = true}, 8), GetParam(), true, 2000);
}
TEST_P(ForestBits, OfDeepAndLopsidedTreesEqualTheReference) {
  ExpectReferenceBits(RandomForest({.trees = 3, .leaves = 5000, .is_rounded = false}, 9), GetParam(), false, 2000);
  ExpectReferenceBits(RandomForest({.trees = 2, .leaves = 3000, .is_chain = true, .is_rounded = false}, 10), GetParam(), false, 500);
  ExpectReferenceBits(RandomForest({.trees = 2, .leaves = 200, .is_chain = true}, 11), GetParam(), true, 2000);
}
TEST_P(ForestBits, OfAsManyCutsAsAByteHoldsEqualTheReference) {
  // XGBoost's usual most: a value above all cuts and a missing one share the last byte.
  ExpectReferenceBits(ForestOfCuts({.features = 1, .trees = 40}, 255), GetParam(), true, 3000);
  ExpectReferenceBits(ForestOfCuts({.features = 2, .trees = 40, .is_float = true, .test = NodeTest::kBelow}, 255), GetParam(), true, 3000);
  // Sets of ranks tell the two apart: +-1e-35 are two cuts more.
  ExpectReferenceBits(ForestOfCuts({.features = 1, .trees = 40, .has_zero_rules = true}, 253), GetParam(), false, 3000);
}
TEST_P(ForestBits, OfMoreCutsThanAByteHoldsEqualTheReference) {
  ExpectReferenceBits(RandomForest({.features = 2, .trees = 40, .is_rounded = false}, 12), GetParam(), false, 3000);
}

std::vector<ForestOptions> Cpus() {
  const Cpu cpu = DetectCpu();
  std::vector<ForestOptions> options = {{.cpu = {}}};
  if (cpu.avx2) options.push_back({.cpu = {.avx2 = true}});
  if (cpu.avx512) options.push_back({.cpu = cpu});
  return options;
}
INSTANTIATE_TEST_SUITE_P(Cpus, ForestBits, testing::ValuesIn(Cpus()), [](const auto& info) {
  return info.param.cpu.avx512 ? "avx512" : info.param.cpu.avx2 ? "avx2" : "baseline";
});

TEST(ForestEngine, WalksTreesTooLargeForTablesAndSlicesByTreeletsWhereTheCpuCan) {
  const Cpu cpu = DetectCpu();
  const auto engine = ForestEngine::Make(RandomForest({.trees = 3, .leaves = 300}, 18), {.cpu = cpu}).value();
  EXPECT_EQ(engine->Describe().StringOr("one_row", ""), cpu.avx512 ? "treelets" : "interleaved walk");
}

std::vector<double> RawOf(const ForestEngine& engine) {
  Rows rows = MakeRows(engine.forest(), 1000);
  std::vector<double> raw(rows.rows);
  const std::size_t half = rows.rows / 2;
  engine.ScoreCells(rows.View(0, half), Output::kRaw, std::span(raw).first(half));
  for (std::size_t r = half; r < rows.rows; ++r) engine.ScoreCells(rows.View(r, 1), Output::kRaw, std::span(raw).subspan(r, 1));
  return raw;
}

TEST(ForestEngine, TuningChangesNoScore) {
  const auto engine = ForestEngine::Make(RandomForest({.trees = 40}, 14)).value();
  const std::vector<double> before = RawOf(*engine);
  EXPECT_EQ(engine->tuning(), Tuning::kDefaultRule);
  EXPECT_NE(engine->Describe().Dump().find("not timed yet"), std::string::npos);
  const ForestChoice choice = ForestChoiceFromJson(engine->Tune()).value();
  EXPECT_EQ(engine->tuning(), Tuning::kTimed);
  EXPECT_NE(engine->Describe().Dump().find("fastest when timed"), std::string::npos);
  for (const auto& [times, chosen] : {std::pair{choice.one_row_times, choice.one_row}, {choice.many_rows_times, choice.many_rows}}) {
    EXPECT_GE(times.size(), 3U);
    const auto least = std::ranges::min_element(times, {}, &ForestChoice::Time::ns);
    const auto of_chosen = std::ranges::find(times, chosen, &ForestChoice::Time::method);
    ASSERT_NE(of_chosen, times.end());
    EXPECT_LE(0.85 * of_chosen->ns, least->ns);  // the rule's method stays unless another is clearly faster
    EXPECT_GT(least->ns, 0);
  }
  EXPECT_EQ(RawOf(*engine), before);
}

// Slices take most of a millisecond for one row of it: they must not use up the time of the others.
TEST(ForestEngine, OfManyLargeTreesIsTimedWithinItsBudget) {
  const auto engine = ForestEngine::Make(RandomForest({.features = 12, .trees = 400, .leaves = 255}, 3)).value();
  const ForestChoice choice = ForestChoiceFromJson(engine->Tune()).value();
  EXPECT_NE(choice.one_row, ForestMethod::kSlice);
  EXPECT_GE(choice.one_row_times.size(), 2U);
  EXPECT_GE(choice.many_rows_times.size(), 1U);
}

TEST(ForestEngine, TakesOverWhatAnotherTimed) {
  const Forest forest = RandomForest({.trees = 40}, 14);
  const auto engine = ForestEngine::Make(forest).value(), next = ForestEngine::Make(forest).value();
  const std::vector<double> before = RawOf(*next);
  const ForestChoice timed = ForestChoiceFromJson(engine->Tune()).value();
  ASSERT_GE(timed.one_row_times.size(), 3U);
  for (const auto& [one, ns] : timed.one_row_times) {
    const ForestChoice choice{.one_row = one, .many_rows = ForestMethod::kTable, .many_rows_from = 7,
                              .one_row_times = {{.method = one, .ns = ns}}, .many_rows_times = {}};
    EXPECT_EQ(ForestChoiceFromJson(ForestChoiceToJson(choice)).value(), choice);
    ASSERT_TRUE(next->Choose(ForestChoiceToJson(choice)));
    EXPECT_EQ(next->tuning(), Tuning::kCached);
    EXPECT_EQ(next->Describe().StringOr("one_row", ""), ForestMethodName(one));
    EXPECT_EQ(next->Describe().IntOr("many_rows_from", 0), 7);
    EXPECT_EQ(RawOf(*next), before) << ForestMethodName(one);
  }
  ASSERT_TRUE(next->Choose(engine->Tune()));
  EXPECT_EQ(next->Describe().Find("ns_a_row")->Dump(), engine->Describe().Find("ns_a_row")->Dump());
}

TEST(ForestEngine, RefusesAChoiceThatItDoesNotKnow) {
  const Forest forest = RandomForest({.features = 2, .trees = 40, .is_rounded = false}, 12);  // cannot be sliced
  const auto engine = ForestEngine::Make(forest).value();
  const Json good = ForestChoiceToJson({.one_row = ForestMethod::kWalk, .many_rows = ForestMethod::kWalk});
  const std::pair<const char*, Json> kBad[] = {
      {"choice_version", 0}, {"choice_version", 2}, {"one_row", "quantum"}, {"one_row", 3}, {"many_rows", "bit-sliced"},
      {"many_rows_from", 0}, {"many_rows_from", "x"}, {"ns_a_row", 1},
      {"ns_a_row", Json::Parse(R"({"one_row":{"quantum":1},"many_rows":{}})").value()},
      {"ns_a_row", Json::Parse(R"({"one_row":{"row table":"x"},"many_rows":{}})").value()}};
  for (const auto& [key, value] : kBad) {
    Json choice = good;
    choice.Set(key, value);
    const Status taken = engine->Choose(choice);
    ASSERT_FALSE(taken) << choice.Dump();
    EXPECT_EQ(taken.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(engine->Choose(Json()));
  EXPECT_EQ(engine->tuning(), Tuning::kDefaultRule);
  EXPECT_TRUE(engine->Choose(good));
}

TEST(ForestEngine, WithOneWayHasNothingToChoose) {
  Forest forest;
  forest.base = {0.5};  // a constant
  const auto engine = ForestEngine::Make(forest).value();
  EXPECT_EQ(engine->tuning(), Tuning::kOnlyWay);
  EXPECT_TRUE(engine->Tune().IsNull());
  EXPECT_TRUE(engine->Choose(Json::MakeObject({{"choice_version", 77}})));
  EXPECT_EQ(engine->tuning(), Tuning::kOnlyWay);
}

TEST(ForestEngine, ScoresABatchWithNullsIntegersAndNames) {
  const Forest forest = RandomForest({.features = 2}, 13);
  const auto engine = ForestEngine::Make(forest).value();
  data::Batch rows(data::Schema{{{"1", data::Type::kInt64}, {"0", data::Type::kFloat64}}});
  rows.column(0).AppendInt(2);
  rows.column(1).AppendNull();
  double found = 0, expected = 0;
  ASSERT_TRUE(engine->Score(rows, Output::kRaw, {&found, 1}));
  const double row[] = {kNan, 2};
  ReferenceRaw(forest, row, {&expected, 1});
  EXPECT_EQ(UlpDistance(found, expected), 0U);
}

}  // namespace
}  // namespace sw::model
