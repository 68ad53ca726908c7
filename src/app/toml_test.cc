#include "app/toml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"

namespace sw::app {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Toml, KeepsTheOrderOfTheFile) {
  const TomlFile file =
      ParseToml("[s.columns]\nz = 'a'\nb = 'z'\na = 'b'\n[s]\ntable = 't'\n", "f").value();
  const Json* columns = file.root.Find("s")->Find("columns");
  ASSERT_NE(columns, nullptr);
  std::string names;
  for (const auto& [name, value] : columns->AsObject()) names += name;
  EXPECT_EQ(names, "zba");
}

TEST(Toml, ConvertsEveryKindOfValue) {
  const TomlFile file = ParseToml(
                            "i = 3\nf = 0.5\nt = true\ns = 'x'\nd = 2013-06-01\na = [1, {k = 2}]\n"
                            "w = 2013-06-01T05:00:00Z\n",
                            "f")
                            .value();
  EXPECT_EQ(file.root.Dump(), R"({"i":3,"f":0.5,"t":true,"s":"x","d":"2013-06-01","a":[1,{"k":2}],)"
                              R"("w":"2013-06-01T05:00:00Z"})");
}

TEST(Toml, SyntaxErrorNamesFileLineKeyAndExpectation) {
  const auto broken =
      ParseToml("[view.delays]\nentity = \"origin\"\nwindow = 3 h\n", "seaworthy.toml");
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message, StartsWith("seaworthy.toml:3:"));
  EXPECT_THAT(broken.error().message, HasSubstr("at window: "));
}

TEST(Toml, BadTextsAreErrors) {
  for (const char* text : {"a = ", "a = 1\na = 2\n", "[a\n", "a = \"x", "= 1", "\x01", "a = \xff",
                           "[a]\n[a]\n", "a = 99999999999999999999", "a = {b = }", "\n\n\n]"}) {
    const auto parsed = ParseToml(text, "f.toml");
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().message, StartsWith("f.toml:")) << text;
  }
  EXPECT_FALSE(ParseToml("a = " + std::string(100'000, '['), "f"));
  EXPECT_FALSE(ParseToml(std::string(kTomlBytesMax + 1, ' '), "f"));
}

TEST(Toml, LocatesTheKeyThatAnErrorBeginsWith) {
  const TomlFile file =
      ParseToml(
          "[view.delays]\nentity = \"origin\"\n\n[view.delays.features]\n"
          "mean = { agg = \"mean(x)\", window = 3 }\n\nrows = [\n  {a = 1},\n  {a = 2}]\n",
          "f.toml")
          .value();
  auto locate = [&](std::string message) {
    return file.Locate({ErrorCode::kInvalidArgument, message}).message;
  };
  EXPECT_EQ(locate("view.delays.features.mean.agg: x"),
            "f.toml:5: view.delays.features.mean.agg: x");
  EXPECT_EQ(locate("view.delays.features.mean.absent: x"),
            "f.toml:5: view.delays.features.mean.absent: x");
  EXPECT_EQ(locate("view.delays.features.rows[1].a: x"),
            "f.toml:9: view.delays.features.rows[1].a: x");
  EXPECT_EQ(locate("view.delays: no source"), "f.toml:1: view.delays: no source");
  EXPECT_EQ(locate("nothing here"), "f.toml: nothing here");
}

}  // namespace
}  // namespace sw::app
