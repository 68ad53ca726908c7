#include "model/formats/lightgbm.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

#include "base/files.h"
#include "base/random.h"
#include "model/engine.h"

namespace sw::model {
namespace {

std::string TestData(const std::string& name) {
  return base::ReadFile(std::string(SW_SOURCE_DIR) + "/src/model/testdata/" + name).value();
}

struct Golden {
  data::Batch inputs;
  std::vector<double> raw, prediction;
};

Golden ReadGolden(const std::string& name, const std::vector<std::string>& features) {
  data::Schema schema;
  for (const std::string& feature : features) schema.fields.push_back({feature, data::Type::kFloat64});
  Golden golden{.inputs = data::Batch(schema), .raw = {}, .prediction = {}};
  std::istringstream lines(TestData(name + ".rows"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    for (std::size_t c = 0; c < features.size(); ++c) {
      words >> word;
      golden.inputs.column(c).AppendDouble(std::strtod(word.c_str(), nullptr));
    }
    words >> word;
    golden.raw.push_back(std::strtod(word.c_str(), nullptr));
    words >> word;
    golden.prediction.push_back(std::strtod(word.c_str(), nullptr));
  }
  return golden;
}

class LightGbmGolden : public testing::TestWithParam<const char*> {};

TEST_P(LightGbmGolden, RawScoresHaveLightGbmsBitsAndPredictionsAreWithinTwoUlp) {
  Forest forest = ParseLightGbm(TestData(std::string(GetParam()) + ".txt")).value();
  const Golden golden = ReadGolden(GetParam(), forest.features);
  ASSERT_EQ(golden.inputs.num_rows(), 200U);
  const auto engine = MakeForestEngine(forest).value();
  std::vector<double> raw(200), prediction(200);
  ASSERT_TRUE(engine->Score(golden.inputs, Output::kRaw, raw));
  ASSERT_TRUE(engine->Score(golden.inputs, Output::kPrediction, prediction));
  for (std::size_t i = 0; i < 200; ++i) {
    EXPECT_EQ(UlpDistance(raw[i], golden.raw[i]), 0U) << "row " << i;
    EXPECT_LE(UlpDistance(prediction[i], golden.prediction[i]), 2U) << "row " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, LightGbmGolden,
                         testing::Values("binary", "zero_as_missing", "forest", "regression", "poisson"));

TEST(LightGbm, AScoreDoesNotDependOnTheRowsBesideIt) {
  Forest forest = ParseLightGbm(TestData("binary.txt")).value();
  const Golden golden = ReadGolden("binary", forest.features);
  const auto engine = MakeForestEngine(forest).value();
  std::vector<double> together(200), alone(1);
  ASSERT_TRUE(engine->Score(golden.inputs, Output::kRaw, together));
  for (std::size_t i = 0; i < 200; ++i) {
    ASSERT_TRUE(engine->Score(golden.inputs.Slice(i, 1), Output::kRaw, alone));
    EXPECT_EQ(UlpDistance(alone[0], together[i]), 0U);
  }
}

TEST(LightGbm, CoversAreItsCountsOfRows) {
  const Forest forest = ParseLightGbm(TestData("binary.txt")).value();
  for (const Tree& tree : forest.trees) {
    ASSERT_EQ(tree.covers.size(), 2 * tree.nodes.size() + 1);
    const auto cover = [&](std::int32_t child) {
      return tree.covers[child < 0 ? tree.nodes.size() + static_cast<std::size_t>(~child) : static_cast<std::size_t>(child)];
    };
    for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
      EXPECT_EQ(tree.covers[i], cover(tree.nodes[i].left) + cover(tree.nodes[i].right)) << "node " << i;
    }
  }
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(LightGbm, RefusesWhatItCannotReadAndSaysWhy) {
  const std::string good = TestData("regression.txt");
  const struct {
    const char* name;
    std::string text;
    const char* message;
  } cases[] = {
      {"empty", "", "must start with 'tree'"},
      {"another version", Replaced(good, "version=v4", "version=v9"), "version v9"},
      {"no trees an iteration", Replaced(good, "num_tree_per_iteration=1", "num_tree_per_iteration=0"), "from 1 to"},
      {"huge classes", Replaced(good, "num_tree_per_iteration=1", "num_tree_per_iteration=4294967295"), "from 1 to"},
      {"part of an iteration", Replaced(good, "num_tree_per_iteration=1", "num_tree_per_iteration=5"), "no multiple"},
      {"objective", Replaced(good, "objective=regression", "objective=guess"), "guess"},
      {"classes", Replaced(good, "objective=regression", "objective=multiclass num_class:7"), "num_class:7"},
      {"sigmoid", Replaced(good, "objective=regression", "objective=binary sigmoid:-1"), "sigmoid"},
      {"names", Replaced(good, "max_feature_idx=4", "max_feature_idx=5"), "needs 6 feature_names"},
      {"names one too few", Replaced(good, "max_feature_idx=4", "max_feature_idx=3"), "needs 4 feature_names"},
      {"huge index", Replaced(good, "max_feature_idx=4", "max_feature_idx=4294967295"), "feature_names"},
      {"linear", Replaced(good, "is_linear=0", "is_linear=1\nnum_features=4294967295"), "num_features"},
      {"linear feature", Replaced(good, "is_linear=0", "is_linear=1\nnum_features=1 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
                                                       "leaf_features=5\nleaf_coeff=1"), "reads feature 5"},
      {"labels", good + "\npandas_categorical:[[\"a\"], [\"b\"]]\n", "cannot be matched"},
      {"labels no list", good + "\npandas_categorical:{\"a\": 1}\n", "must be a list"},
      {"labels cut off", good + "\npandas_categorical:[[\"a\"", "JSON"},
      {"label twice", good + "\npandas_categorical:[[1, 1.0]]\n", "twice"},
      {"label of labels", good + "\npandas_categorical:[[[1]]]\n", "type array"},
      {"leaves", Replaced(good, "num_leaves=15", "num_leaves=16"), "must have 16 values"},
      {"no leaves", Replaced(good, "num_leaves=15", "num_leaves=0"), "num_leaves=0"},
      {"text number", Replaced(good, "leaf_value=", "leaf_value=x"), "no number"},
      {"covers", Replaced(good, "leaf_count=", "leaf_count=1 "), "leaf_count must have 15 values"},
      {"negative cover", Replaced(good, "internal_count=", "internal_count=-"), "a cover is -"},
      {"cut off", good.substr(0, good.find("Tree=3")), "end of trees"},
      {"twice", Replaced(good, "num_class=1", "num_class=1\nnum_class=1"), "appears twice"},
  };
  for (const auto& test : cases) {
    const auto forest = ParseLightGbm(test.text);
    ASSERT_FALSE(forest.has_value()) << test.name;
    EXPECT_NE(forest.error().message.find(test.message), std::string::npos) << test.name << ": " << forest.error().message;
  }
}

TEST(LightGbm, WindowsLineEndsChangeNothing) {
  const std::string unix_text = TestData("binary.txt");
  std::string text;
  for (const char c : unix_text) text += c == '\n' ? "\r\n" : std::string(1, c);
  EXPECT_EQ(ParseLightGbm(text).value(), ParseLightGbm(unix_text).value());
}

TEST(LightGbm, LabelsOfPandasCategoriesBecomeCodes) {
  const std::string text = TestData("binary.txt") + "\npandas_categorical:[[\"x\", 5, true, 0.5]]\r\n";
  const Forest forest = ParseLightGbm(text).value();
  ASSERT_EQ(forest.dictionaries.size(), 5U);
  EXPECT_EQ(forest.dictionaries[2], (Dictionary{.text = {{"x", 0}}, .numbers = {{5, 1}, {1, 2}, {0.5, 3}}}));
  EXPECT_EQ(forest.dictionaries[0], Dictionary());
  EXPECT_TRUE(ParseLightGbm(TestData("binary.txt") + "\npandas_categorical:null\n").value().dictionaries.empty());
}

TEST(LightGbm, ObjectivesHaveTheirTransform) {
  const std::string good = TestData("regression.txt");
  const std::pair<const char*, Link> cases[] = {
      {"regression sqrt", Link::kSignedSquare},  {"huber sqrt", Link::kIdentity},
      {"fair", Link::kIdentity},                 {"mape", Link::kIdentity},
      {"quantile", Link::kIdentity},             {"tweedie tweedie_variance_power:1.5", Link::kExp},
      {"cross_entropy", Link::kSigmoid},         {"cross_entropy_lambda", Link::kLogOnePlusExp},
      {"multiclassova num_class:1 sigmoid:1", Link::kSigmoid}, {"lambdarank", Link::kIdentity},
      {"rank_xendcg", Link::kIdentity},          {"custom", Link::kIdentity}};
  for (const auto& [objective, link] : cases) {
    const auto forest = ParseLightGbm(Replaced(good, "objective=regression", std::string("objective=") + objective));
    ASSERT_TRUE(forest.has_value()) << objective << ": " << forest.error().message;
    EXPECT_EQ(forest->link, link) << objective;
  }
}

TEST(LightGbm, ADamagedFileEitherScoresOrIsRefused) {
  const std::string good = TestData("binary.txt");
  base::Random random(1);
  data::Batch rows = ReadGolden("binary", ParseLightGbm(good).value().features).inputs;
  std::vector<double> scores(rows.num_rows());
  for (int i = 0; i < 2000; ++i) {
    std::string bad = good;
    for (int edits = 0; edits < 3; ++edits) bad[random.Below(bad.size())] = "0123456789-=. \n"[random.Below(15)];
    const auto forest = ParseLightGbm(bad);
    if (!forest) continue;
    ASSERT_TRUE(MakeForestEngine(*forest).has_value());
    if (forest->features == ParseLightGbm(good)->features) {
      ASSERT_TRUE(MakeForestEngine(*forest).value()->Score(rows, Output::kRaw, scores));
    }
  }
}

}  // namespace
}  // namespace sw::model
