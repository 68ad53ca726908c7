#include "model/formats/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sw::model {
namespace {

using ::testing::HasSubstr;

std::string Refusal(std::string_view text) {
  const auto json = ParseYaml(text);
  return json ? "not refused: " + json->Dump() : json.error().message;
}

TEST(YamlTest, ScalarsStayText) {
  EXPECT_EQ(
      ParseYaml("a: 1.10\nb: [true, ~, null, '', x]\nc:\n  d: \"1\\n2\"\ne:\n").value().Dump(),
      R"({"a":"1.10","b":["true",null,null,"","x"],"c":{"d":"1\n2"},"e":null})");
  EXPECT_EQ(ParseYaml("").value().Dump(), "null");
}

TEST(YamlTest, AnAliasIsItsAnchorsValue) {
  EXPECT_EQ(ParseYaml("a: &x [1, 2]\nb: *x\n").value().Dump(), R"({"a":["1","2"],"b":["1","2"]})");
  EXPECT_THAT(Refusal("b: *x\n"), HasSubstr("YAML: "));
}

TEST(YamlTest, AliasesOfAliasesAreCounted) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) text += (j == 0 ? "*a" : ", *a") + std::to_string(i - 1);
    text += "]\n";
  }
  EXPECT_THAT(Refusal(text), HasSubstr("more than 20000 values"));
}

TEST(YamlTest, ACycleIsRefused) { EXPECT_THAT(Refusal("a: &a [*a]\n"), HasSubstr("YAML: ")); }

TEST(YamlTest, DepthSizeAndDuplicateKeysAreRefused) {
  EXPECT_THAT(Refusal(std::string(40, '[') + std::string(40, ']')),
              HasSubstr("nested deeper than 32"));
  EXPECT_THAT(Refusal(std::string(100'000, '[')), HasSubstr("YAML: "));
  EXPECT_THAT(Refusal(std::string(300'000, 'a')), HasSubstr("at most 262144"));
  EXPECT_THAT(Refusal("a: 1\nb: 2\na: 3\n"), HasSubstr("the key a comes twice (line 3)"));
  EXPECT_THAT(Refusal("? [a]\n: 1\n"), HasSubstr("a key is no text"));
  EXPECT_THAT(Refusal("a: [1\n"), HasSubstr("YAML: "));
}

}  // namespace
}  // namespace sw::model
