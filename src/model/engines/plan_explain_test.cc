#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>

#include "base/random.h"
#include "model/engines/pipeline_engine.h"
#include "model/shapley_for_tests.h"

namespace sw::model {
namespace {

using testing::HasSubstr;

const double kNan = std::numeric_limits<double>::quiet_NaN();

// 12 splits of random features, at halves, with covers.
Tree RandomTree(std::size_t features, base::Random& random) {
  Tree tree{.nodes = {}, .leaves = {}, .sets = {}, .covers = {}};
  constexpr std::int32_t kNodes = 12;  // a chain with leaves to the left
  double cover = 1000;
  std::vector<double> leaf_covers;
  for (std::int32_t n = 0; n < kNodes; ++n) {
    tree.nodes.push_back({.feature = static_cast<std::int32_t>(random.Below(features)), .threshold = 0.5, .left = ~n,
                          .right = n + 1 < kNodes ? n + 1 : ~kNodes, .missing_left = random.Below(2) == 0});
    tree.covers.push_back(cover);
    leaf_covers.push_back(cover * 0.125 * static_cast<double>(1 + random.Below(4)));
    cover -= leaf_covers.back();
    tree.leaves.push_back(static_cast<double>(random.Below(1000)) / 500 - 1);
  }
  leaf_covers.push_back(cover);
  tree.leaves.push_back(0.75);
  tree.covers.insert(tree.covers.end(), leaf_covers.begin(), leaf_covers.end());
  return tree;
}

constexpr std::uint32_t kMatrix = 6;

// Inputs x, word, z. Values: 3 imputed x, 4 whether x is missing, 5 one-hot word (3 places), 6 all of
// them and z, then what `between` makes of that, then the trees.
Plan MakePlan(std::uint64_t seed, std::optional<PlanOp> between = {}) {
  base::Random random(seed);
  Plan plan{.library = "test", .inputs = {{"x", data::Type::kFloat64}, {"word", data::Type::kString}, {"z", data::Type::kFloat64}},
            .stages = {}};
  plan.stages.push_back({.name = "fill", .in = {0}, .op = ImputeOp{.missing = kNan, .numbers = {0.25}, .texts = {}}});
  plan.stages.push_back({.name = "absent", .in = {0}, .op = MissingOp{.missing = kNan}});
  OneHotOp words;
  words.columns.push_back({.categories = {.type = CellType::kText, .numbers = {}, .texts = {"a", "b", "c"}}, .places = {0, 1, 2}, .width = 3});
  plan.stages.push_back({.name = "words", .in = {1}, .op = words});
  plan.stages.push_back({.name = "beside", .in = {3, 4, 5, 2}, .op = SelectOp{}});
  Forest forest;
  for (int f = 0; f < 6; ++f) forest.features.push_back("column" + std::to_string(f));
  for (int t = 0; t < 5; ++t) forest.trees.push_back(RandomTree(6, random));
  forest.base = {0.125};
  if (between) plan.stages.push_back({.name = "between", .in = {kMatrix}, .op = *between});
  const std::uint32_t source = between ? kMatrix + 1 : kMatrix;
  plan.stages.push_back({.name = "trees", .in = {source}, .op = ForestOp{.forest = forest}});
  plan.raw = plan.prediction = source + 1;
  return plan;
}

data::Batch Rows() {
  data::Batch rows(data::Schema{{{"z", data::Type::kFloat64}, {"word", data::Type::kString}, {"x", data::Type::kFloat64}}});
  for (const double z : {0.0, 1.0}) {
    for (const char* word : {"a", "b", "c", "unseen"}) {
      for (const double x : {0.0, 1.0, kNan}) {
        rows.column(0).AppendDouble(z);
        rows.column(1).AppendString(word);
        if (std::isnan(x)) rows.column(2).AppendNull();
        else rows.column(2).AppendDouble(x);
      }
    }
  }
  return rows;
}

TEST(PlanExplain, ColumnsOfOneInputAreOnePlayer) {
  const std::vector<unsigned> players = {0b000011, 0b011100, 0b100000};  // columns of x, word and z
  const data::Batch rows = Rows();
  for (std::uint64_t seed = 1; seed < 12; ++seed) {
    Plan plan = MakePlan(seed);
    const Forest forest = std::get<ForestOp>(plan.stages.back().op).forest;
    const auto engine = PipelineEngine::Make(plan).value();
    std::vector<double> contributions(rows.num_rows() * 4), columns(rows.num_rows() * 6), raw(rows.num_rows());
    ASSERT_TRUE(engine->Contribute(rows, contributions));
    ASSERT_TRUE(engine->Score(rows, Output::kRaw, raw));
    plan.raw = plan.prediction = kMatrix;
    ASSERT_TRUE(PipelineEngine::Make(plan).value()->Score(rows, Output::kRaw, columns));
    for (std::size_t r = 0; r < rows.num_rows(); ++r) {
      const std::span<const double> row(columns.data() + r * 6, 6);
      double sum = contributions[r * 4 + 3];
      for (std::size_t player = 0; player < 3; ++player) {
        EXPECT_NEAR(contributions[r * 4 + player], Shapley(forest, row, players, player, 0), 1e-14) << "row " << r << " input " << player;
        sum += contributions[r * 4 + player];
      }
      EXPECT_NEAR(sum, raw[r], 1e-14);
    }
  }
}

TEST(PlanExplain, SaysWhatHasNoContributions) {
  const data::Batch rows = Rows();
  std::vector<double> contributions(rows.num_rows() * 4);
  const auto error_of = [&](const Plan& plan) { return PipelineEngine::Make(plan).value()->Contribute(rows, contributions).error(); };
  Plan plan = MakePlan(1);
  plan.raw = kMatrix;
  EXPECT_EQ(error_of(plan).code, ErrorCode::kUnimplemented);
  EXPECT_THAT(error_of(plan).message, HasSubstr("ends in select"));
  EXPECT_THAT(error_of(MakePlan(1, RowOp{.function = RowFunction::kSoftmax})).message, HasSubstr("the stage between mixes columns"));
  plan = MakePlan(1);
  std::get<ForestOp>(plan.stages.back().op).forest.trees[2].covers.clear();
  EXPECT_THAT(error_of(plan).message, HasSubstr("cover counts"));
}

TEST(PlanExplain, NamesTheRowThatTheLibraryRefuses) {
  const Plan plan = MakePlan(1, RequireOp{.allows_missing = false});
  data::Batch rows = Rows().Slice(0, 3);
  rows.column(0) = data::Column(data::Type::kFloat64);
  for (const double z : {0.0, kNan, 1.0}) rows.column(0).AppendDouble(z);
  std::vector<double> contributions(3 * 4);
  EXPECT_THAT(PipelineEngine::Make(plan).value()->Contribute(rows, contributions).error().message, HasSubstr("row 1"));
}

}  // namespace
}  // namespace sw::model
