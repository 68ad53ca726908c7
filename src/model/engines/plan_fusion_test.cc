// Fused = unfused, bit for bit, on random pipelines.
#include "model/engines/plan_fusion.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <random>

#include "model/engines/pipeline_engine.h"

namespace sw::model {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr const char* kWords[] = {"", "a", "b", "Oslo", "Rome", "a long name of a category", "\xE2\x98\x83"};

// Builds a random plan: inputs, a few layers of column stages over random selections, a head.
class RandomPlan {
 public:
  explicit RandomPlan(std::uint64_t seed) : random_(seed) {}

  Plan Make() {
    const int inputs = Draw(1, 5);
    for (int i = 0; i < inputs; ++i) {
      const bool is_text = i > 0 && Chance(0.5);  // raw is value 0 for now: a number
      plan_.inputs.push_back({"input " + std::to_string(i), is_text ? data::Type::kString : data::Type::kFloat64});
      Put({is_text ? CellType::kText : CellType::kNumber, 1});
    }
    for (int layer = Draw(1, 10); layer > 0; --layer) AddColumnStage();
    const std::uint32_t matrix = Matrix();
    const std::uint32_t head = AddHead(Chance(0.6) ? Add({matrix}, RequireOp{.allows_missing = Chance(0.5), .as_float = Chance(0.5)}) : matrix);
    plan_.raw = plan_.prediction = head;
    return plan_;
  }

 private:
  int Draw(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  bool Chance(double share) { return std::uniform_real_distribution<double>(0, 1)(random_) < share; }
  double Number() { return Chance(0.3) ? Draw(-3, 3) : std::normal_distribution<double>(0, 10)(random_); }
  double Factor() { return Number() + (Chance(0.5) ? 0.25 : 40.5); }
  template <typename F>
  std::vector<double> Numbers(std::size_t count, F&& make) {
    std::vector<double> numbers;
    for (std::size_t i = 0; i < count; ++i) numbers.push_back(make());
    return numbers;
  }
  std::size_t Width(std::uint32_t value) const { return shapes_[value].width; }

  std::uint32_t Put(Shape shape) {
    shapes_.push_back(shape);
    return static_cast<std::uint32_t>(shapes_.size() - 1);
  }

  std::uint32_t Add(std::vector<std::uint32_t> in, PlanOp op) {
    plan_.stages.push_back({.name = "stage " + std::to_string(plan_.stages.size()), .in = std::move(in), .op = std::move(op)});
    const auto shapes = CheckPlan(plan_);
    EXPECT_TRUE(shapes.has_value()) << shapes.error().message;
    return Put(shapes->back());
  }

  void AddColumnStage() {
    const auto value = static_cast<std::uint32_t>(Draw(0, static_cast<int>(shapes_.size()) - 1));
    const bool is_text = shapes_[value].type == CellType::kText;
    switch (Draw(0, 5)) {
      case 0: AddImpute(value); break;
      case 1: if (!is_text) AddScale(value); break;
      case 2: AddOneHot(value); break;
      case 3: AddLookup(value); break;
      case 4: Add({value}, MissingOp{.missing = Chance(0.8) ? kNaN : 1.0}); break;
      case 5: AddSelect(value); break;
    }
  }

  void AddImpute(std::uint32_t value) {
    ImputeOp op{.missing = Chance(0.8) ? kNaN : 2.0};
    if (shapes_[value].type == CellType::kText) {
      for (std::size_t i = 0; i < Width(value); ++i) op.texts.push_back(Chance(0.8) ? std::optional<std::string>(Word()) : std::nullopt);
    } else {
      op.numbers = Numbers(Width(value), [&] { return Number(); });
    }
    Add({value}, std::move(op));
  }

  void AddScale(std::uint32_t value) {
    ScaleOp op;
    if (Chance(0.6)) op.subtract = Numbers(Width(value), [&] { return Number(); });
    if (Chance(0.6)) op.divide = Numbers(Width(value), [&] { return Factor(); });
    if (Chance(0.4)) op.multiply = Numbers(Width(value), [&] { return Chance(0.1) ? 0.0 : Factor(); });
    if (Chance(0.4)) op.add = Numbers(Width(value), [&] { return Number(); });
    if (Chance(0.3)) op.low = -1.0;
    if (Chance(0.3)) op.high = 2.5;
    Add({value}, std::move(op));
  }

  std::string Word() { return kWords[Draw(0, 6)]; }

  Categories SomeCategories(CellType type) {
    Categories categories{.type = type};
    for (int i = Draw(0, 6); i > 0; --i) {
      const std::string word = Word();
      const double number = Draw(-2, 4);
      if (type == CellType::kText && std::ranges::find(categories.texts, word) == categories.texts.end()) categories.texts.push_back(word);
      if (type == CellType::kNumber && std::ranges::find(categories.numbers, number) == categories.numbers.end()) categories.numbers.push_back(number);
    }
    return categories;
  }

  void AddOneHot(std::uint32_t value) {
    OneHotOp op;
    for (std::size_t i = 0; i < Width(value); ++i) {
      OneHotOp::Column column{.categories = SomeCategories(shapes_[value].type), .places = {}, .width = static_cast<std::uint32_t>(Draw(1, 4))};
      const auto place = [&] { return Draw(Chance(0.05) ? -2 : -1, static_cast<int>(column.width) - 1); };
      for (std::size_t c = 0; c < column.categories.size(); ++c) column.places.push_back(place());
      column.unknown = place();
      column.missing = place();
      op.columns.push_back(std::move(column));
    }
    Add({value}, std::move(op));
  }

  void AddLookup(std::uint32_t value) {
    LookupOp op;
    for (std::size_t i = 0; i < Width(value); ++i) {
      LookupOp::Column column{.categories = SomeCategories(shapes_[value].type), .width = static_cast<std::uint32_t>(Draw(1, 2)), .values = {}};
      const auto number = [&] { return Chance(0.1) ? kNaN : Number(); };
      column.values = Numbers(column.categories.size() * column.width, number);
      if (Chance(0.9)) column.unknown = Numbers(column.width, number);
      if (Chance(0.9)) column.missing = Numbers(column.width, number);
      op.columns.push_back(std::move(column));
    }
    Add({value}, std::move(op));
  }

  void AddSelect(std::uint32_t value) {
    SelectOp op;
    for (int i = Draw(1, 4); i > 0; --i) op.columns.push_back(static_cast<std::uint32_t>(Draw(0, static_cast<int>(Width(value)) - 1)));
    Add({value}, std::move(op));
  }

  // Some numeric values side by side.
  std::uint32_t Matrix() {
    std::vector<std::uint32_t> in;
    for (std::uint32_t value = 0; value < shapes_.size(); ++value) {
      if (shapes_[value].type == CellType::kNumber && shapes_[value].width < 12 && (Chance(0.6) || value + 1 == shapes_.size())) in.push_back(value);
    }
    if (in.empty()) in.push_back(Add({0}, MissingOp{.missing = kNaN}));
    return Add(std::move(in), SelectOp{});
  }

  std::uint32_t AddHead(std::uint32_t matrix) {
    const auto outputs = static_cast<std::size_t>(Draw(1, 3));
    if (Chance(0.5)) {
      return Add({matrix}, LinearOp{.weights = Numbers(outputs * Width(matrix), [&] { return Number(); }),
                                    .intercept = Numbers(outputs, [&] { return Chance(0.2) ? -0.0 : Number(); })});
    }
    Forest forest{.outputs = static_cast<std::uint32_t>(outputs), .leaf_width = static_cast<std::uint32_t>(outputs), .float_inputs = Chance(0.5)};
    for (std::size_t i = 0; i < Width(matrix); ++i) forest.features.push_back(std::to_string(i));
    if (Chance(0.3)) AddKnown(forest);
    for (int t = Draw(1, 8); t > 0; --t) forest.trees.push_back(RandomTree(forest));
    return Add({matrix}, ForestOp{.forest = std::move(forest)});
  }

  void AddKnown(Forest& forest) {
    forest.codes = CodeRule::kKnown;
    for (std::size_t i = 0; i < forest.features.size(); ++i) {
      forest.known.push_back(Chance(0.5) ? std::vector<std::uint32_t>{static_cast<std::uint32_t>(Draw(1, 31))} : std::vector<std::uint32_t>{});
    }
  }

  Tree RandomTree(const Forest& forest) {
    Tree tree;
    const int nodes = Draw(0, 12);
    std::vector<std::int32_t*> open;
    tree.nodes.resize(static_cast<std::size_t>(nodes));
    std::int32_t leaf = 0;
    for (int n = 0; n < nodes; ++n) {
      Node& node = tree.nodes[static_cast<std::size_t>(n)];
      if (n > 0) {  // takes a random open place
        const auto place = static_cast<std::size_t>(Draw(0, static_cast<int>(open.size()) - 1));
        *open[place] = n;
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(place));
      }
      node.feature = Draw(0, static_cast<int>(forest.features.size()) - 1);
      node.missing_left = Chance(0.5);
      const bool is_coded = !forest.known.empty() && !forest.known[static_cast<std::size_t>(node.feature)].empty();
      if (is_coded) {
        node.test = NodeTest::kMember;
        node.set = static_cast<std::uint32_t>(tree.sets.size());
        tree.sets.push_back({static_cast<std::uint32_t>(Draw(0, 31))});
      } else {
        node.threshold = Chance(0.3) ? 0.5 : (Chance(0.1) ? 0.0 : Number());
      }
      open.push_back(&node.left);
      open.push_back(&node.right);
    }
    for (std::int32_t* place : open) *place = ~leaf++;
    tree.leaves = Numbers((tree.nodes.size() + 1) * forest.leaf_width, [&] { return Number(); });
    return tree;
  }

  std::mt19937_64 random_;
  Plan plan_{.library = "random", .inputs = {}, .stages = {}};
  std::vector<Shape> shapes_;
};

data::Batch RandomRows(const Plan& plan, std::uint64_t seed, std::size_t count) {
  std::mt19937_64 random(seed);
  const auto draw = [&](int high) { return std::uniform_int_distribution<int>(0, high)(random); };
  data::Batch rows;
  for (const PlanInput& input : plan.inputs) {
    data::Column column(input.type);
    for (std::size_t r = 0; r < count; ++r) {
      if (input.type == data::Type::kString) {
        if (draw(9) == 0) column.AppendNull();
        else column.AppendString(draw(9) == 0 ? "unseen" : kWords[draw(6)]);
        continue;
      }
      constexpr double kSpecial[] = {0.0, -0.0, 0.5, 1, 2, 1e300, -1e300, 5e-324, 3.5e38, -3.5e38, kInfinity, -kInfinity};
      const int kind = draw(19);
      if (kind < 2) column.AppendNull();
      else if (kind < 8) column.AppendDouble(draw(8) - 3);
      else if (kind < 10) column.AppendDouble(kSpecial[draw(11)]);
      else column.AppendDouble(std::normal_distribution<double>(0, 20)(random));
    }
    rows.AddColumn({input.name, input.type}, std::move(column));
  }
  return rows;
}

bool SameBits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) || (std::isnan(a) && std::isnan(b)); }

TEST(Fusion, OfRandomPipelinesChangesNoBit) {
  int fused_plans = 0, scored = 0, refused = 0;
  for (std::uint64_t seed = 0; seed < 1500; ++seed) {
    const Plan plan = RandomPlan(seed).Make();
    const auto fused = PipelineEngine::Make(plan).value();
    const auto plain = PipelineEngine::Make(plan, {.fuse = false}).value();
    fused_plans += fused->Describe() != plain->Describe();
    const data::Batch rows = RandomRows(plan, seed + 1, 60);
    const std::size_t width = fused->outputs(Output::kRaw);
    std::vector<double> a(width), b(width);
    for (std::size_t r = 0; r < rows.num_rows(); ++r) {
      const data::Batch row = rows.Slice(r, 1);
      const auto one = fused->Score(row, Output::kRaw, a), other = plain->Score(row, Output::kRaw, b);
      ASSERT_EQ(one.has_value(), other.has_value()) << "seed " << seed << " row " << r;
      if (!one) {
        ASSERT_EQ(one.error(), other.error());
        ++refused;
        continue;
      }
      ++scored;
      for (std::size_t k = 0; k < width; ++k) ASSERT_TRUE(SameBits(a[k], b[k])) << "seed " << seed << " row " << r << ": " << a[k] << " " << b[k];
    }
  }
  EXPECT_GT(fused_plans, 1000);
  EXPECT_GT(scored, 40'000);
  EXPECT_GT(refused, 4'000);
}

TEST(Fusion, OfBlocksIsThatOfRows) {
  for (std::uint64_t seed = 2000; seed < 2200; ++seed) {
    const Plan plan = RandomPlan(seed).Make();
    const auto fused = PipelineEngine::Make(plan).value();
    const std::size_t width = fused->outputs(Output::kRaw);
    const data::Batch drawn = RandomRows(plan, seed, 400);
    data::Batch rows = drawn.Slice(0, 0);
    std::vector<double> each;
    for (std::size_t r = 0; r < drawn.num_rows(); ++r) {  // rows that are not refused
      std::vector<double> one(width);
      if (!fused->Score(drawn.Slice(r, 1), Output::kRaw, one)) continue;
      rows.AppendRow(drawn, r);
      each.insert(each.end(), one.begin(), one.end());
    }
    std::vector<double> all(each.size());
    ASSERT_TRUE(fused->Score(rows, Output::kRaw, all).has_value());
    for (std::size_t i = 0; i < all.size(); ++i) ASSERT_TRUE(SameBits(all[i], each[i])) << "seed " << seed << " at " << i;
  }
}

// Every threshold's neighbours, through a scaler: the raw number at which a test turns is exact.
TEST(Fusion, FindsTheGreatestNumberThatPasses) {
  EXPECT_EQ(GreatestPassing([](double x) { return x <= 0.1; }), 0.1);
  EXPECT_EQ(GreatestPassing([](double x) { return x < 0.1; }), std::nextafter(0.1, 0.0));
  EXPECT_EQ(GreatestPassing([](double x) { return x <= 5e-324; }), 5e-324);
  EXPECT_EQ(GreatestPassing([](double) { return true; }), kInfinity);
  EXPECT_EQ(GreatestPassing([](double) { return false; }), std::nullopt);
  const double turn = GreatestPassing([](double x) { return (x - 31.7) / 12.3 <= 0.25; }).value();
  EXPECT_LE((turn - 31.7) / 12.3, 0.25);
  EXPECT_GT((std::nextafter(turn, 1e9) - 31.7) / 12.3, 0.25);
}

}  // namespace
}  // namespace sw::model
