#include "cli/rows_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sw::cli {
namespace {

TEST(RowsInput, WordsAreARow) {
  EXPECT_EQ(
      RowFromWords({"origin=EWR", "n=3", "x=0.5", "b=true", "e=", "u=a=b", "none=null", "t=[1"})
          ->Dump(),
      R"({"origin":"EWR","n":3,"x":0.5,"b":true,"e":"","u":"a=b","none":null,"t":"[1"})");
  EXPECT_FALSE(RowFromWords({"origin"}));
  EXPECT_FALSE(RowFromWords({"=3"}));
}

TEST(RowsInput, TextIsAnArrayAnObjectOrOneObjectALine) {
  EXPECT_EQ(RowsFromText(R"([{"a":1},{"a":2}])")->Dump(), R"([{"a":1},{"a":2}])");
  EXPECT_EQ(RowsFromText("{\"a\":\n1}")->Dump(), R"([{"a":1}])");
  EXPECT_EQ(RowsFromText("{\"a\":1}\n\n{\"a\":2}\r\n")->Dump(), R"([{"a":1},{"a":2}])");
}

TEST(RowsInput, BrokenTextNamesItsLine) {
  EXPECT_THAT(RowsFromText("{\"a\":1}\n{\"a\":").error().message, testing::HasSubstr("line 2"));
  EXPECT_FALSE(RowsFromText("{"));
}

TEST(RowsInput, OneKindOfInputOnly) {
  RowsInput both{{"a=1"}, "rows.json"};
  EXPECT_THAT(both.Read().error().message, testing::HasSubstr("not both"));
  EXPECT_THAT(RowsInput().Read().error().message, testing::HasSubstr("no rows"));
}

}  // namespace
}  // namespace sw::cli
