#include "data/schema.h"

#include <gtest/gtest.h>

namespace sw::data {
namespace {

Schema Flights() {
  return {{{"origin", Type::kString, false}, {"dep_delay", Type::kInt64}, {"arr_delay", Type::kInt64}}};
}

TEST(Schema, NamesColumnTableAndNearMissesWhenAColumnIsMissing) {
  const auto index = Flights().Index("dep_dely", "flights.csv");
  ASSERT_FALSE(index);
  EXPECT_EQ(index.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(index.error().message, "no column \"dep_dely\" in flights.csv; did you mean dep_delay?");
}

TEST(Schema, NamesNoNearMissWhenNothingIsNear) {
  const auto index = Flights().Index("zzzzzzzzzz", "flights.csv");
  ASSERT_FALSE(index);
  EXPECT_EQ(index.error().message.find("did you mean"), std::string::npos);
}

TEST(NearMisses, OrdersByDistanceAndKeepsThree) {
  EXPECT_EQ(NearMisses("temp", {"tempo", "TEMP", "temperature", "humid", "temps"}),
            (std::vector<std::string>{"TEMP", "tempo", "temps"}));
  EXPECT_TRUE(NearMisses("", {"a", "b"}).empty());
  EXPECT_TRUE(NearMisses(std::string(100'000, 'x'), {"a"}).empty());
}

TEST(Schema, SurvivesJson) {
  EXPECT_EQ(Schema::FromJson(Flights().ToJson()).value(), Flights());
}

TEST(Schema, RefusesBadJson) {
  for (const char* text : {"{}", "[1]", R"([{"name":"a"}])", R"([{"name":"a","type":"decimal"}])",
                           R"([{"name":"a","type":"bool"},{"name":"a","type":"bool"}])"}) {
    const auto schema = Schema::FromJson(Json::Parse(text).value());
    ASSERT_FALSE(schema) << text;
    EXPECT_EQ(schema.error().code, ErrorCode::kInvalidArgument) << text;
  }
}

TEST(Type, NamesReadBack) {
  for (Type type : {Type::kBool, Type::kInt64, Type::kFloat64, Type::kString, Type::kTimestamp}) {
    EXPECT_EQ(ParseType(TypeName(type)).value(), type);
  }
  EXPECT_FALSE(ParseType("INT64"));
}

}  // namespace
}  // namespace sw::data
