#include "app/python_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"

namespace sw::app {
namespace {

using ::testing::HasSubstr;

Result<model::PythonSettings> Read(const std::string& text) {
  EXPECT_TRUE(base::WriteFileAtomic("p.toml", text));
  return ReadPythonSettings("p.toml");
}

TEST(PythonSettings, AllowNothingWithoutTheTable) {
  EXPECT_TRUE(ReadPythonSettings("").value().environments.empty());
  EXPECT_TRUE(Read("[server]\nloops = 1\n").value().environments.empty());
}

TEST(PythonSettings, NameWhatMayRun) {
  const auto settings = Read(R"([python]
folders = ["/srv/models", "/srv/more"]
network = true
memory_bytes_max = "3GiB"
answer_bytes_max = "1MiB"
start_timeout = "90s"
call_timeout = "250ms"
calls_waiting_max = 3
[python.environments]
churn = "/srv/venvs/churn"
)").value();
  EXPECT_EQ(settings.environments, (std::map<std::string, std::string>{{"churn", "/srv/venvs/churn"}}));
  EXPECT_EQ(settings.folders, (std::vector<std::string>{"/srv/models", "/srv/more"}));
  EXPECT_TRUE(settings.allow_network);
  EXPECT_EQ(settings.memory_bytes_max, 3ull << 30);
  EXPECT_EQ(settings.answer_bytes_max, 1u << 20);
  EXPECT_EQ(settings.start_time_max, 90 * base::kSecondUs);
  EXPECT_EQ(settings.call_time_max, 250 * base::kMillisecondUs);
  EXPECT_EQ(settings.calls_waiting_max, 3U);
}

TEST(PythonSettings, AWrongLineIsNamed) {
  const struct {
    const char* text;
    const char* message;
  } cases[] = {
      {"python = 3\n", "python: expected a table"},
      {"[python]\n\nfolder = [\"/srv\"]\n", "p.toml:3: python.folder: there is no such setting; did you mean folders"},
      {"[python]\nfolders = \"/srv\"\n", "p.toml:2: python.folders: expected a list"},
      {"[python]\nfolders = [\"models\"]\n", "python.folders: expected the absolute path"},
      {"[python]\nenvironments = []\n", "python.environments: expected a table"},
      {"[python.environments]\nchurn = \"venv\"\n", "python.environments: churn: expected the absolute path"},
      {"[python]\nnetwork = \"no\"\n", "python.network: expected true or false"},
      {"[python]\nmemory_bytes_max = 0\n", "python.memory_bytes_max: expected a size"},
      {"[python]\ncall_timeout = \"0\"\n", "python.call_timeout: expected a duration"},
      {"[python]\ncalls_waiting_max = -1\n", "python.calls_waiting_max: expected a number"},
  };
  for (const auto& test : cases) {
    const auto settings = Read(test.text);
    ASSERT_FALSE(settings.has_value()) << test.text;
    EXPECT_THAT(settings.error().message, HasSubstr(test.message));
  }
  EXPECT_FALSE(ReadPythonSettings("absent.toml").has_value());
}

}  // namespace
}  // namespace sw::app
