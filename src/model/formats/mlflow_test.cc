#include "model/formats/mlflow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"

namespace sw::model {
namespace {

using ::testing::HasSubstr;

// Written by MLflow 3.17 (test/score/mlflow_test.py writes others).
std::string Fixture(const std::string& name) {
  return base::ReadFile(std::string(SW_SOURCE_DIR) + "/src/model/testdata/mlflow/" + name).value();
}

std::string Refusal(std::string_view text) {
  const auto model = ParseMlmodel(text);
  return model ? "not refused" : model.error().message;
}

TEST(MlflowTest, AModelSaysItsFileColumnsAndOrigin) {
  const MlflowModel model = ParseMlmodel(Fixture("lightgbm.yaml")).value();
  EXPECT_EQ(model.flavor, "lightgbm");
  EXPECT_EQ(model.data_path, "model.lgb");
  EXPECT_EQ(model.columns, (data::Schema{{{"a", data::Type::kFloat64},
                                          {"b", data::Type::kFloat64},
                                          {"c", data::Type::kFloat64}}}));
  EXPECT_EQ(model.example_path, "input_example.json");
  EXPECT_EQ(
      model.origin.Dump(),
      R"({"from":"mlflow","flavor":"lightgbm","library_version":"4.7.0","model_class":"lightgbm.basic.Booster",)"
      R"("mlflow_version":"3.17.2","model_uuid":"b15375726a9342728497184ee1a55911","created":"2026-11-24 19:02:10.269348"})");
}

TEST(MlflowTest, EachFlavorNamesItsFile) {
  EXPECT_EQ(ParseMlmodel(Fixture("xgboost_json.yaml")).value().data_path, "model.json");
  EXPECT_EQ(ParseMlmodel(Fixture("catboost_json.yaml")).value().data_path, "model.cb");
  EXPECT_EQ(ParseMlmodel(Fixture("onnx.yaml")).value().data_path, "model.onnx");
  EXPECT_EQ(ParseMlmodel(Fixture("sklearn.yaml")).value().data_path, "seaworthy_plan.json");
}

TEST(MlflowTest, PythonObjectsAndBinaryFormsAreRefusedWithWhatToDo) {
  EXPECT_THAT(Refusal(Fixture("lightgbm_sk.yaml")),
              HasSubstr("model.skops is a LGBMClassifier as Python objects, which are never "
                        "opened; save its booster: "
                        "mlflow.lightgbm.log_model(model.booster_, ...)"));
  EXPECT_THAT(Refusal(Fixture("catboost.yaml")), HasSubstr("format=\"json\""));
  EXPECT_THAT(Refusal("flavors: {xgboost: {data: model.pkl}}"), HasSubstr("never opened"));
}

TEST(MlflowTest, OtherFlavorsAreNamed) {
  EXPECT_THAT(Refusal("flavors: {python_function: {}, spark: {}}"),
              HasSubstr("of the flavors python_function, spark none is read"));
  EXPECT_THAT(Refusal("flavors: {onnx: {onnx_version: 1}}"),
              HasSubstr("the flavor onnx names no file (data)"));
  EXPECT_THAT(Refusal("flavors: [onnx]"), HasSubstr("no MLflow model"));
  EXPECT_THAT(Refusal("a: b"), HasSubstr("no MLflow model"));
  EXPECT_THAT(Refusal(""), HasSubstr("no MLflow model"));
}

std::string WithInputs(const std::string& inputs) {
  return "flavors: {onnx: {data: model.onnx}}\nsignature:\n  inputs: '" + inputs + "'\n";
}

TEST(MlflowTest, ASignaturesTypesAreOurs) {
  const auto model =
      ParseMlmodel(WithInputs(R"([{"name": "a", "type": "long"}, {"name": "b", "type": "integer"},
    {"name": "c", "type": "float"}, {"name": "d", "type": "string", "required": false}, {"name": "e", "type": "boolean"},
    {"name": "f", "type": "datetime"}])"))
          .value();
  std::vector<data::Type> types;
  for (const data::Field& field : model.columns.fields) types.push_back(field.type);
  EXPECT_THAT(types,
              testing::ElementsAre(data::Type::kInt64, data::Type::kInt64, data::Type::kFloat64,
                                   data::Type::kString, data::Type::kBool, data::Type::kTimestamp));
  EXPECT_TRUE(
      ParseMlmodel(
          WithInputs(
              R"([{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 3]}}])"))
          .value()
          .columns.fields.empty());
  EXPECT_TRUE(ParseMlmodel(WithInputs(R"([{"type": "double"}])")).value().columns.fields.empty());
  EXPECT_THAT(Refusal(WithInputs(R"([{"name": "a", "type": "array"}])")),
              HasSubstr("column a is of type array"));
  EXPECT_THAT(
      Refusal(WithInputs(R"([{"name": "a", "type": "long"}, {"name": "a", "type": "long"}])")),
      HasSubstr("two columns a"));
  EXPECT_THAT(Refusal(WithInputs(R"({"name": "a"})")), HasSubstr("no JSON array"));
  EXPECT_THAT(Refusal(WithInputs("[")), HasSubstr("no JSON array"));
}

TEST(MlflowTest, AnExampleIsRowsOfTheSignaturesTypes) {
  const MlflowModel model = ParseMlmodel(Fixture("lightgbm.yaml")).value();
  const data::Batch example = ParseMlflowExample(Fixture("example.json"), model.columns).value();
  EXPECT_EQ(example.num_rows(), 3);
  EXPECT_EQ(example.schema(), model.columns);
  const auto typed =
      ParseMlflowExample(
          R"({"columns": ["n", "t", "b"], "data": [[1, "x", true], [null, null, false]]})",
          data::Schema{{{"n", data::Type::kInt64}}})
          .value();
  EXPECT_EQ(typed.column(0).type(), data::Type::kInt64);
  EXPECT_EQ(typed.column(1).String(0), "x");
  EXPECT_TRUE(typed.column(1).IsNull(1));
  EXPECT_EQ(typed.column(2).type(), data::Type::kBool);
}

TEST(MlflowTest, AMalformedExampleIsRefused) {
  for (const char* text :
       {"", "[]", R"({"columns": ["a"]})", R"({"columns": ["a"], "data": [[1, 2]]})",
        R"({"columns": ["a"], "data": [1]})", R"({"columns": [1], "data": [[1]]})",
        R"({"columns": ["a", "a"], "data": [[1, 1]]})",
        R"({"columns": ["a"], "data": [["x"], [1]]})", R"({"columns": ["a"], "data": [[[]]]})"}) {
    EXPECT_FALSE(ParseMlflowExample(text, {}).has_value()) << text;
  }
}

}  // namespace
}  // namespace sw::model
