#include "app/clock_file.h"

#include <gtest/gtest.h>

namespace sw::app {
namespace {

TEST(ClockFile, KeepsTheLastTime) {
  const std::string path = base::MakeTempFolder("clock").value() + "/clock";
  EXPECT_EQ(ClockFile::Open(path)->Read().value(), 0);
  ClockFile file = ClockFile::Open(path).value();
  ASSERT_TRUE(file.Save(1'370'000'000'000'000));
  ASSERT_TRUE(file.Save(5));
  EXPECT_EQ(ClockFile::Open(path)->Read().value(), 5);
}

TEST(ClockFile, WhatIsTornIsNoTimeAndWhatIsNewerIsRefused) {
  const std::string path = base::MakeTempFolder("clock").value() + "/clock";
  ASSERT_TRUE(ClockFile::Open(path)->Save(7));
  const std::string whole = base::ReadFile(path).value();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    if (whole[size == 0 ? 0 : size - 1] == '\n') continue;
    ASSERT_TRUE(base::WriteFileAtomic(path, whole.substr(0, size)));
    EXPECT_EQ(ClockFile::Open(path)->Read().value(), 0) << size;
  }
  ASSERT_TRUE(base::WriteFileAtomic(path, "seaworthy clock 2\n000\n"));
  EXPECT_EQ(ClockFile::Open(path)->Read().error().code, ErrorCode::kFailedPrecondition);
}

}  // namespace
}  // namespace sw::app
