#include "model/explain.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"
#include "model/engine.h"
#include "model/reference.h"
#include "model/shapley_for_tests.h"

namespace sw::model {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();

double Unit(base::Random& random) { return static_cast<double>(random.Below(1U << 30)) / (1U << 30); }

// Splits a random leaf of the tree in two, or the newest one of a chain.
void Split(Tree& tree, Node node, double left_share, bool is_chain, base::Random& random) {
  const std::size_t count = tree.nodes.size() + 1;  // leaves before the split
  const std::size_t leaf = is_chain ? count - 1 : random.Below(count);
  for (Node& parent : tree.nodes) {
    for (std::int32_t* child : {&parent.left, &parent.right}) {
      if (*child == ~static_cast<std::int32_t>(leaf)) *child = static_cast<std::int32_t>(tree.nodes.size());
    }
  }
  node.left = ~static_cast<std::int32_t>(leaf);
  node.right = ~static_cast<std::int32_t>(count);
  // Covers: nodes, then leaves.
  const double cover = tree.covers[tree.nodes.size() + leaf];
  tree.covers[tree.nodes.size() + leaf] = cover * left_share;
  tree.covers.push_back(cover - cover * left_share);
  tree.covers.insert(tree.covers.begin() + static_cast<std::ptrdiff_t>(tree.nodes.size()), cover);
  tree.nodes.push_back(node);
}

struct Shape {
  std::size_t features = 4, trees = 3, leaves = 9;
  std::uint32_t outputs = 1, leaf_width = 1;
  bool is_chain = false, has_sets = false, has_empty_sides = false;
  NodeTest test = NodeTest::kAtMost;
};

Forest RandomForest(const Shape& shape, std::uint64_t seed) {
  base::Random random(seed);
  Forest forest{.outputs = shape.outputs, .leaf_width = shape.leaf_width};
  for (std::size_t f = 0; f < shape.features; ++f) forest.features.push_back("f" + std::to_string(f));
  for (std::size_t t = 0; t < shape.trees; ++t) {
    Tree tree{.nodes = {}, .leaves = {}, .sets = {{0b10110}}, .covers = {1000}};
    tree.output = shape.leaf_width == 1 ? static_cast<std::uint32_t>(t % shape.outputs) : 0;
    while (tree.nodes.size() + 1 < shape.leaves) {
      Node node{.feature = static_cast<std::int32_t>(random.Below(shape.features)), .threshold = Unit(random) * 4 - 2,
                .test = shape.test, .missing_left = random.Below(2) == 0};
      if (shape.has_sets && node.feature == 0) node.test = NodeTest::kMember;
      const bool is_empty = shape.has_empty_sides && random.Below(3) == 0;
      Split(tree, node, is_empty ? 0 : 0.05 + 0.9 * Unit(random), shape.is_chain, random);
    }
    for (std::size_t i = 0; i < shape.leaves * shape.leaf_width; ++i) tree.leaves.push_back(Unit(random) * 2 - 1);
    forest.trees.push_back(std::move(tree));
  }
  return forest;
}

using Rows = std::vector<std::vector<double>>;

Rows RandomRows(std::size_t features, std::size_t count, std::uint64_t seed) {
  base::Random random(seed);
  Rows rows(count, std::vector<double>(features));
  for (auto& row : rows) {
    for (double& cell : row) cell = random.Below(8) == 0 ? kNan : Unit(random) * 6 - 3;
  }
  return rows;
}

std::vector<double> Explained(const Forest& forest, const Rows& rows, const Cpu& cpu = DetectCpu()) {
  EXPECT_TRUE(CheckForest(forest));
  const Explainer explainer = Explainer::Make(forest, cpu).value();
  const std::size_t width = forest.features.size();
  std::vector<double> cells;
  cells.reserve((rows.size() + 1) * width);  // also of no rows: columns point into it
  for (const auto& row : rows) cells.insert(cells.end(), row.begin(), row.end());
  std::vector<const double*> columns;
  for (std::size_t c = 0; c < width; ++c) columns.push_back(cells.data() + c);
  std::vector<double> contributions(rows.size() * explainer.width(), kNan);
  explainer.Contribute({.columns = columns, .stride = width, .rows = rows.size()}, contributions);
  return contributions;
}

void ExpectShapley(const Forest& forest, const Rows& rows, double tolerance = 1e-14) {
  const std::vector<double> found = Explained(forest, rows);
  const std::size_t features = forest.features.size();
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::uint32_t k = 0; k < forest.outputs; ++k) {
      const double* own = found.data() + (r * forest.outputs + k) * (features + 1);
      for (std::size_t f = 0; f < features; ++f) {
        EXPECT_NEAR(own[f], Shapley(forest, rows[r], f, k), tolerance) << "row " << r << " feature " << f << " output " << k;
      }
      EXPECT_NEAR(own[features], Raw(forest, rows[r], 0, k), tolerance) << "row " << r << " bias of output " << k;
    }
  }
}

// What the sum may differ from the raw score by, as a part of the sum of the magnitudes of leaves.
void ExpectSumsToRaw(const Forest& forest, const Rows& rows, double relative) {
  const std::vector<double> found = Explained(forest, rows);
  const std::size_t width = forest.features.size() + 1;
  double magnitude = 0;
  for (const Tree& tree : forest.trees) {
    for (const double leaf : tree.leaves) magnitude = std::max(magnitude, std::abs(leaf));
  }
  magnitude *= static_cast<double>(forest.trees.size());
  std::vector<double> raw(forest.outputs);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    ReferenceRaw(forest, rows[r], raw);
    for (std::size_t k = 0; k < forest.outputs; ++k) {
      double sum = 0;
      for (std::size_t f = 0; f < width; ++f) sum += found[(r * forest.outputs + k) * width + f];
      EXPECT_NEAR(sum, raw[k], relative * magnitude) << "row " << r;
    }
  }
}

TEST(Explain, GivesShapleysValuesOfSmallForests) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const Shape shape{.features = 1 + seed % 6, .leaves = 1 + seed % 17,
                      .test = seed % 2 == 0 ? NodeTest::kAtMost : NodeTest::kBelow};
    ExpectShapley(RandomForest(shape, seed), RandomRows(shape.features, 11, seed));
  }
}

TEST(Explain, KnowsCategoriesAndEmptySides) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Shape shape{.leaves = 12, .has_sets = true, .has_empty_sides = true};
    ExpectShapley(RandomForest(shape, seed), RandomRows(4, 9, seed));
  }
}

TEST(Explain, KnowsBaseScaleDivisorAndManyOutputs) {
  for (const std::uint32_t leaf_width : {1U, 3U}) {
    for (const bool base_last : {false, true}) {
      Forest forest = RandomForest({.trees = 6, .outputs = 3, .leaf_width = leaf_width}, 7);
      forest.base = {0.5, -1.25, 2};
      forest.base_last = base_last;
      forest.scale = 0.75;
      forest.divisor = 3;
      ExpectShapley(forest, RandomRows(4, 9, 3));
      ExpectSumsToRaw(forest, RandomRows(4, 50, 3), 1e-15);
    }
  }
}

TEST(Explain, ReadsCellsAsTheForestDoes) {
  Forest forest = RandomForest({}, 5);
  forest.float_inputs = true;
  forest.tiny_is_zero = true;
  for (Tree& tree : forest.trees) {
    for (std::size_t i = 0; i < tree.nodes.size(); ++i) tree.nodes[i].threshold = i % 2 == 0 ? static_cast<double>(0.1F) : 0.0;
    tree.nodes[1].zero = ZeroRule::kRight;
  }
  ExpectShapley(forest, {{0.1, 1e-36, -1e-36, 0.10000000149011612}, {0.100000001, 0, -0.0, 1e-30}, {kNan, 1e-35, 0.2, -1}});
}

TEST(Explain, SumsToTheRawScoreOfLargeForests) {
  const Forest forest = RandomForest({.features = 30, .trees = 50, .leaves = 63}, 11);
  ExpectSumsToRaw(forest, RandomRows(30, 200, 4), 1e-14);
}

TEST(Explain, SumsToTheRawScoreOfChainsOfHundredsOfNodes) {
  for (const std::size_t leaves : {20, 65, 200, 700}) {
    const Forest forest = RandomForest({.features = 1000, .trees = 2, .leaves = leaves, .is_chain = true}, leaves);
    ExpectSumsToRaw(forest, RandomRows(1000, 40, 4), 1e-16 * static_cast<double>(leaves));
  }
}

// x0 and ... and x(n-1): each of n players is due an n-th of what is above the mean.
TEST(Explain, SharesAConjunctionOfManyFeaturesEvenly) {
  constexpr std::size_t kFeatures = 300;
  Forest forest;
  Tree tree;
  for (std::size_t f = 0; f < kFeatures; ++f) {
    forest.features.push_back("f" + std::to_string(f));
    const auto next = static_cast<std::int32_t>(f + 1);
    const bool is_last = f + 1 == kFeatures;
    tree.nodes.push_back({.feature = static_cast<std::int32_t>(f), .left = is_last ? ~next : next, .right = ~static_cast<std::int32_t>(f)});
    tree.covers.push_back(std::pow(0.9, static_cast<double>(f)));
  }
  for (std::size_t f = 0; f < kFeatures; ++f) tree.covers.push_back(tree.covers[f] * 0.1);
  tree.covers.push_back(std::pow(0.9, kFeatures));
  tree.leaves.resize(kFeatures + 1);
  tree.leaves[kFeatures] = 1;
  forest.trees.push_back(tree);
  const std::vector<double> all_true = Explained(forest, {std::vector<double>(kFeatures, -1.0)});
  const double due = (1 - std::pow(0.9, kFeatures)) / kFeatures;
  for (std::size_t f = 0; f < kFeatures; ++f) EXPECT_NEAR(all_true[f] / due, 1, 1e-13) << f;
}

TEST(Explain, AFeatureThatNoTreeTestsContributesNothing) {
  Forest forest = RandomForest({.features = 3}, 2);
  forest.features.push_back("unused");
  for (const auto& row : RandomRows(4, 20, 1)) EXPECT_EQ(Explained(forest, {row})[3], 0.0);
}

TEST(Explain, FeaturesWithEqualNamesAreOnePlayer) {
  Forest apart = RandomForest({.features = 4}, 3);
  Forest together = apart;
  together.features = {"a", "b", "a", "c"};
  Forest merged = apart;
  merged.features = {"a", "b", "unused", "c"};
  for (Tree& tree : merged.trees) {
    for (Node& node : tree.nodes) node.feature = node.feature == 2 ? 0 : node.feature;
  }
  Rows rows = RandomRows(4, 20, 1);
  for (auto& row : rows) row[2] = row[0];
  EXPECT_EQ(Explained(together, rows), Explained(merged, rows));
  EXPECT_NE(Explained(apart, rows), Explained(merged, rows));
}

TEST(Explain, BitsDependOnNoBatchSizeAndNoCpu) {
  const Forest forest = RandomForest({.features = 9, .trees = 20, .leaves = 31, .outputs = 2}, 6);
  const Rows rows = RandomRows(9, 150, 2);
  const std::vector<double> all = Explained(forest, rows);
  EXPECT_EQ(Explained(forest, rows, {.avx2 = false, .avx512 = false}), all);
  if (DetectCpu().avx2) {
    EXPECT_EQ(Explained(forest, rows, {.avx2 = true, .avx512 = false}), all);
  }
  for (std::size_t r = 0; r < rows.size(); ++r) {
    EXPECT_EQ(Explained(forest, {rows[r]}), std::vector<double>(all.begin() + static_cast<std::ptrdiff_t>(20 * r),
                                                                all.begin() + static_cast<std::ptrdiff_t>(20 * (r + 1))));
  }
}

TEST(Explain, AnEngineExplainsABatch) {
  const Forest forest = RandomForest({.outputs = 3}, 8);
  const Rows rows = RandomRows(4, 20, 5);
  data::Batch batch(data::Schema{{{"f3", data::Type::kFloat64}, {"f0", data::Type::kFloat64}, {"f1", data::Type::kFloat64}, {"f2", data::Type::kFloat64}}});
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < 4; ++c) batch.column(c).AppendDouble(row[(c + 3) % 4]);
  }
  const auto engine = MakeForestEngine(forest).value();
  std::vector<double> contributions(20 * 3 * 5);
  ASSERT_TRUE(engine->Contribute(batch, contributions));
  EXPECT_EQ(contributions, Explained(forest, rows));
  Forest bare = forest;
  for (Tree& tree : bare.trees) tree.covers.clear();
  EXPECT_EQ(MakeForestEngine(bare).value()->Contribute(batch, contributions).error().code, ErrorCode::kUnimplemented);
}

TEST(Explain, RefusesWhatHasNoExactContributions) {
  const auto error_of = [](const Forest& forest) {
    EXPECT_TRUE(CheckForest(forest));
    return Explainer::Make(forest).error();
  };
  const Forest good = RandomForest({}, 1);
  Forest bad = good;
  bad.trees[1].covers.clear();
  EXPECT_EQ(error_of(bad).code, ErrorCode::kUnimplemented);
  EXPECT_NE(error_of(bad).message.find("save it again"), std::string::npos);
  bad = good;
  bad.trees[1].covers.assign(bad.trees[1].covers.size(), 0.0);
  EXPECT_EQ(error_of(bad).code, ErrorCode::kUnimplemented);
  bad = good;
  bad.trees[1].covers.back() = 1001;
  EXPECT_EQ(error_of(bad).code, ErrorCode::kInvalidArgument);
  EXPECT_NE(error_of(bad).message.find("tree 1: node"), std::string::npos) << error_of(bad).message;
  bad = good;
  bad.trees[0].linear.resize(bad.trees[0].nodes.size() + 1);
  EXPECT_EQ(error_of(bad).code, ErrorCode::kUnimplemented);
  bad = RandomForest({.trees = 1, .leaves = Explainer::kPathNodesMax + 2, .is_chain = true}, 1);
  EXPECT_EQ(error_of(bad).code, ErrorCode::kResourceExhausted);
}

TEST(Explain, NoRowsAndNoTreesAreFine) {
  EXPECT_EQ(Explained(RandomForest({}, 1), {}), std::vector<double>());
  Forest forest = RandomForest({.trees = 0}, 1);
  forest.base = {2};
  EXPECT_EQ(Explained(forest, RandomRows(4, 1, 1)), (std::vector<double>{0, 0, 0, 0, 2}));
}

}  // namespace
}  // namespace sw::model
