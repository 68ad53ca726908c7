#include "app/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"

namespace sw::app {
namespace {

using ::testing::HasSubstr;

Settings::Environment Variables(std::map<std::string, std::string> variables) {
  auto kept = std::make_shared<std::map<std::string, std::string>>(std::move(variables));
  return [kept](const char* name) -> const char* {
    const auto found = kept->find(name);
    return found == kept->end() ? nullptr : found->second.c_str();
  };
}

std::string ErrorOf(const Settings::Flags& flags,
                    std::map<std::string, std::string> variables = {}) {
  const auto settings = Settings::Resolve(flags, Variables(std::move(variables)));
  return settings ? "" : settings.error().message;
}

TEST(Settings, FlagsBeatVariablesBeatTheFileBeatDefaults) {
  ASSERT_TRUE(base::WriteFileAtomic(
      "s.toml", "[server]\nlisten = [\"127.0.0.1:1\", \"[::1]:1\"]\nloops = 3\nworkers = 9\ntrace_ratio = 0.25\n"));
  const auto settings =
      Settings::Resolve({{"config", "s.toml"}, {"workers", "7"}},
                        Variables({{"SEAWORTHY_LOOPS", "5"}, {"SEAWORTHY_WORKERS", "6"}}));
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->Count("workers"), 7);
  EXPECT_EQ(settings->Origin("workers"), "--workers");
  EXPECT_EQ(settings->Count("loops"), 5);
  EXPECT_EQ(settings->Origin("loops"), "SEAWORTHY_LOOPS");
  EXPECT_THAT(settings->List("listen"), testing::ElementsAre("127.0.0.1:1", "[::1]:1"));
  EXPECT_EQ(settings->Origin("listen"), "s.toml:2: server.listen");
  EXPECT_EQ(settings->Bytes("body_bytes_max"), 64u << 20);
  EXPECT_EQ(settings->Origin("body_bytes_max"), "default");
  EXPECT_EQ(settings->Ratio("trace_ratio"), 0.25);
  EXPECT_FALSE(settings->IsSet("server"));
}

TEST(Settings, AWrongValueNamesWhoGaveItAndWhatWasExpected) {
  EXPECT_THAT(ErrorOf({{"loops", "many"}}), HasSubstr("--loops: expected a number"));
  EXPECT_THAT(ErrorOf({}, {{"SEAWORTHY_CLOCK", "sun"}}),
              HasSubstr("SEAWORTHY_CLOCK: expected system/manual, found sun"));
  EXPECT_THAT(ErrorOf({{"body_bytes_max", "1TB"}}), HasSubstr("--body-bytes-max: expected a size"));
  EXPECT_THAT(ErrorOf({{"clock_start", "soon"}}), HasSubstr("--clock-start: expected a time"));
  EXPECT_THAT(ErrorOf({{"trace_ratio", "1.5"}}), HasSubstr("--trace-ratio: expected a number from 0 to 1"));
  EXPECT_THAT(ErrorOf({{"trace_ratio", "nan"}}), HasSubstr("--trace-ratio: expected a number from 0 to 1"));
  EXPECT_THAT(ErrorOf({{"config", "absent.toml"}}), HasSubstr("absent.toml"));
}

TEST(Settings, AWrongLineOfTheFileIsNamed) {
  ASSERT_TRUE(base::WriteFileAtomic("w.toml", "[server]\n\nlisen = \"x\"\n"));
  EXPECT_THAT(ErrorOf({{"config", "w.toml"}}),
              HasSubstr("w.toml:3: server.lisen: there is no such setting; did you mean listen"));
  ASSERT_TRUE(base::WriteFileAtomic("w.toml", "[server]\nloops = 0.5\n"));
  EXPECT_THAT(ErrorOf({{"config", "w.toml"}}), HasSubstr("w.toml:2: server.loops: expected"));
  ASSERT_TRUE(base::WriteFileAtomic("w.toml", "server = 3\n"));
  EXPECT_THAT(ErrorOf({{"config", "w.toml"}}), HasSubstr("server: expected a table"));
}

TEST(Settings, ASecretIsNeverShown) {
  const auto settings = Settings::Resolve({}, Variables({{"SEAWORTHY_KEY", "sw_1_2"}}));
  ASSERT_TRUE(settings);
  EXPECT_THAT(settings->ToJson().Dump(), testing::Not(HasSubstr("sw_1_2")));
  EXPECT_THAT(settings->ToJson().Dump(), HasSubstr("(set)"));
}

TEST(Settings, BytesHaveUnits) {
  EXPECT_EQ(ParseBytes("3KiB").value(), 3072u);
  EXPECT_EQ(ParseBytes("7").value(), 7u);
  for (const char* text : {"", "-1", "1MB", "1.5MiB", "MiB", "99999999999999999999"})
    EXPECT_FALSE(ParseBytes(text)) << text;
}

}  // namespace
}  // namespace sw::app
