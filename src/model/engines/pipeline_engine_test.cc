#include "model/engines/pipeline_engine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "model/engines/forest_choice.h"
#include "model/engines/forest_fakes.h"
#include "model/real_math.h"

namespace sw::model {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Categories Texts(std::vector<std::string> texts) { return {.type = CellType::kText, .texts = std::move(texts)}; }

// age: imputed, scaled; city: one-hot; then a logistic regression.
Plan LogisticPlan() {
  Plan plan{.library = "scikit-learn", .inputs = {{"age", data::Type::kFloat64}, {"city", data::Type::kString}}, .stages = {}};
  plan.stages.push_back({.name = "imputer", .in = {0}, .op = ImputeOp{.missing = kNaN, .numbers = {30}}});
  plan.stages.push_back({.name = "scaler", .in = {2}, .op = ScaleOp{.subtract = {30}, .divide = {2}}});
  OneHotOp one_hot{.columns = {{.categories = Texts({"Oslo", "Rome"}), .places = {0, 1}, .width = 2, .unknown = kNowhere, .missing = kRefused}}};
  plan.stages.push_back({.name = "encoder", .in = {1}, .op = std::move(one_hot)});
  plan.stages.push_back({.name = "all", .in = {3, 4}, .op = SelectOp{}});
  plan.stages.push_back({.name = "finite", .in = {5}, .op = RequireOp{}});
  plan.stages.push_back({.name = "clf", .in = {6}, .op = LinearOp{.weights = {1, 2, 3}, .intercept = {0.5}}});
  plan.stages.push_back({.name = "clf/proba", .in = {7}, .op = ApplyOp{.function = Function::kSigmoid}});
  plan.raw = 7;
  plan.prediction = 8;
  return plan;
}

data::Batch Rows(const std::vector<std::pair<double, const char*>>& cells) {
  data::Column age(data::Type::kFloat64), city(data::Type::kString);
  for (const auto& [number, text] : cells) {
    if (std::isnan(number)) age.AppendNull();
    else age.AppendDouble(number);
    if (text == nullptr) city.AppendNull();
    else city.AppendString(text);
  }
  data::Batch rows;
  rows.AddColumn({"city", data::Type::kString}, std::move(city));  // another order than the plan's
  rows.AddColumn({"age", data::Type::kFloat64}, std::move(age));
  return rows;
}

TEST(PipelineEngine, RunsEveryStage) {
  const auto engine = PipelineEngine::Make(LogisticPlan()).value();
  EXPECT_EQ(engine->exactness(), Exactness::kBounded);
  std::vector<double> raw(4), prediction(4);
  const data::Batch rows = Rows({{32, "Rome"}, {kNaN, "Oslo"}, {28, "Nice"}, {30, ""}});
  ASSERT_TRUE(engine->Score(rows, Output::kRaw, raw).has_value());
  ASSERT_TRUE(engine->Score(rows, Output::kPrediction, prediction).has_value());
  EXPECT_EQ(raw, (std::vector<double>{4.5, 2.5, -0.5, 0.5}));
  EXPECT_EQ(prediction[0], Sigmoid(4.5));
}

TEST(PipelineEngine, ScoresOneRowAsAmongMany) {
  const auto engine = PipelineEngine::Make(LogisticPlan()).value();
  std::vector<std::pair<double, const char*>> cells;
  for (int i = 0; i < 1000; ++i) cells.emplace_back(i * 0.37, i % 3 == 0 ? "Rome" : (i % 3 == 1 ? "Oslo" : "Bergen"));
  std::vector<double> all(cells.size());
  ASSERT_TRUE(engine->Score(Rows(cells), Output::kPrediction, all).has_value());
  RowScorer scorer(*engine, Output::kPrediction);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const RowCell row[] = {{.number = cells[i].first}, {.text = cells[i].second}};
    double one = 0;
    ASSERT_TRUE(scorer.Score(row, {&one, 1}).has_value());
    EXPECT_EQ(one, all[i]) << i;
  }
}

TEST(PipelineEngine, NamesTheRowThatTheLibraryRefuses) {
  const auto engine = PipelineEngine::Make(LogisticPlan()).value();
  std::vector<std::pair<double, const char*>> cells(700, {20.0, "Oslo"});
  cells[600].second = nullptr;
  std::vector<double> scores(cells.size());
  const auto missing = engine->Score(Rows(cells), Output::kRaw, scores);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(missing.error().message, "row 600: encoder: column 0 is missing, which the library refuses");
  cells[600] = {std::numeric_limits<double>::infinity(), "Oslo"};
  const auto infinite = engine->Score(Rows(cells), Output::kRaw, scores);
  ASSERT_FALSE(infinite.has_value());
  EXPECT_EQ(infinite.error().message, "row 600: finite: column 0 is inf, which the library refuses");
}

TEST(PipelineEngine, NamesAnInputThatIsAbsentOrOfAnotherType) {
  const auto engine = PipelineEngine::Make(LogisticPlan()).value();
  data::Batch rows = Rows({{1, "Oslo"}});
  std::vector<double> scores(1);
  EXPECT_EQ(engine->Score(rows.Select({"age"}).value(), Output::kRaw, scores).error().code, ErrorCode::kNotFound);
  data::Batch swapped;
  swapped.AddColumn({"age", data::Type::kString}, rows.column(0));
  swapped.AddColumn({"city", data::Type::kFloat64}, rows.column(1));
  const auto wrong = engine->Score(swapped, Output::kRaw, scores);
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().message, "the model's input age must be a number, found string");
}

// What scikit-learn would have computed for these rows.
Plan WithGolden(Plan plan) {
  const data::Batch rows = Rows({{20.5, "Oslo"}, {kNaN, "Nice"}});
  plan.golden = rows.Select({"age", "city"}).value();
  plan.stages[0].golden_numbers = {20.5, 30};
  plan.stages[1].golden_numbers = {-4.75, 0};
  plan.stages[2].golden_numbers = {1, 0, 0, 0};
  plan.stages[5].golden_numbers = {-4.75 + 2 + 0.5, 0.5};
  plan.stages[6].golden_numbers = {Sigmoid(-2.25), Sigmoid(0.5)};
  return plan;
}

std::string RefusalOf(Plan plan) {
  const auto engine = PipelineEngine::Make(std::move(plan));
  return engine ? "" : engine.error().message;
}

TEST(GoldenRows, ComeOut) { EXPECT_EQ(RefusalOf(WithGolden(LogisticPlan())), ""); }

TEST(GoldenRows, OfATamperedPlanNameTheStageThatDiffers) {
  struct Case {
    std::function<void(Plan&)> tamper;
    const char* stage;
  };
  const Case kCases[] = {
      {[](Plan& p) { std::get<ImputeOp>(p.stages[0].op).numbers[0] = 31; }, "stage 0 (impute, imputer): golden row 1, column 0"},
      {[](Plan& p) { std::get<ScaleOp>(p.stages[1].op).divide[0] = std::nextafter(2.0, 3.0); }, "stage 1 (scale, scaler): golden row 0"},
      {[](Plan& p) { std::get<OneHotOp>(p.stages[2].op).columns[0].unknown = 1; }, "stage 2 (one_hot, encoder): golden row 1, column 1"},
      {[](Plan& p) { std::get<LinearOp>(p.stages[5].op).weights[0] *= 1 + 1e-13; }, "stage 5 (linear, clf): golden row 0"},
      {[](Plan& p) { p.stages[6].golden_numbers[1] += 1e-14; }, "stage 6 (apply, clf/proba): golden row 1"},
      {[](Plan& p) { std::get<OneHotOp>(p.stages[2].op).columns[0].unknown = kRefused; }, "a golden row is refused"},
  };
  for (const Case& each : kCases) {
    Plan plan = WithGolden(LogisticPlan());
    each.tamper(plan);
    EXPECT_NE(RefusalOf(std::move(plan)).find(each.stage), std::string::npos) << each.stage;
  }
}

TEST(PipelineEngine, LooksUpManyCategoriesThatCollide) {
  // Numbers and texts by the thousand, with some that differ in one byte only.
  std::vector<std::string> texts;
  for (int i = 0; i < 5000; ++i) texts.push_back(std::string(static_cast<std::size_t>(i % 23), 'x') + std::to_string(i));
  Plan plan{.library = "", .inputs = {{"t", data::Type::kString}}, .stages = {}};
  LookupOp::Column column{.categories = Texts(texts), .width = 1, .values = {}, .unknown = std::vector<double>{-1}};
  for (std::size_t i = 0; i < texts.size(); ++i) column.values.push_back(static_cast<double>(i));
  plan.stages.push_back({.name = "l", .in = {0}, .op = LookupOp{.columns = {column}}});
  plan.raw = plan.prediction = 1;
  const auto engine = PipelineEngine::Make(std::move(plan)).value();
  RowScorer scorer(*engine, Output::kRaw);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    double found = 0;
    const RowCell row[] = {{.text = texts[i]}};
    ASSERT_TRUE(scorer.Score(row, {&found, 1}).has_value());
    EXPECT_EQ(found, static_cast<double>(i));
    const std::string other = texts[i] + "-";
    const RowCell absent[] = {{.text = other}};
    ASSERT_TRUE(scorer.Score(absent, {&found, 1}).has_value());
    EXPECT_EQ(found, -1);
  }
}

// x and y, imputed; raw scores from trees over both, predictions from other trees.
Plan TwoForests() {
  const auto trees = [](std::uint64_t seed) { return ForestOp{.forest = RandomForest({.features = 2, .trees = 20}, seed)}; };
  Plan plan{.library = "", .inputs = {{"x", data::Type::kFloat64}, {"y", data::Type::kFloat64}}, .stages = {}};
  plan.stages.push_back({.name = "both", .in = {0, 1}, .op = SelectOp{}});
  plan.stages.push_back({.name = "imputer", .in = {2}, .op = ImputeOp{.missing = kNaN, .numbers = {1, -1}}});
  plan.stages.push_back({.name = "first", .in = {3}, .op = trees(1)});
  plan.stages.push_back({.name = "second", .in = {3}, .op = trees(2)});
  plan.raw = 4;
  plan.prediction = 5;
  return plan;
}

std::vector<double> ScoresOf(const PipelineEngine& engine) {
  base::Random random(3);
  data::Batch rows(data::Schema{{{"x", data::Type::kFloat64}, {"y", data::Type::kFloat64}}});
  for (std::size_t i = 0; i < 1000; ++i) rows.column(i % 2).AppendDouble(10 * Unit(random) - 5);
  std::vector<double> scores(rows.num_rows());
  EXPECT_TRUE(engine.Score(rows, Output::kPrediction, scores));
  return scores;
}

TEST(PipelineEngine, IsTunedByItsForests) {
  for (const bool fuse : {true, false}) {
    const auto engine = PipelineEngine::Make(TwoForests(), {.fuse = fuse}).value();
    const auto next = PipelineEngine::Make(TwoForests(), {.fuse = fuse}).value();
    const std::vector<double> before = ScoresOf(*engine);
    ASSERT_EQ(engine->tuning(), Tuning::kDefaultRule);
    const Json choice = engine->Tune();
    EXPECT_EQ(choice.Find("forests")->size(), 2U);
    EXPECT_EQ(engine->tuning(), Tuning::kTimed);
    EXPECT_EQ(engine->Describe().Find("forests")->size(), 2U);
    ASSERT_TRUE(next->Choose(choice));
    EXPECT_EQ(next->tuning(), Tuning::kCached);
    EXPECT_EQ(ScoresOf(*engine), before);
    EXPECT_EQ(ScoresOf(*next), before);
  }
}

TEST(PipelineEngine, RefusesAnotherPlansChoice) {
  const auto engine = PipelineEngine::Make(TwoForests()).value();
  const Json forest = ForestChoiceToJson({.one_row = ForestMethod::kWalk, .many_rows = ForestMethod::kWalk});
  for (const Json& choice : {Json(), forest, Json::MakeObject({{"forests", Json::MakeArray({forest})}}),
                             Json::MakeObject({{"forests", Json::MakeArray({Json(), forest})}})}) {
    EXPECT_FALSE(engine->Choose(choice)) << choice.Dump();
    EXPECT_EQ(engine->tuning(), Tuning::kDefaultRule);
  }
}

TEST(PipelineEngine, WithoutForestsHasNothingToChoose) {
  const auto engine = PipelineEngine::Make(LogisticPlan()).value();
  EXPECT_EQ(engine->tuning(), Tuning::kOnlyWay);
  EXPECT_TRUE(engine->Tune().IsNull());
  EXPECT_TRUE(engine->Choose(Json()));
}

}  // namespace
}  // namespace sw::model
