#include "app/config_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sw::app {
namespace {

std::vector<ConfigChange> Diff(std::string_view before, std::string_view after) {
  return DiffConfigs(Json::Parse(before).value(), Json::Parse(after).value());
}

TEST(ConfigDiff, SaysWhatIsAddedChangedAndRemoved) {
  const auto changes = Diff(R"({"view":{"a":{"w":"1h","x":1},"b":{}},"server":{"loops":1}})",
                            R"({"view":{"a":{"w":"2h","y":[1]},"c":{}},"server":{"loops":2}})");
  ASSERT_EQ(changes.size(), 3u);
  EXPECT_EQ(
      changes[0],
      (ConfigChange{
          ChangeKind::kChanged, "view", "a", {"w: 1h -> 2h", "y: added, [1]", "x: removed"}}));
  EXPECT_EQ(changes[1], (ConfigChange{ChangeKind::kAdded, "view", "c", {}}));
  EXPECT_EQ(changes[2], (ConfigChange{ChangeKind::kRemoved, "view", "b", {}}));
  EXPECT_EQ(ChangesToJson(changes).AsArray()[2].Dump(),
            R"({"action":"remove","section":"view","name":"b"})");
}

TEST(ConfigDiff, TheSameFileChangesNothing) {
  constexpr std::string_view kText = R"({"view":{"a":{"w":"1h","f":{"x":{"y":2}}}}})";
  EXPECT_TRUE(Diff(kText, kText).empty());
  EXPECT_TRUE(Diff("null", "{}").empty());
}

TEST(ConfigDiff, AnotherOrderIsAChange) {
  const auto changes = Diff(R"({"source":{"s":{"columns":{"a":"x","b":"y"}}}})",
                            R"({"source":{"s":{"columns":{"b":"y","a":"x"}}}})");
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_THAT(changes[0].keys, testing::ElementsAre("columns: in another order"));
}

}  // namespace
}  // namespace sw::app
