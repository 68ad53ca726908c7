#include "model/formats/xgboost.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "model/formats/fixture.h"
#include "model/formats/xgboost_objective.h"
#include "model/model_file.h"

namespace sw::model {
namespace {

using testing::HasSubstr;

class XgboostGolden : public testing::TestWithParam<const char*> {};

TEST_P(XgboostGolden, MarginsHaveXgboostsBitsAndPredictionsAreWithinTwoUlp) {
  const std::string file = GetParam(), bytes = TestData(file);
  ASSERT_EQ(DetectFormat(bytes).value(), "xgboost");
  const auto engine = MakeEngine("xgboost", bytes).value();
  const FixtureRows golden = ReadFixtureRows(file.substr(0, file.find('.')) + ".rows", *engine);
  ASSERT_EQ(golden.inputs.num_rows(), 60U);
  std::vector<double> raw(golden.raw.size()), predictions(golden.predictions.size());
  ASSERT_TRUE(engine->Score(golden.inputs, Output::kRaw, raw));
  ASSERT_TRUE(engine->Score(golden.inputs, Output::kPrediction, predictions));
  for (std::size_t i = 0; i < raw.size(); ++i) EXPECT_EQ(FloatUlpDistance(raw[i], golden.raw[i]), 0U) << i;
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    EXPECT_LE(FloatUlpDistance(predictions[i], golden.predictions[i]), 2U) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, XgboostGolden,
                         testing::Values("xgboost_binary.json", "xgboost_classes.ubj", "xgboost_dart.json",
                                         "xgboost_vectors.ubj", "xgboost_linear.json"));

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

// Two stumps on "a" below 0.5; the second is on a category, of which 1 and 3 go right.
std::string Small() {
  return R"({"learner": {"attributes": {}, "feature_names": [], "gradient_booster": {"name": "gbtree", "model": {
    "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": "2"}, "iteration_indptr": [0, 1, 2],
    "tree_info": [0, 0], "trees": [
      {"default_left": [1, 0, 0], "id": 0, "left_children": [1, -1, -1], "right_children": [2, -1, -1],
       "split_conditions": [5E-1, 1E0, 2E0], "split_indices": [0, 0, 0], "sum_hessian": [3E0, 1E0, 2E0],
       "tree_param": {"size_leaf_vector": "1"}},
      {"default_left": [true, false, false], "id": 1, "left_children": [1, -1, -1], "right_children": [2, -1, -1],
       "split_conditions": [1E-45, 1E1, 2E1], "split_indices": [1, 0, 0], "split_type": [1, 0, 0],
       "categories": [1, 3], "categories_nodes": [0], "categories_segments": [0], "categories_sizes": [2],
       "tree_param": {"size_leaf_vector": "0"}}]}},
    "learner_model_param": {"base_score": "5E-1", "num_class": "0", "num_feature": "2"},
    "objective": {"name": "reg:squarederror"}}, "version": [1, 7, 6]})";
}

Forest Parsed(const std::string& text) {
  auto model = ParseXgboost(text);
  EXPECT_TRUE(model.has_value()) << model.error().message;
  return std::get<Forest>(model.value());
}

double Raw(const Forest& forest, double a, double b) {
  data::Batch rows;
  for (std::size_t i = 0; i < 2; ++i) {
    data::Column column(data::Type::kFloat64);
    column.AppendDouble(i == 0 ? a : b);
    rows.AddColumn({forest.features[i], data::Type::kFloat64}, std::move(column));
  }
  double raw = 0;
  EXPECT_TRUE(MakeForestEngine(forest).value()->Score(rows, Output::kRaw, {&raw, 1}));
  return raw;
}

TEST(Xgboost, CategoriesOfTheSetGoRightAndWhatIsNoneGoesLeft) {
  const Forest forest = Parsed(Small());
  EXPECT_EQ(forest.features, (std::vector<std::string>{"f0", "f1"}));
  EXPECT_EQ(Raw(forest, 0.4, 1), 0.5 + 1 + 20);
  EXPECT_EQ(Raw(forest, 0.5, 3.9), 0.5 + 2 + 20);
  for (const double left : {0.0, 2.0, 4.0, 1e6, -1.0, -0.5, 16777216.0, 1e30}) EXPECT_EQ(Raw(forest, 0, left), 11.5) << left;
  EXPECT_EQ(Raw(forest, std::nan(""), std::nan("")), 0.5 + 1 + 10);  // default_left
  const Forest right = Parsed(Replaced(Small(), "[true, false, false]", "[false, false, false]"));
  EXPECT_EQ(Raw(right, 0, std::nan("")), 0.5 + 1 + 20);
}

TEST(Xgboost, TreesAfterTheBestIterationAreNotUsed) {
  const std::string text = Replaced(Small(), "\"attributes\": {}", R"("attributes": {"best_iteration": "0"})");
  EXPECT_EQ(Parsed(text).trees.size(), 1U);
  EXPECT_EQ(Parsed(Replaced(text, "\"iteration_indptr\": [0, 1, 2],", "")).trees.size(), 1U);
}

TEST(Xgboost, TakesDartsWeightsFromEitherPlace) {
  const std::string inside = Replaced(Small(), "\"tree_info\"", R"("weight_drop": [5E-1], "tree_info")");
  EXPECT_EQ(Raw(Parsed(inside), 0, 0), 0.5 + 0.5 + 10);
  std::string beside = Replaced(Small(), "{\"name\": \"gbtree\", \"model\"",
                                R"({"name": "dart", "weight_drop": [5E-1, 0E0], "gbtree": {"name": "gbtree", "model")");
  beside = Replaced(beside, "\"0\"}}]}},", "\"0\"}}]}}},");
  EXPECT_EQ(Raw(Parsed(beside), 0, 0), 0.5 + 0.5);
}

TEST(Xgboost, CoversAreHessiansInTheOrderOfNodesAndLeaves) {
  const Forest forest = Parsed(Small());
  EXPECT_EQ(forest.trees[0].covers, (std::vector<double>{3, 1, 2}));
  EXPECT_TRUE(forest.trees[1].covers.empty());
}

TEST(Xgboost, DictionariesOfTextAndNumbersAreRead) {
  const std::string recent = Replaced(Small(), "\"version\": [1, 7, 6]", "\"version\": [3, 4, 0]");
  const Forest forest = Parsed(Replaced(recent, "\"tree_info\"", R"("cats": {"enc": [
    {"offsets": [0, 1, 3], "values": [97, -61, -68]}, {"type": 14, "values": [-1, 7]}],
    "feature_segments": [0, 2, 4], "sorted_idx": [0, 1, 0, 1]}, "tree_info")"));
  ASSERT_EQ(forest.dictionaries.size(), 2U);
  EXPECT_EQ(forest.dictionaries[0], (Dictionary{.text = {{"a", 0}, {"\xc3\xbc", 1}}}));
  EXPECT_EQ(forest.dictionaries[1], (Dictionary{.numbers = {{4294967295.0, 0}, {7, 1}}}));
}

TEST(Xgboost, InterceptsBecomeMargins) {
  const auto base = [](const char* objective, const char* score) {
    const std::string text = Replaced(Small(), "reg:squarederror", objective);
    return Parsed(Replaced(text, "\"5E-1\"", std::string("\"") + score + "\"")).base;
  };
  EXPECT_EQ(base("binary:logistic", "5E-1"), std::vector<double>{0});
  EXPECT_EQ(base("binary:logistic", "[2.5E-1]"), std::vector<double>{-std::log(3.0F)});
  EXPECT_EQ(base("binary:logitraw", "2.5E-1"), std::vector<double>{0.25});
  EXPECT_EQ(base("count:poisson", "(2E0)"), std::vector<double>{std::log(2.0F)});
  EXPECT_EQ(base("rank:ndcg", "-1E0"), std::vector<double>{-1});
  EXPECT_EQ(base("multi:softprob", "[ 1E0 ]"), std::vector<double>{1});
}

TEST(Xgboost, LogHasGlibcsBits) {
  // The whole range was compared once; here every 9973rd float.
  for (std::uint32_t bits = 1; bits < 0x7f800000; bits += 9973) {
    const auto x = std::bit_cast<float>(bits);
    ASSERT_EQ(FloatUlpDistance(xgboost::GlibcLog(x), std::log(x)), 0U) << x;
  }
}

TEST(Xgboost, RefusesWhatItCannotReadAndSaysWhereAndWhy) {
  const std::string good = Small();
  const struct {
    const char* name;
    std::string text;
    const char* message;
  } cases[] = {
      {"no learner", "{}", "\"learner\" is missing"},
      {"cut off", good.substr(0, 700), "JSON is refused at line"},
      {"objective", Replaced(good, "reg:squarederror", "reg:guess"), "reg:guess"},
      {"booster", Replaced(good, "\"gbtree\", \"model\"", "\"gbforest\", \"model\""), "gbforest"},
      {"features", Replaced(good, "\"num_feature\": \"2\"", "\"num_feature\": \"4294967295\""), "num_feature"},
      {"no number", Replaced(good, "\"num_feature\": \"2\"", "\"num_feature\": \"two\""), "num_feature is two"},
      {"classes", Replaced(good, "\"num_class\": \"0\"", "\"num_class\": \"99999999\""), "num_class"},
      {"names", Replaced(good, "\"feature_names\": []", "\"feature_names\": [\"a\"]"), "feature_names has 1"},
      {"base scores", Replaced(good, "5E-1\", \"num", "[1E0,2E0]\", \"num"), "2 values for 1 outputs"},
      {"base score", Replaced(good, "5E-1\", \"num", "x\", \"num"), "base_score has x"},
      {"NaN base score", Replaced(good, "5E-1\", \"num", "NaN\", \"num"), "base_score is nan"},
      {"empty base score", Replaced(good, "5E-1\", \"num", "\", \"num"), "base_score has"},
      {"open base score", Replaced(good, "5E-1\", \"num", "[\", \"num"), "base_score has"},
      {"probability", Replaced(Replaced(good, "reg:squarederror", "binary:logistic"), "5E-1\"", "2E0\""), "from 0 to 1"},
      {"cycle", Replaced(good, "[1, -1, -1]", "[0, -1, -1]"), "trees[0]: node 0 has two parents"},
      {"shared child", Replaced(good, "[2, -1, -1]", "[1, -1, -1]"), "trees[0]: node 1 has two parents"},
      {"child outside", Replaced(good, "[1, -1, -1]", "[3, -1, -1]"), "a child is node 3 of 3"},
      {"child below", Replaced(good, "[1, -1, -1]", "[-7, -1, -1]"), "a child is node -7 of 3"},
      {"no threshold", Replaced(good, "[5E-1, 1E0", "[NaN, 1E0"), "node 0 has no threshold"},
      {"lengths", Replaced(good, "[5E-1, 1E0, 2E0]", "[5E-1, 1E0]"), "split_conditions has 2 values for 3 nodes"},
      {"text", Replaced(good, "[5E-1, 1E0, 2E0]", "\"[]\""), "\"split_conditions\" must be numbers"},
      {"feature", Replaced(good, "\"split_indices\": [0", "\"split_indices\": [2"), "feature 2 of 2"},
      {"negative feature", Replaced(good, "\"split_indices\": [0", "\"split_indices\": [-1"), "feature -1"},
      {"group", Replaced(good, "\"tree_info\": [0, 0]", "\"tree_info\": [0, 1]"), "trees[1]: tree_info adds it to output 1"},
      {"groups", Replaced(good, "\"tree_info\": [0, 0]", "\"tree_info\": [0]"), "tree_info has 1 values"},
      {"vectors", Replaced(good, "\"size_leaf_vector\": \"1\"", "\"size_leaf_vector\": \"3\""), "size_leaf_vector is 3"},
      {"no categories", Replaced(good, "\"categories_nodes\": [0]", "\"categories_nodes\": [1]"), "has no categories"},
      {"category node", Replaced(good, "\"categories_nodes\": [0]", "\"categories_nodes\": [9]"), "node 9 of 3"},
      {"segment", Replaced(good, "\"categories_sizes\": [2]", "\"categories_sizes\": [3]"), "has 3 categories from 0 of 2"},
      {"empty segment", Replaced(good, "\"categories_sizes\": [2]", "\"categories_sizes\": [0]"), "has 0 categories"},
      {"huge segment", Replaced(good, "\"categories_segments\": [0]", "\"categories_segments\": [9223372036854775807]"), "categories from"},
      {"huge category", Replaced(good, "\"categories\": [1, 3]", "\"categories\": [1, 16777216]"), "categories holds 16777216"},
      {"negative category", Replaced(good, "\"categories\": [1, 3]", "\"categories\": [-1, 3]"), "categories holds"},
      {"best iteration", Replaced(good, "\"attributes\": {}", R"("attributes": {"best_iteration": "2"})"), "best_iteration is 2"},
      {"dart", Replaced(good, "\"tree_info\"", R"("weight_drop": [1E0, 1E0, 1E0], "tree_info")"), "weight_drop has 3"},
      {"duplicate key", Replaced(good, "\"tree_info\"", R"("tree_info": [0, 0], "tree_info")"), "duplicate key"},
      {"dictionaries", Replaced(good, "\"tree_info\"", R"("cats": {"enc": [{"offsets": [], "values": []}]}, "tree_info")"), "cats.enc has 1 columns"},
      {"damaged labels", Replaced(good, "\"tree_info\"", R"("cats": {"enc": [{"offsets": [0, 1], "values": [-61]}, {"offsets": [], "values": []}]}, "tree_info")"), "cats.enc[0]: XGBoost 3.1 to 3.3 damage labels"},
      {"order", Replaced(good, "\"tree_info\"", R"("cats": {"enc": [{"offsets": [0, 2, 1], "values": [97]}, {"offsets": [], "values": []}]}, "tree_info")"), "cats.enc[0]: offsets go from 0 to 2 of 1"},
      {"offsets", Replaced(good, "\"tree_info\"", R"("cats": {"enc": [{"offsets": [0, 9], "values": [97]}, {"offsets": [], "values": []}]}, "tree_info")"), "cats.enc[0]: offsets go from 0 to 9 of 1"},
  };
  for (const auto& test : cases) {
    const auto model = ParseXgboost(test.text);
    ASSERT_FALSE(model.has_value()) << test.name;
    EXPECT_THAT(model.error().message, HasSubstr(test.message)) << test.name;
  }
}

TEST(Xgboost, RefusesALinearModelWithoutAllItsWeights) {
  const auto model = ParseXgboost(Replaced(TestData("xgboost_linear.json"), "\"weights\":[", "\"weights\":[1E0,"));
  ASSERT_FALSE(model.has_value());
  EXPECT_THAT(model.error().message, HasSubstr("weights has 5 values"));
}

// One category near 2^24 in each of many trees would need half a gigabyte.
TEST(Xgboost, LimitsTheMemoryOfCategorySets) {
  std::string trees, groups;
  const std::string tree = R"({"default_left": [1, 0, 0], "left_children": [1, -1, -1], "right_children": [2, -1, -1],
    "split_conditions": [1E-45, 1E1, 2E1], "split_indices": [0, 0, 0], "split_type": [1, 0, 0], "categories": [16777215],
    "categories_nodes": [0], "categories_segments": [0], "categories_sizes": [1], "tree_param": {}})";
  for (int i = 0; i < 64; ++i) {
    trees += (i == 0 ? "" : ",") + tree;
    groups += i == 0 ? "0" : ",0";
  }
  std::string text = Small();
  const std::size_t from = text.find("\"tree_info\""), to = text.find("}},\n    \"learner_model_param\"");
  text.replace(from, to - from, "\"tree_info\": [" + groups + "], \"trees\": [" + trees + "]");
  const auto model = ParseXgboost(text);
  ASSERT_FALSE(model.has_value());
  EXPECT_EQ(model.error().code, ErrorCode::kResourceExhausted) << model.error().message;
}

TEST(Xgboost, ADamagedFileEitherScoresOrIsRefused) {
  base::Random random(1);
  for (const char* name : {"xgboost_binary.json", "xgboost_classes.ubj", "xgboost_vectors.ubj", "xgboost_linear.json"}) {
    const std::string good = TestData(name);
    const auto engine = MakeEngine("xgboost", good).value();
    const FixtureRows golden = ReadFixtureRows(std::string(name).substr(0, std::string(name).find('.')) + ".rows", *engine);
    for (int i = 0; i < 400; ++i) {
      std::string bad = good;
      const bool is_text = bad[1] == '"';
      for (int edits = 0; edits < 2; ++edits) {
        bad[random.Below(bad.size())] = is_text ? "0123456789-=.E\"[],"[random.Below(18)] : static_cast<char>(random.Below(256));
      }
      const auto damaged = MakeEngine("xgboost", bad);
      if (!damaged || (*damaged)->inputs() != engine->inputs()) continue;
      std::vector<double> raw(golden.inputs.num_rows() * (*damaged)->outputs(Output::kRaw));
      EXPECT_TRUE((*damaged)->Score(golden.inputs, Output::kRaw, raw).has_value());
    }
  }
}

}  // namespace
}  // namespace sw::model
