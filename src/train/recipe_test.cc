#include "train/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "train/lightgbm_params.h"

namespace sw::train {
namespace {

using testing::HasSubstr;

Result<Recipe> Parse(const std::string& json) {
  return ParseRecipe("late", Json::Parse(json).value());
}

TEST(Recipe, ReadsWhatTheConfigurationSays) {
  const Recipe recipe = Parse(R"({"training_set": "late", "library": "lightgbm", "rounds": 50,
                                  "params": {"num_leaves": 15}})")
                            .value();
  EXPECT_EQ(recipe.name, "late");
  EXPECT_EQ(recipe.training_set, "late");
  EXPECT_EQ(recipe.library, Library::kLightGbm);
  EXPECT_EQ(recipe.rounds, 50);
  EXPECT_EQ(ParseRecipe("late", recipe.ToJson()).value(), recipe);
}

TEST(Recipe, RefusesWhatItDoesNotKnowAndSaysWhere) {
  const struct {
    std::string json, message;
  } cases[] = {
      {R"({"round": 5})", "recipe.late.round: unknown key; did you mean rounds"},
      {R"({"library": "xgb"})", "recipe.late.library: expected lightgbm, logistic or constant"},
      {R"({"rounds": 0})", "recipe.late.rounds: expected 1 to 10000"},
      {R"({"rounds": 1.5})", "rounds"},
      {R"({"seed": -1})", "recipe.late.seed"},
      {R"({"params": {"num_leafs": 3}})", "near it: num_leaves"},
      {R"({"library": "logistic", "params": {"l2": 0}})", "params.l2: expected a number above 0"},
      {R"({"library": "logistic", "params": {"c": 1}})", "takes l2 only"},
      {R"({"library": "constant", "params": {"l2": 1}})", "takes none"},
      {R"([])", "expected a table"},
  };
  for (const auto& [json, message] : cases) {
    const Result<Recipe> recipe = Parse(json);
    ASSERT_FALSE(recipe.has_value()) << json;
    EXPECT_THAT(recipe.error().message, HasSubstr(message)) << json;
  }
}

TEST(LightGbmParameters, NothingThatTouchesFilesMachinesOrDevicesIsTaken) {
  for (const std::string key :
       {"machines", "num_machines", "input_model", "output_model", "data", "valid", "config",
        "forcedsplits_filename", "machine_list_filename", "device_type", "num_threads",
        "local_listen_port", "save_binary", "linear_tree"}) {
    EXPECT_FALSE(LightGbmParameters(Json::MakeObject({{key, "1"}}))) << key;
  }
}

TEST(LightGbmParameters, AValueCannotBringInAnotherKey) {
  for (const std::string value :
       {"binary machines=evil", "binary\tdata=/etc/passwd", "a=b", "", "\n"}) {
    EXPECT_FALSE(LightGbmParameters(Json::MakeObject({{"objective", value}}))) << value;
  }
}

TEST(LightGbmParameters, PrintsNumbersWordsAndLists) {
  const Json params = Json::Parse(R"({"objective": "binary", "learning_rate": 0.1, "num_leaves": 31,
                                      "extra_trees": true, "monotone_constraints": [1, 0, -1]})")
                          .value();
  EXPECT_EQ(LightGbmParameters(params).value(),
            "objective=binary learning_rate=0.1 num_leaves=31 extra_trees=true "
            "monotone_constraints=1,0,-1");
}

}  // namespace
}  // namespace sw::train
