#include "model/formats/catboost.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "model/formats/fixture.h"
#include "model/model_file.h"

namespace sw::model {
namespace {

using testing::HasSubstr;

class CatboostGolden : public testing::TestWithParam<const char*> {};

TEST_P(CatboostGolden, RawScoresHaveCatboostsBitsAndPredictionsAreWithinTwoUlp) {
  const std::string name = GetParam(), text = TestData(name + ".json");
  ASSERT_EQ(DetectFormat(text).value(), "catboost");
  const auto engine = MakeEngine("catboost", text).value();
  const FixtureRows golden = ReadFixtureRows(name + ".rows", *engine);
  ASSERT_EQ(golden.inputs.num_rows(), 60U);
  std::vector<double> raw(golden.raw.size()), predictions(golden.predictions.size());
  ASSERT_TRUE(engine->Score(golden.inputs, Output::kRaw, raw));
  ASSERT_TRUE(engine->Score(golden.inputs, Output::kPrediction, predictions));
  for (std::size_t i = 0; i < raw.size(); ++i) EXPECT_EQ(UlpDistance(raw[i], golden.raw[i]), 0U) << i;
  // CatBoost's softmax uses an exponential of its own that is up to 2 ulp from the true one.
  const std::uint64_t allowed = engine->outputs(Output::kRaw) > 1 ? 4 : 2;
  for (std::size_t i = 0; i < predictions.size(); ++i) EXPECT_LE(UlpDistance(predictions[i], golden.predictions[i]), allowed) << i;
}

INSTANTIATE_TEST_SUITE_P(Models, CatboostGolden,
                         testing::Values("catboost_floats", "catboost_nested", "catboost_statistics"));

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

// "b" above 0.5 is bit 0, "a" above 2 is bit 1; the file's order is not the columns' order.
std::string Small() {
  return R"({"features_info": {"float_features": [
      {"borders": [2.0], "feature_index": 0, "flat_feature_index": 1, "feature_name": "a", "has_nans": true, "nan_value_treatment": "AsTrue"},
      {"borders": [0.5], "feature_index": 1, "flat_feature_index": 0, "feature_id": "b", "has_nans": false, "nan_value_treatment": "AsTrue"}]},
    "model_info": {"params": {"loss_function": {"type": "RMSE"}}},
    "oblivious_trees": [{"leaf_values": [1, 2, 4, 8], "leaf_weights": [3, 1, 2, 5], "splits": [
      {"split_index": 1, "split_type": "FloatFeature"}, {"split_index": 0, "split_type": "FloatFeature"}]}],
    "scale_and_bias": [0.5, [10]]})";
}

Forest Parsed(const std::string& text) {
  auto model = ParseCatboost(text);
  EXPECT_TRUE(model.has_value()) << model.error().message;
  return std::get<Forest>(model.value());
}

double Raw(const Forest& forest, double b, double a) {
  data::Batch rows;
  for (const auto& [name, value] : {std::pair("b", b), std::pair("a", a)}) {
    data::Column column(data::Type::kFloat64);
    column.AppendDouble(value);
    rows.AddColumn({name, data::Type::kFloat64}, std::move(column));
  }
  double raw = 0;
  EXPECT_TRUE(MakeForestEngine(forest).value()->Score(rows, Output::kRaw, {&raw, 1}));
  return raw;
}

TEST(Catboost, BitIOfALeafIsSplitIAndMissingGoesItsFeaturesWay) {
  const Forest forest = Parsed(Small());
  EXPECT_EQ(forest.features, (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(Raw(forest, 0.5, 2), 10.5);
  EXPECT_EQ(Raw(forest, 0.6, 2), 11);
  EXPECT_EQ(Raw(forest, 0.5, 2.1), 12);
  EXPECT_EQ(Raw(forest, 0.6, 2.1), 14);
  EXPECT_EQ(Raw(forest, 0.6, std::nan("")), 14);  // AsTrue
  EXPECT_EQ(Raw(forest, std::nan(""), 2), 10.5);  // has_nans is false: compared as it is
  EXPECT_EQ(Raw(Parsed(Replaced(Small(), "AsTrue", "AsFalse")), 0.6, std::nan("")), 11);
  EXPECT_EQ(Raw(forest, 0.5 + 1e-9, 2), 10.5);  // rounded to float first
}

TEST(Catboost, CoversAreSumsOfLeafWeights) {
  EXPECT_EQ(Parsed(Small()).trees[0].covers, (std::vector<double>{11, 4, 7, 3, 1, 2, 5}));
}

TEST(Catboost, ReadsNestedTreesAndVectorsAndAScalarBias) {
  const std::string text = Small();
  const std::size_t from = text.find("\"oblivious_trees\"");
  const Forest forest = Parsed(text.substr(0, from) + R"("trees": [
    {"split": {"split_index": 0}, "left": {"value": 1, "weight": 2},
     "right": {"split": {"split_index": 1}, "left": {"value": 2, "weight": 1}, "right": {"value": 3.5, "weight": 4}}},
    {"value": 0.25, "weight": 7}], "scale_and_bias": [1, 0.5]})");
  EXPECT_EQ(Raw(forest, 0, 0), 1.75);
  EXPECT_EQ(Raw(forest, 0, 3), 2.75);
  EXPECT_EQ(Raw(forest, 1, 3), 4.25);
  EXPECT_EQ(forest.trees[0].covers, (std::vector<double>{7, 5, 2, 1, 4}));
}

TEST(Catboost, LossesHaveTheirTransform) {
  const std::pair<const char*, Link> cases[] = {{"Logloss", Link::kSigmoid},  {"MultiClass", Link::kFastSoftmax},
                                                {"Poisson", Link::kExp},      {"Tweedie", Link::kExp},
                                                {"YetiRank", Link::kIdentity}, {"MultiClassOneVsAll", Link::kSigmoid}};
  for (const auto& [name, link] : cases) EXPECT_EQ(Parsed(Replaced(Small(), "RMSE", name)).link, link) << name;
}

TEST(Catboost, RefusesWhatItCannotReadAndSaysWhereAndWhy) {
  const std::string good = Small(), statistics = TestData("catboost_statistics.json");
  const struct {
    const char* name;
    std::string text;
    const char* message;
  } cases[] = {
      {"empty", "{}", "\"features_info\" is missing"},
      {"cut off", good.substr(0, 500), "JSON is refused at line"},
      {"loss", Replaced(good, "RMSE", "RMSEWithUncertainty"), "RMSEWithUncertainty"},
      {"text features", Replaced(good, "{\"float_features\"", R"({"text_features": [{}], "float_features")"), "text_features are not read"},
      {"embeddings", Replaced(good, "{\"float_features\"", R"({"embedding_features": [{}], "float_features")"), "embedding_features are not read"},
      {"split", Replaced(good, "\"split_index\": 1", "\"split_index\": 2"), "trees[0]: split_index is 2 of 2"},
      {"negative split", Replaced(good, "\"split_index\": 1", "\"split_index\": -1"), "split_index is -1"},
      {"leaves", Replaced(good, "[1, 2, 4, 8]", "[1, 2, 4]"), "3 values for 4 leaves"},
      {"weights", Replaced(good, "[3, 1, 2, 5]", "[3, 1, 2]"), "leaf_weights has 3"},
      {"no trees", Replaced(good, "oblivious_trees", "oblivious"), "\"trees\" is missing"},
      {"index", Replaced(good, "\"flat_feature_index\": 1", "\"flat_feature_index\": 999999999999"), "flat_feature_index"},
      {"negative index", Replaced(good, "\"feature_index\": 0", "\"feature_index\": -1"), "\"feature_index\" is -1"},
      {"twice", Replaced(good, "\"flat_feature_index\": 1", "\"flat_feature_index\": 0"), "flat_feature_index 0"},
      {"same index", Replaced(good, "\"feature_index\": 0", "\"feature_index\": 1"), "feature_index 1"},
      {"NaN border", Replaced(good, "[2.0]", "[2.0, NaN]"), "border is NaN"},
      {"bias", Replaced(good, "[10]", "[10, 11]"), "2 biases for 1 outputs"},
      {"infinite scale", Replaced(good, "[0.5, [10]]", "[Infinity, 1.5]"), "not finite"},
      {"scale", Replaced(good, "[0.5, [10]]", "[\"x\", [10]]"), "begins with no number"},
      {"statistic", Replaced(statistics, "\"ctr_type\":\"Borders\"", "\"ctr_type\":\"Guess\""), "Guess"},
      {"element", Replaced(statistics, "\"combination_element\":\"cat_feature_value\"}],\"identifier\"",
                           "\"combination_element\":\"moon\"}],\"identifier\""), "moon"},
      {"no table", Replaced(statistics, "\"identifier\":\"", "\"identifier\":\"x"), "is missing"},
      {"stride", Replaced(statistics, "\"hash_stride\":", "\"hash_stride\":7"), "hash_stride"},
      {"zero stride", Replaced(statistics, "\"hash_stride\":", "\"hash_stride\":0.0,\"x\":"), "\"hash_stride\" must be an integer"},
      {"hash", Replaced(statistics, "\"hash_map\":[\"", "\"hash_map\":[\"x"), "where a hash is expected"},
  };
  for (const auto& test : cases) {
    const auto model = ParseCatboost(test.text);
    ASSERT_FALSE(model.has_value()) << test.name;
    EXPECT_THAT(model.error().message, HasSubstr(test.message)) << test.name;
  }
}

TEST(Catboost, ADepthBombIsRefused) {
  std::string splits = R"({"split_index": 1})";
  for (int i = 0; i < 200; ++i) splits += R"(, {"split_index": 1})";
  const std::string text = Small();
  const std::size_t from = text.find("{\"split_index\""), to = text.find("]}],", from);
  const auto wide = ParseCatboost(std::string(text).replace(from, to - from, splits));
  ASSERT_FALSE(wide.has_value());
  EXPECT_THAT(wide.error().message, HasSubstr("201 splits"));
  std::string nested;
  for (int i = 0; i < 100; ++i) nested += R"({"split": {"split_index": 0}, "right": {"value": 1}, "left": )";
  const auto deep = ParseCatboost(text.substr(0, text.find("\"oblivious_trees\"")) + "\"trees\": [" + nested);
  ASSERT_FALSE(deep.has_value());
  EXPECT_THAT(deep.error().message, HasSubstr("deeper than 64"));
}

TEST(Catboost, ADamagedFileEitherScoresOrIsRefused) {
  base::Random random(1);
  for (const std::string name : {"catboost_floats", "catboost_nested", "catboost_statistics"}) {
    const std::string good = TestData(name + ".json");
    const auto engine = MakeEngine("catboost", good).value();
    const FixtureRows golden = ReadFixtureRows(name + ".rows", *engine);
    for (int i = 0; i < 400; ++i) {
      std::string bad = good;
      for (int edits = 0; edits < 2; ++edits) bad[random.Below(bad.size())] = "0123456789-.\"[],{}"[random.Below(18)];
      const auto damaged = MakeEngine("catboost", bad);
      if (!damaged || (*damaged)->inputs() != engine->inputs()) continue;
      std::vector<double> raw(golden.inputs.num_rows() * (*damaged)->outputs(Output::kRaw));
      EXPECT_TRUE((*damaged)->Score(golden.inputs, Output::kRaw, raw).has_value());
    }
  }
}

}  // namespace
}  // namespace sw::model
