#include "api/wire/json_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/wire/tensor.h"

namespace sw::wire {
namespace {

TEST(JsonBody, TakesBareNumbersThatAreNone) {
  EXPECT_EQ(ParseJsonBody(R"({"a": [NaN, -Infinity, Infinity, 1], "NaN": "NaN, \"Infinity"})")->Dump(),
            R"({"a":[null,"-Infinity","Infinity",1],"NaN":"NaN, \"Infinity"})");
  const data::Schema schema{{{"x", data::Type::kFloat64}}};
  const data::Batch rows = RowsFromInstances(schema, ParseJsonBody("[[NaN], [-Infinity], [2]]").value()).value();
  EXPECT_TRUE(rows.column(0).IsNull(0));
  EXPECT_EQ(rows.column(0).Double(1), -std::numeric_limits<double>::infinity());
}

TEST(JsonBody, IsStillJson) {
  for (const char* wrong : {"", "NaNN", "[NaN NaN]", "{NaN: 1}", "[Infinit]", "\"NaN", "[\"\\", "[-NaN]"}) {
    EXPECT_FALSE(ParseJsonBody(wrong)) << wrong;
  }
  EXPECT_THAT(ParseJsonBody("[1,]").error().message, testing::HasSubstr("request body"));
}

}  // namespace
}  // namespace sw::wire
