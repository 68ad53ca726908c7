#include "model/formats/python.h"

#include <gtest/gtest.h>

namespace sw::model {
namespace {

TEST(PythonFile, NamesWhereTheModelLies) {
  const std::string hash(64, 'a');
  const PythonModel model = ParsePython(R"({"python": {"environment": "churn-3", "folder": "churn/3", "entry": "pkg.mod:Model",
      "content": ")" + hash + R"(", "inputs": ["a", "b c"], "outputs": 3}})").value();
  EXPECT_EQ(model, (PythonModel{.environment = "churn-3", .folder = "churn/3", .entry = "pkg.mod:Model", .content = hash,
                                .inputs = {"a", "b c"}, .outputs = 3}));
  EXPECT_EQ(ParsePython(R"({"python": {"environment": "e", "folder": "f"}})").value(),
            (PythonModel{.environment = "e", .folder = "f", .entry = "pyfunc", .content = "", .inputs = {}, .outputs = 1}));
}

TEST(PythonFile, RefusesWhatItCannotMean) {
  const struct {
    const char* members;
    const char* message;
  } cases[] = {
      {R"-("folder": "f")-", "environment"},
      {R"-("environment": "e")-", "folder"},
      {R"-("environment": "../e", "folder": "f")-", "environment must be a name"},
      {R"-("environment": "", "folder": "f")-", "environment must be a name"},
      {R"-("environment": "e", "folder": "")-", "folder must be a path"},
      {R"-("environment": "e", "folder": "f\u0000g")-", "folder must be a path"},
      {R"-("environment": "e", "folder": "f", "entry": "os.system")-", "entry must be"},
      {R"-("environment": "e", "folder": "f", "entry": "m:C()")-", "entry must be"},
      {R"-("environment": "e", "folder": "f", "entry": ":C")-", "entry must be"},
      {R"-("environment": "e", "folder": "f", "content": "abc")-", "content must be"},
      {R"-("environment": "e", "folder": "f", "inputs": [1])-", "inputs must be names"},
      {R"-("environment": "e", "folder": "f", "inputs": [])-", "inputs is empty"},
      {R"-("environment": "e", "folder": "f", "inputs": ["a", "a"])-", "twice"},
      {R"-("environment": "e", "folder": "f", "outputs": 0)-", "outputs must be"},
      {R"-("environment": "e", "folder": "f", "outputs": 1001)-", "outputs must be"},
      {R"-("environment": "e", "folder": "f", "command": "rm")-", "python.command is unknown"},
  };
  for (const auto& test : cases) {
    const auto model = ParsePython(std::string("{\"python\": {") + test.members + "}}");
    ASSERT_FALSE(model.has_value()) << test.members;
    EXPECT_NE(model.error().message.find(test.message), std::string::npos) << model.error().message;
  }
  EXPECT_FALSE(ParsePython("{}"));
  EXPECT_FALSE(ParsePython("{\"python\": []}"));
  EXPECT_FALSE(ParsePython(""));
}

}  // namespace
}  // namespace sw::model
