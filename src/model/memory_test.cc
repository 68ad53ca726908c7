// What engines say that they hold in memory, beside what malloc says that they do.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <memory>

#include "base/random.h"
#include "model/engines/forest_engine.h"
#include "model/engines/pipeline_engine.h"
#include "model/formats/fixture.h"
#include "model/formats/linear.h"
#include "model/heap_bytes.h"
#include "model/map_blobs.h"
#include "model/model_file.h"
#include "model/package_fixture.h"

namespace sw::model {
namespace {

std::size_t InUse() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// Within `tolerance` of what the heap grew by. Skips where another allocator stands in, as under a sanitizer.
template <typename Make>
void ExpectCounted(const Make& make, double tolerance = 0.05) {
  static_cast<void>(make());  // what is made once for all stays
  const std::size_t before = InUse();
  if (before == 0) GTEST_SKIP() << "malloc does not count here";
  const auto made = make();
  const auto grown = static_cast<double>(InUse() - before);
  EXPECT_NEAR(static_cast<double>(made->memory_bytes()) / grown, 1, tolerance) << made->memory_bytes() << " bytes are said to be held, the heap grew by " << grown;
}

// Trees without a pattern: a chain of nodes with a leaf at each.
Forest MakeForest(std::size_t trees, std::size_t nodes, std::size_t features, bool has_sets = false) {
  base::Random random(7);
  Forest forest;
  for (std::size_t f = 0; f < features; ++f) forest.features.push_back(fmt::format("a_feature_of_a_long_name_{}", f));
  for (std::size_t t = 0; t < trees; ++t) {
    Tree tree;
    for (std::size_t n = 0; n < nodes; ++n) {
      Node node{.feature = static_cast<std::int32_t>(random.NextU64() % features), .threshold = random.NextDouble(),
                .left = ~static_cast<std::int32_t>(n), .right = static_cast<std::int32_t>(n + 1)};
      if (n + 1 == nodes) node.right = ~static_cast<std::int32_t>(nodes);
      if (has_sets && node.feature == 0) {
        node.test = NodeTest::kMember;
        node.set = static_cast<std::uint32_t>(tree.sets.size());
        tree.sets.push_back({static_cast<std::uint32_t>(random.NextU64()), 1});
      }
      tree.nodes.push_back(node);
    }
    for (std::size_t l = 0; l <= nodes; ++l) tree.leaves.push_back(random.NextDouble());
    for (std::size_t c = 0; c <= 2 * nodes; ++c) tree.covers.push_back(static_cast<double>(2 * nodes - c + 1));
    forest.trees.push_back(std::move(tree));
  }
  return forest;
}

TEST(EngineMemory, OfAForestIsItsTreesAndTheFormsTheyAreCompiledTo) {
  for (const std::size_t nodes : {15, 60, 254, 1000}) {
    for (const bool has_sets : {false, true}) {
      SCOPED_TRACE(fmt::format("{} nodes, sets {}", nodes, has_sets));
      for (const Cpu& cpu : {Cpu{}, DetectCpu()}) {
        ExpectCounted([&] { return ForestEngine::Make(MakeForest(100, nodes, 30, has_sets), {.cpu = cpu}).value(); });
      }
    }
  }
}

TEST(EngineMemory, OfAForestGrowsWithWhatExplainsIt) {
  const auto engine = ForestEngine::Make(MakeForest(100, 20, 10)).value();
  const std::size_t before = engine->memory_bytes(), in_use = InUse();
  if (in_use == 0) GTEST_SKIP() << "malloc does not count here";
  data::Batch row;
  for (const std::string& name : engine->inputs()) {
    data::Column column(data::Type::kFloat64);
    column.AppendDouble(0.5);
    row.AddColumn({name, data::Type::kFloat64}, std::move(column));
  }
  std::vector<double> contributions(11);
  const std::size_t with_row = InUse();
  ASSERT_TRUE(engine->Contribute(row, contributions));
  const auto said = static_cast<double>(engine->memory_bytes() - before), grown = static_cast<double>(InUse() - with_row);
  EXPECT_GT(said, 10'000);
  EXPECT_NEAR(said / grown, 1, 0.1);
}

TEST(EngineMemory, OfLinearModelsIsTheirTerms) {
  LinearModel linear;
  FloatLinearModel float_linear{.head = {.features = {}, .outputs = 3}, .weights = std::vector<float>(3 * 10'001)};
  for (int i = 0; i < 10'000; ++i) linear.terms.push_back({.column = fmt::format("a_column_of_a_long_name_{}", i)});
  for (const LinearModel::Term& term : linear.terms) float_linear.head.features.push_back(term.column);
  ExpectCounted([&] { return MakeLinearEngine(linear).value(); });
  ExpectCounted([&] { return MakeFloatLinearEngine(float_linear).value(); });
}

TEST(EngineMemory, OfCategoriesIsTheirTables) {
  DerivedForest derived{.inputs = {{.name = "city", .is_category = true}}, .keys = {{.categories = {0}}}, .tables = {{}},
                        .features = {{.kind = DerivedFeature::Kind::kStatistic}}, .forest = MakeForest(50, 30, 1)};
  for (std::uint32_t i = 0; i < 20'000; ++i) derived.tables[0].emplace(std::uint64_t{i} * i, i);
  derived.features[0].values.resize(20'000);
  ExpectCounted([&] { return MakeDerivedEngine(derived).value(); });
  Forest forest = MakeForest(50, 30, 4, true);
  forest.dictionaries.resize(4);
  for (int i = 0; i < 5'000; ++i) forest.dictionaries[0].text.emplace(fmt::format("the category of the name {}", i), i);
  ExpectCounted([&] { return MakeForestEngine(forest).value(); });
}

Plan MakePlan(std::size_t categories) {
  Plan plan;
  plan.library = "a test";
  plan.inputs = {{"city", data::Type::kString}, {"x", data::Type::kFloat64}};
  OneHotOp::Column column{.categories = {.type = CellType::kText}, .places = {}, .width = static_cast<std::uint32_t>(categories)};
  for (std::size_t i = 0; i < categories; ++i) {
    column.categories.texts.push_back(fmt::format("the city of the name {}", i));
    column.places.push_back(static_cast<std::int32_t>(i));
  }
  LinearOp linear{.weights = std::vector<double>(categories + 1, 0.5), .intercept = {1}};
  plan.stages = {{.name = "one_hot", .in = {0}, .op = OneHotOp{.columns = {column}}}, {.name = "both", .in = {2, 1}, .op = SelectOp{}},
                 {.name = "linear", .in = {3}, .op = linear}};
  plan.raw = plan.prediction = 4;
  return plan;
}

// Its kernels keep copies of the plan's constants, which nobody counts one by one: a looser tolerance.
TEST(EngineMemory, OfAPipelineIsItsPlanAndItsKernels) {
  ExpectCounted([] { return PipelineEngine::Make(MakePlan(2'000)).value(); }, 0.25);
  Plan plan;
  plan.inputs = {{"x", data::Type::kFloat64}, {"y", data::Type::kFloat64}};
  plan.stages = {{.name = "both", .in = {0, 1}, .op = SelectOp{}}, {.name = "trees", .in = {2}, .op = ForestOp{.forest = MakeForest(100, 60, 2)}}};
  plan.raw = plan.prediction = 3;
  ExpectCounted([&] { return PipelineEngine::Make(plan).value(); });
}

TEST(PackageMemory, IsItsEngineAndWhatItCameWith) {
  MapBlobs blobs;
  PackageContent content = ClassesContent("xgboost");
  content.golden = Repeated(content.golden, 20);
  content.report = Json::MakeObject({{"notes", std::string(100'000, 'x')}});
  const std::string id = WritePackage(content, blobs.Put()).value();
  ExpectCounted([&] { return LoadPackage(id, blobs.Get()).value(); }, 0.1);
}

}  // namespace
}  // namespace sw::model
