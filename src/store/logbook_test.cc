#include "store/logbook.h"

#include <gtest/gtest.h>

namespace sw::store {
namespace {

TEST(CutJson, GoesThereAndBack) {
  const Cut cut{{0, 12}, {10, 0}};
  EXPECT_EQ(CutToJson(cut).Dump(), R"({"0":12,"10":0})");
  EXPECT_EQ(CutFromJson(CutToJson(cut)).value(), cut);
}

TEST(CutJson, RefusesWhatIsNoCut) {
  for (const char* text : {"3", "[]", R"({"a":1})", R"({"-1":1})", R"({"01":1})", R"({"0":-1})", R"({"0":1.5})",
                           R"({"99999999999":1})"}) {
    EXPECT_EQ(CutFromJson(Json::Parse(text).value()).error().code, ErrorCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace sw::store
