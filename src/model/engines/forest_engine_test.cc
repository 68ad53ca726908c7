#include "model/engines/forest_engine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"
#include "model/reference.h"

namespace sw::model {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr ForestMethod kMethods[] = {ForestMethod::kLiteral, ForestMethod::kWalk, ForestMethod::kTable, ForestMethod::kSlice};

// What a random forest is made of.
struct Shape {
  std::size_t features = 5, trees = 9, leaves = 31;
  std::uint32_t outputs = 1, leaf_width = 1;
  bool is_chain = false, is_float = false;
  NodeTest test = NodeTest::kAtMost;
  bool has_sets = false, has_zero_rules = false, is_rounded = true;
  CodeRule codes = CodeRule::kTruncate;
};

double Unit(base::Random& random) { return static_cast<double>(random.Below(1U << 30)) / (1U << 30); }

std::vector<std::uint32_t> RandomSet(base::Random& random) {
  std::vector<std::uint32_t> words(1 + random.Below(3));
  for (std::uint32_t& word : words) word = static_cast<std::uint32_t>(random.Below(1ULL << 32));
  return words;
}

Node RandomNode(const Shape& shape, base::Random& random, Tree& tree) {
  Node node{.feature = static_cast<std::int32_t>(random.Below(shape.features)), .test = shape.test};
  node.threshold = shape.is_rounded ? static_cast<double>(random.Below(40)) / 4 - 5 : Unit(random) * 10 - 5;
  if (shape.is_float) node.threshold = static_cast<float>(node.threshold);
  node.missing_left = random.Below(2) == 0;
  if (shape.has_zero_rules && random.Below(3) == 0) node.zero = random.Below(2) == 0 ? ZeroRule::kLeft : ZeroRule::kRight;
  if (shape.has_sets && node.feature == 0) {  // one feature is a category
    node.test = NodeTest::kMember;
    node.zero = ZeroRule::kCompare;
    node.no_code_left = random.Below(2) == 0;
    node.set = static_cast<std::uint32_t>(tree.sets.size());
    tree.sets.push_back(RandomSet(random));
  }
  return node;
}

// Splits random leaves until there are enough; a chain always splits the last one.
Tree RandomTree(const Shape& shape, base::Random& random, std::uint32_t output) {
  Tree tree{.output = output};
  struct Open { std::int32_t parent; bool is_left; };
  std::vector<Open> open = {{-1, false}};
  while (open.size() < shape.leaves) {
    const std::size_t at = shape.is_chain ? open.size() - 1 : random.Below(open.size());
    const auto number = static_cast<std::int32_t>(tree.nodes.size());
    const Open chosen = open[at];
    tree.nodes.push_back(RandomNode(shape, random, tree));
    if (chosen.parent >= 0) {
      Node& parent = tree.nodes[static_cast<std::size_t>(chosen.parent)];
      (chosen.is_left ? parent.left : parent.right) = number;
    }
    open[at] = {number, true};
    open.push_back({number, false});
  }
  for (std::size_t leaf = 0; leaf < open.size(); ++leaf) {
    if (open[leaf].parent >= 0) {
      Node& parent = tree.nodes[static_cast<std::size_t>(open[leaf].parent)];
      (open[leaf].is_left ? parent.left : parent.right) = ~static_cast<std::int32_t>(leaf);
    }
    for (std::size_t i = 0; i < shape.leaf_width; ++i) tree.leaves.push_back(Unit(random) - 0.5);
  }
  return tree;
}

Forest RandomForest(const Shape& shape, std::uint64_t seed) {
  base::Random random(seed);
  Forest forest{.outputs = shape.outputs, .leaf_width = shape.leaf_width, .float_inputs = shape.is_float,
                .tiny_is_zero = shape.has_zero_rules, .float_sums = shape.is_float, .codes = shape.codes};
  for (std::size_t f = 0; f < shape.features; ++f) forest.features.push_back(std::to_string(f));
  if (shape.codes == CodeRule::kKnown) {
    forest.known.resize(shape.features);
    forest.known[0] = RandomSet(random);
  }
  for (std::size_t t = 0; t < shape.trees; ++t) {
    forest.trees.push_back(RandomTree(shape, random, shape.leaf_width == 1 ? static_cast<std::uint32_t>(t % shape.outputs) : 0));
  }
  for (std::size_t i = 0; i < shape.outputs; ++i) forest.base.push_back(0.1 * static_cast<double>(i + 1));
  forest.divisor = 3;
  return forest;
}

// Every threshold and its neighbours, whatever rounds to them, and the strange values.
std::vector<double> Values(const Forest& forest) {
  std::vector<double> values = {0.0, -0.0, kNan, kInfinity, -kInfinity, 1e300, -1e300, 5e-324, 1e-36, -1e-36, 2e-35, -2e-35,
                                -0.5, -1.0, 31.99, 95.5, 96, 1e9, 2147483647.5, 2147483648.0, 16777215.4, 16777216.0};
  for (const Tree& tree : forest.trees) {
    for (const Node& node : tree.nodes) {
      const double t = node.threshold;
      for (const double x : {t, std::nextafter(t, kInfinity), std::nextafter(t, -kInfinity), t * (1 + 2e-8), t * (1 - 2e-8)}) values.push_back(x);
    }
  }
  for (int code = -2; code < 100; ++code) values.push_back(code);
  return values;
}

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

class ForestBits : public testing::TestWithParam<ForestOptions> {};

TEST_P(ForestBits, OfSmallTreesEqualTheReference) {
  for (const std::size_t leaves : {1, 2, 31, 32, 33, 64, 65, 255, 256}) {
    ExpectReferenceBits(RandomForest({.leaves = leaves}, leaves), GetParam(), true, 3000);
  }
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

TEST(ForestEngine, TuningChangesNoScore) {
  const auto engine = ForestEngine::Make(RandomForest({.trees = 40}, 14)).value();
  Rows rows = MakeRows(engine->forest(), 1000);
  std::vector<double> before(rows.rows), after(rows.rows);
  engine->ScoreCells(rows.View(0, rows.rows), Output::kRaw, before);
  EXPECT_NE(engine->Describe().Dump().find("not timed yet"), std::string::npos);
  engine->Tune();
  EXPECT_NE(engine->Describe().Dump().find("fastest when timed"), std::string::npos);
  engine->ScoreCells(rows.View(0, rows.rows), Output::kRaw, after);
  EXPECT_EQ(before, after);
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
