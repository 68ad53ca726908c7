#include "api/feast/online_request.h"

#include <gtest/gtest.h>

#include "api/feast/online_json.h"

namespace sw::feast {
namespace {

std::string Shown(std::string_view body) {
  const auto request = ReadOnlineRequest(body);
  if (!request) return request.error().type + ":" + (request.error().place.empty() ? "" : request.error().place[0]);
  std::string text(request->service);
  for (const std::string_view feature : request->features) text += "|" + std::string(feature);
  for (const auto& column : request->entities) {
    text += " " + std::string(column.name) + "=";
    for (const RequestCell& cell : column.cells) text += cell.ToJson().Dump() + ";";
  }
  return text + (request->full_feature_names ? " full" : "") + (request->wants_versions ? " versions" : "");
}

TEST(OnlineRequest, IsReadTheSameWayQuicklyAndSlowly) {
  const std::string quick = R"({"entities":{"id":[1,-2.5,"a\nb",true,null]},"features":["v:f","v:g"],"full_feature_names":true})";
  const std::string wanted = "|v:f|v:g id=1;-2.5;\"a\\nb\";true;null; full";
  EXPECT_EQ(Shown(quick), wanted);
  EXPECT_EQ(Shown(quick.substr(0, quick.size() - 1) + R"(,"unknown":{}})"), wanted);
  EXPECT_EQ(Shown(R"({"entities":{"\u0069d":[[1]]},"feature_service":"s","include_feature_view_version_metadata":true})"), "s id=[1]; versions");
  EXPECT_EQ(Shown(R"({"entities":{},"feature_service":null})"), "");
}

TEST(OnlineRequest, WhatIsNoneIsRefusedByItsPlace) {
  EXPECT_EQ(Shown(""), "missing:");
  EXPECT_EQ(Shown("{"), "json_invalid:");
  EXPECT_EQ(Shown("\xff"), "json_invalid:");
  EXPECT_EQ(Shown("[]"), "model_attributes_type:");
  EXPECT_EQ(Shown("{}"), "missing:entities");
  EXPECT_EQ(Shown(R"({"entities":[]})"), "dict_type:entities");
  EXPECT_EQ(Shown(R"({"entities":{"id":5}})"), "list_type:entities");
  EXPECT_EQ(Shown(R"({"entities":{},"features":null})"), "list_type:features");
  EXPECT_EQ(Shown(R"({"entities":{},"features":[5]})"), "string_type:features");
  EXPECT_EQ(Shown(R"({"entities":{},"full_feature_names":[]})"), "bool_type:full_feature_names");
  EXPECT_EQ(Shown(R"({"entities":{},"entities":{}})"), "json_invalid:");
  EXPECT_EQ(Shown(R"({"entities":{"id":)" + std::string(5'000, '[') + "}}"), "json_invalid:");
}

TEST(OnlineJson, StampsHaveAsManyDigitsAsTheyNeed) {
  const auto stamp = [](TimeUs time) {
    std::string out;
    AppendStamp(out, time);
    return out;
  };
  EXPECT_EQ(stamp(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(stamp(-1), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(stamp(1'709'164'800'000'000), "2024-02-29T00:00:00Z");
  EXPECT_EQ(stamp(1'709'164'800'120'000), "2024-02-29T00:00:00.120Z");
}

}  // namespace
}  // namespace sw::feast
