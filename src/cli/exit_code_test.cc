#include "cli/exit_code.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sw::cli {
namespace {

TEST(ExitCode, EveryErrorHasOneThatIsNotSuccess) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    EXPECT_NE(ExitCodeOf(static_cast<ErrorCode>(code)), ExitCode::kOk) << code;
  }
}

TEST(ExitCode, HelpListsTheCodes) {
  EXPECT_THAT(ExitCodesHelp(), ::testing::HasSubstr("\n   5  exists already"));
  EXPECT_THAT(ExitCodesHelp(), ::testing::HasSubstr("\n  11  the verdict is undecided"));
}

}  // namespace
}  // namespace sw::cli
