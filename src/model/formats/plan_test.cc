#include "model/formats/plan.h"

#include <gtest/gtest.h>

#include <string>

#include "base/json.h"
#include "model/model_file.h"

namespace sw::model {
namespace {

// Two inputs, an imputer, a scaler, one-hot codes and a logistic regression.
constexpr std::string_view kText = R"({
  "format_name": "seaworthy/plan", "format_version": 0, "reader_min": 0, "library": "scikit-learn 1.9.1",
  "inputs": [{"name": "age", "type": "float64"}, {"name": "city", "type": "text"}],
  "golden": [{"numbers": [20.5, "NaN"]}, {"texts": ["Oslo", null]}],
  "stages": [
    {"op": "impute", "name": "num/imputer", "in": [0], "numbers": [30], "golden": [20.5, 30]},
    {"op": "scale", "name": "num/scaler", "in": [2], "subtract": [30.0], "divide": {"f64": "AAAAAAAAAEA="}},
    {"op": "one_hot", "name": "cat", "in": [1], "columns": [
      {"texts": ["Oslo", "Rome"], "places": [0, 1], "width": 2, "unknown": -1, "missing_place": -1}]},
    {"op": "select", "name": "all", "in": [3, 4]},
    {"op": "linear", "name": "clf", "in": [5], "weights": [1, 2, 3], "intercept": [0.5]},
    {"op": "apply", "name": "clf", "in": [6], "function": "sigmoid"}],
  "raw": 6, "prediction": 7, "classes": ["no", "yes"]})";

Json Document() { return Json::Parse(kText).value(); }
Json& Stage(Json& json, std::size_t i) { return json["stages"].AsArray()[i]; }

std::string RefusalOf(const Json& json) {
  const auto plan = ParsePlan(json.Dump());
  return plan ? "" : plan.error().message;
}

TEST(PlanText, IsTakenForAPlanAndReadWhole) {
  EXPECT_EQ(DetectFormat(kText).value(), "plan");
  const Plan plan = ParsePlan(kText).value();
  ASSERT_EQ(plan.stages.size(), 6U);
  EXPECT_EQ(plan.inputs[1], (PlanInput{"city", data::Type::kString}));
  EXPECT_EQ(std::get<ScaleOp>(plan.stages[1].op).divide, std::vector<double>{2.0});
  EXPECT_EQ(std::get<OneHotOp>(plan.stages[2].op).columns[0].categories.texts[1], "Rome");
  EXPECT_EQ(plan.golden.num_rows(), 2U);
  EXPECT_TRUE(plan.golden.column(1).IsNull(1));
  EXPECT_EQ(plan.classes[1], "yes");
}

struct Wrong {
  const char* what;
  void (*harm)(Json&);
  const char* message;
};

TEST(PlanText, ThatIsWrongIsRefusedByNameAndPlace) {
  const Wrong kCases[] = {
      {"a stage reads itself", [](Json& j) { Stage(j, 0)["in"] = Json::MakeArray({2}); }, "stage 0 (impute, num/imputer): reads value 2, which comes later"},
      {"a negative value", [](Json& j) { Stage(j, 0)["in"] = Json::MakeArray({-1}); }, "reads value -1"},
      {"reads nothing", [](Json& j) { Stage(j, 0)["in"] = Json::MakeArray(); }, "reads nothing"},
      {"an unknown op", [](Json& j) { Stage(j, 0)["op"] = "exec"; }, "the op exec is not known"},
      {"too few numbers", [](Json& j) { Stage(j, 0)["numbers"] = Json::MakeArray(); }, "numbers has 0 entries for 1"},
      {"divides by zero", [](Json& j) { Stage(j, 1)["divide"] = Json::MakeArray({0}); }, "divides by 0"},
      {"an infinite scale", [](Json& j) { Stage(j, 1)["subtract"] = Json::MakeArray({"Infinity"}); }, "must be finite"},
      {"base64 that is cut off", [](Json& j) { Stage(j, 1)["divide"]["f64"] = "AAAAAAAAAE="; }, "base64"},
      {"half a number", [](Json& j) { Stage(j, 1)["divide"]["f64"] = "AAAA"; }, "cut off within a number"},
      {"text into a scaler", [](Json& j) { Stage(j, 1)["in"] = Json::MakeArray({1}); }, "reads numbers, found text"},
      {"a place outside", [](Json& j) { Stage(j, 2)["columns"].AsArray()[0]["places"] = Json::MakeArray({0, 2}); }, "place 2 of 2"},
      {"a category twice", [](Json& j) { Stage(j, 2)["columns"].AsArray()[0]["texts"] = Json::MakeArray({"a", "a"}); }, "categories must differ"},
      {"text joined to numbers", [](Json& j) { Stage(j, 3)["in"] = Json::MakeArray({3, 1}); }, "joins text and numbers"},
      {"a column outside", [](Json& j) { Stage(j, 3)["columns"] = Json::MakeArray({3}); }, "selects column 3 of 3"},
      {"too few weights", [](Json& j) { Stage(j, 4)["weights"] = Json::MakeArray({1, 2}); }, "weights has 2 entries for 3"},
      {"NaN as a weight", [](Json& j) { Stage(j, 4)["weights"].AsArray()[0] = "NaN"; }, "must be finite"},
      {"golden values of another shape", [](Json& j) { Stage(j, 0)["golden"] = Json::MakeArray({1}); }, "golden values has 1 entries for 2"},
      {"golden columns of two lengths", [](Json& j) { j["golden"].AsArray()[0]["numbers"] = Json::MakeArray({1}); }, "all columns have as many"},
      {"two inputs of one name", [](Json& j) { j["inputs"].AsArray()[1]["name"] = "age"; }, "two inputs are called age"},
      {"a timestamp", [](Json& j) { j["inputs"].AsArray()[0]["type"] = "timestamp"; }, "age"},
      {"no raw value", [](Json& j) { j["raw"] = 8; }, "raw is value 8"},
      {"a prediction that is text", [](Json& j) { j["prediction"] = 1; }, "prediction is value 1"},
      {"a newer format", [](Json& j) { j["reader_min"] = 1; }, "upgrade"},
  };
  for (const Wrong& wrong : kCases) {
    Json json = Document();
    wrong.harm(json);
    EXPECT_NE(RefusalOf(json).find(wrong.message), std::string::npos) << wrong.what << ": " << RefusalOf(json);
  }
}

TEST(PlanText, OfAForestIsCheckedAsEveryForestIs) {
  Json json = Document();
  json["stages"].AsArray()[4] = Json::Parse(R"({"op": "forest", "name": "trees", "in": [5], "features": 3, "outputs": 1,
    "leaf_width": 1, "float_inputs": true, "divisor": 1, "trees": [{"feature": [0, 1], "threshold": [0.5, 1],
    "left": [1, -1], "right": [-2, -3], "missing_left": [1, 0], "leaves": [1, 2, 3], "output": 0}]})").value();
  EXPECT_EQ(RefusalOf(json), "");
  Json cycle = json;
  Stage(cycle, 4)["trees"].AsArray()[0]["left"] = Json::MakeArray({1, 0});
  EXPECT_NE(RefusalOf(cycle).find("points back"), std::string::npos);
  Json feature = json;
  Stage(feature, 4)["trees"].AsArray()[0]["feature"] = Json::MakeArray({0, 3});
  EXPECT_NE(RefusalOf(feature).find("tests feature 3 of 3"), std::string::npos);
  Json threshold = json;
  Stage(threshold, 4)["trees"].AsArray()[0]["threshold"] = Json::MakeArray({"NaN", 1});
  EXPECT_NE(RefusalOf(threshold).find("no threshold"), std::string::npos);
  Json features = json;
  Stage(features, 4)["features"] = 4;
  EXPECT_NE(RefusalOf(features).find("features has 4 entries for 3"), std::string::npos);
}

TEST(PlanText, ThatWouldTakeMuchMemoryIsRefusedByItsLimit) {
  // Each stage doubles the width: 2^40 columns from a text of 3 KB.
  Json json = Document();
  json.Erase("golden");
  Stage(json, 0).Erase("golden");
  Json::Array& stages = json["stages"].AsArray();
  for (int i = 0; i < 40; ++i) {
    const auto last = static_cast<int>(stages.size()) + 1;
    const int from = i == 0 ? 5 : last;
    stages.push_back(Json::MakeObject({{"op", "select"}, {"name", "wide"}, {"in", Json::MakeArray({from, from})}}));
  }
  EXPECT_NE(RefusalOf(json).find("plan_width_max"), std::string::npos) << RefusalOf(json);
}

TEST(PlanText, ThatWouldTakeLongIsRefusedByItsLimit) {
  Json json = Document();
  json.Erase("golden");
  Stage(json, 0).Erase("golden");
  Json::Array& stages = json["stages"].AsArray();
  for (int i = 0; i < 300; ++i) {
    const auto last = static_cast<int>(stages.size()) + 1;
    stages.push_back(Json::MakeObject({{"op", "select"}, {"name", "deep"}, {"in", Json::MakeArray({last})}}));
  }
  EXPECT_NE(RefusalOf(json).find("plan_depth_max"), std::string::npos) << RefusalOf(json);
}

TEST(PlanText, SparseGoldenValuesAreBounded) {
  Json json = Document();
  Stage(json, 0).Erase("golden");
  Stage(json, 0)["golden_sparse"] = Json::MakeObject({{"width", 1 << 30}, {"row", Json::MakeArray()}, {"column", Json::MakeArray()}, {"value", Json::MakeArray()}});
  EXPECT_NE(RefusalOf(json).find("golden values, the limit"), std::string::npos) << RefusalOf(json);
  Stage(json, 0)["golden_sparse"] = Json::MakeObject({{"width", 1}, {"row", Json::MakeArray({2})}, {"column", Json::MakeArray({0})}, {"value", Json::MakeArray({1})}});
  EXPECT_NE(RefusalOf(json).find("lies outside"), std::string::npos) << RefusalOf(json);
}

}  // namespace
}  // namespace sw::model
