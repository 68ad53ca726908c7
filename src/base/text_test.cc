#include "base/text.h"

#include <gtest/gtest.h>

namespace sw::base {
namespace {

TEST(TextTest, ToLowerIsOfAsciiOnly) {
  EXPECT_EQ(ToLower("Az09-\xc3\x84[@`{"), "az09-\xc3\x84[@`{");
  EXPECT_EQ(ToLower(""), "");
}

TEST(TextTest, TrimmedTakesBlanksFromBothEnds) {
  EXPECT_EQ(Trimmed(" \ta b\t "), "a b");
  EXPECT_EQ(Trimmed(" \t "), "");
  EXPECT_EQ(Trimmed(""), "");
  EXPECT_EQ(Trimmed(" \ta ", " "), "\ta");
}

}  // namespace
}  // namespace sw::base
