#include "base/memory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <vector>

namespace sw::base {
namespace {

class ControlGroupTest : public testing::Test {
 protected:
  ~ControlGroupTest() override { std::filesystem::remove_all(root_); }
  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  std::uint64_t Limit(std::string_view groups) { return ControlGroupLimit(root_, groups); }

  const std::string root_ = std::filesystem::current_path().string() + "/control_group_test";
};

TEST_F(ControlGroupTest, TheLeastLimitOnTheWayToTheRootCounts) {
  Write("/memory.max", "max\n");
  Write("/system.slice/memory.max", "2000000\n");
  Write("/system.slice/seaworthy.service/memory.max", "3000000\n");
  EXPECT_EQ(Limit("0::/system.slice/seaworthy.service\n"), 2'000'000U);
  EXPECT_EQ(Limit("0::/\n"), 0U);
  Write("/memory.max", "1000000\n");  // a container's, which sees nothing above its own
  EXPECT_EQ(Limit("0::/system.slice/seaworthy.service\n"), 1'000'000U);
  EXPECT_EQ(Limit("0::/\n"), 1'000'000U);
}

TEST_F(ControlGroupTest, VersionOneHasAHierarchyForMemory) {
  Write("/memory/docker/abc/memory.limit_in_bytes", "512000000\n");
  Write("/memory/memory.limit_in_bytes", "9223372036854771712\n");  // what it calls no limit
  EXPECT_EQ(Limit("9:cpu:/docker/abc\n4:memory:/docker/abc\n0::/\n"), 512'000'000U);
  EXPECT_EQ(Limit("4:memory:/elsewhere\n"), 9'223'372'036'854'771'712U);
}

TEST_F(ControlGroupTest, TextThatIsNoneHasNoLimit) {
  for (const char* text : {"", "\n", "::", "0", "0:", "0::", "4:memory", "nonsense\n\n:"}) EXPECT_EQ(Limit(text), 0U) << text;
}

TEST(PrivateBytes, GrowsWithWhatAProcessTouches) {
  const std::uint64_t before = PrivateBytes();
  const std::vector<char> touched(64 << 20, 1);
  EXPECT_GE(PrivateBytes(), before + (60u << 20));
  EXPECT_EQ(touched.back(), 1);
  EXPECT_EQ(PrivateBytes(0x7fffffff), 0U);  // no such process
}

TEST(MemoryOfMachine, IsSome) { EXPECT_GT(MemoryOfMachine(), 100U << 20); }

}  // namespace
}  // namespace sw::base
