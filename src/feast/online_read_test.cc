#include "feast/online_read.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "feast/online_write.h"
#include "feast/values.h"
#include "store/temp_folder.h"

namespace sw::feast {
namespace {

using Types = ::feast::types::ValueType;
using testing::HasSubstr;

constexpr const char* kCredit = R"(
  entities { spec { name: "driver" project: "credit" join_key: "driver_id" value_type: INT64 } }
  entities { spec { name: "car" project: "credit" join_key: "car_id" value_type: STRING } }
  feature_views { spec { name: "stats" project: "credit" entities: "driver" online: true ttl { seconds: 10 }
      features { name: "trips" value_type: INT64 } features { name: "rate" value_type: DOUBLE }
      batch_source { type: BATCH_FILE timestamp_field: "ts" created_timestamp_column: "made" field_mapping { key: "n" value: "trips" } } } }
  feature_views { spec { name: "pairs" project: "credit" entities: "driver" entities: "car" online: true features { name: "score" value_type: FLOAT } } }
  feature_views { spec { name: "world" project: "credit" entities: "__dummy" online: true features { name: "level" value_type: INT32 } } }
  feature_views { spec { name: "off" project: "credit" entities: "driver" disabled: true features { name: "x" value_type: INT32 } } }
  on_demand_feature_views { spec { name: "ratio" project: "credit" features { name: "r" value_type: DOUBLE } } }
  feature_services { spec { name: "v1" project: "credit"
    features { feature_view_name: "stats" feature_view_name_alias: "mine" feature_columns { name: "trips" } join_key_map { key: "driver_id" value: "origin" } } } }
)";

struct Story {
  store::TempFolder folder;
  std::unique_ptr<store::OnlineStore> store = store::OpenLmdbOnline({.folder = folder.path, .map_bytes = 64u << 20}).value();
  OnlineRows rows{store.get()};
  std::shared_ptr<const Project> project = Load(kCredit);

  static std::shared_ptr<const Project> Load(const std::string& text) {
    auto objects = std::make_shared<::feast::core::Registry>();
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, objects.get()));
    return Project::Make(objects, "credit").value();
  }
  std::string Write(std::string_view view, const std::string& frame) {
    const Status status = WriteFrame(rows, *project, *project->FindView(view).value(), Json::Parse(frame).value());
    return status ? "ok" : status.error().message;
  }
  // "5=PRESENT@100 null=NOT_FOUND@0"
  std::string Read(const std::vector<std::string>& references, const std::vector<KeyColumn>& columns, std::size_t count, TimeUs now = 0) {
    auto wanted = project->Resolve(references);
    if (!wanted) return wanted.error().message;
    return ReadWanted(*wanted, columns, count, now);
  }
  std::string ReadWanted(const std::vector<WantedView>& wanted, const std::vector<KeyColumn>& columns, std::size_t count, TimeUs now) {
    const auto plan = OnlinePlan::Make(project, wanted, true);
    if (!plan) return plan.error().message;
    std::string text;
    const Status read = ReadOnline(rows, **plan, columns, count, now, [&](const OnlineAnswer& answer) -> Status {
      for (std::size_t row = 0; row < answer.rows(); ++row) {
        for (std::size_t v = 0; v < (*plan)->views().size(); ++v) {
          for (const std::size_t feature : (*plan)->views()[v].features) {
            const auto& entry = answer.At(row, v);
            const auto status = entry.StatusOf(feature);
            if (!text.empty()) text += ' ';
            if (status == ::feast::serving::PRESENT) AppendValueJson(entry.Value(feature), text);
            else text += "null";
            text += "=" + ::feast::serving::FieldStatus_Name(status) + "@" + std::to_string(entry.event / 1'000'000);
          }
        }
      }
      return Ok();
    });
    return read ? text : read.error().message;
  }
  static KeyColumn Drivers(const std::vector<std::int64_t>& ids) {
    KeyColumn column{.name = "driver_id", .values = {}};
    for (const std::int64_t id : ids) column.values.push_back({Types::INT64, id});
    return column;
  }
};

constexpr TimeUs kSecond = 1'000'000;

TEST(OnlineRead, StatusesTellWhatIsThere) {
  Story story;
  EXPECT_EQ(story.Write("stats", R"({"driver_id":[1,2],"n":[9007199254740993,null],"rate":[0.5,null],"ts":["1970-01-01T00:00:20Z",20000000000]})"), "ok");
  const auto read = [&](TimeUs now) { return story.Read({"stats:trips", "stats:rate"}, {Story::Drivers({1, 2, 3})}, 3, now); };
  EXPECT_EQ(read(30 * kSecond), "9007199254740993=PRESENT@20 0.5=PRESENT@20 null=NULL_VALUE@20 null=NULL_VALUE@20 null=NOT_FOUND@0 null=NOT_FOUND@0");
  EXPECT_EQ(read(30 * kSecond + 1), "null=OUTSIDE_MAX_AGE@20 null=OUTSIDE_MAX_AGE@20 null=OUTSIDE_MAX_AGE@20 null=OUTSIDE_MAX_AGE@20 null=NOT_FOUND@0 null=NOT_FOUND@0");
  EXPECT_EQ(read(-5), "9007199254740993=PRESENT@20 0.5=PRESENT@20 null=NULL_VALUE@20 null=NULL_VALUE@20 null=NOT_FOUND@0 null=NOT_FOUND@0");
}

TEST(OnlineRead, AnOlderRowWrittenLaterDoesNotWin) {
  Story story;
  EXPECT_EQ(story.Write("stats", R"({"driver_id":[1,1],"n":[2,1],"rate":[1,1],"ts":["1970-01-01T00:00:20Z","1970-01-01T00:00:10Z"]})"), "ok");
  EXPECT_EQ(story.Write("stats", R"({"driver_id":[1],"n":[3],"rate":[1],"ts":["1970-01-01T00:00:19Z"]})"), "ok");
  EXPECT_EQ(story.Read({"stats:trips"}, {Story::Drivers({1})}, 1), "2=PRESENT@20");
}

TEST(OnlineRead, ViewsOfSeveralEntitiesAndOfNoneAreReadTogether) {
  Story story;
  EXPECT_EQ(story.Write("pairs", R"({"driver_id":[1],"car_id":["a"],"score":[0.5],"event_timestamp":["1970-01-01T00:00:05"]})"), "ok");
  EXPECT_EQ(story.Write("world", R"({"level":[7],"event_timestamp":["1970-01-01 00:00:06"],"created":[null]})"), "ok");
  KeyColumn cars{.name = "car_id", .values = {{Types::STRING, 0, "a"}, {Types::STRING, 0, "b"}}};
  EXPECT_EQ(story.Read({"pairs:score", "world:level"}, {cars, Story::Drivers({1, 1})}, 2), "0.5=PRESENT@5 7=PRESENT@6 null=NOT_FOUND@0 7=PRESENT@6");
  EXPECT_THAT(story.Read({"pairs:score"}, {Story::Drivers({1})}, 1), HasSubstr("Missing join key values for keys: [\"car_id\"]"));
}

TEST(OnlineRead, AServiceMayRenameAViewAndItsKeys) {
  Story story;
  EXPECT_EQ(story.Write("stats", R"({"driver_id":[1],"n":[2],"rate":[1],"ts":["1970-01-01T00:00:20Z"]})"), "ok");
  const auto wanted = story.project->ResolveService("v1").value();
  KeyColumn origins{.name = "origin", .values = {{Types::INT64, 1}}};
  EXPECT_EQ(story.ReadWanted(wanted, {origins}, 1, 0), "2=PRESENT@20");
  const auto plan = OnlinePlan::Make(story.project, wanted, true).value();
  EXPECT_EQ(plan->names()[0], "mine__trips");
  EXPECT_EQ(plan->FindKey("origin")->name, "origin");
  EXPECT_EQ(plan->FindKey("driver")->name, "driver_id");
  EXPECT_EQ(plan->FindKey("nobody"), nullptr);
}

TEST(OnlineRead, ARowOfAnOlderViewIsReadByName) {
  Story story;
  EXPECT_EQ(story.Write("stats", R"({"driver_id":[1],"n":[2],"rate":[0.5],"ts":["1970-01-01T00:00:20Z"]})"), "ok");
  std::string changed = kCredit;
  const std::string before = R"(features { name: "trips" value_type: INT64 } features { name: "rate" value_type: DOUBLE })";
  changed.replace(changed.find(before), before.size(), R"(features { name: "rate" value_type: DOUBLE } features { name: "fresh" value_type: DOUBLE })");
  story.project = Story::Load(changed);
  EXPECT_EQ(story.Read({"stats:rate", "stats:fresh"}, {Story::Drivers({1})}, 1), "0.5=PRESENT@20 null=NOT_FOUND@20");
}

TEST(OnlineRead, WhatCannotBeServedIsSaid) {
  Story story;
  EXPECT_THAT(story.Read({"ratio:r"}, {}, 1), HasSubstr("on-demand feature view"));
  EXPECT_THAT(story.Read({"off:x"}, {Story::Drivers({1})}, 1), HasSubstr("is disabled"));
  EXPECT_THAT(story.Read({"stats:trips"}, {Story::Drivers({})}, kValuesMax + 1), HasSubstr("more than the 5000000 values"));
}

TEST(OnlineWrite, AJoinKeyThatComesTwiceARowIsTakenOnce) {
  Story story;
  EXPECT_EQ(story.Write("stats", R"({"driver_id":[1,1,2,2],"trips":[5,6],"rate":[1,1],"event_timestamp":["1970-01-01T00:00:20Z","1970-01-01T00:00:20Z"]})"), "ok");
  EXPECT_EQ(story.Read({"stats:trips"}, {Story::Drivers({1, 2})}, 2), "5=PRESENT@20 6=PRESENT@20");
  EXPECT_THAT(story.Write("stats", R"({"driver_id":[1,2,1,2],"trips":[5,6],"rate":[1,1],"ts":[1,1]})"), HasSubstr("same length"));
}

TEST(OnlineWrite, ABadFrameWritesNothing) {
  Story story;
  for (const auto& [frame, message] : std::vector<std::pair<const char*, const char*>>{
           {R"([])", "expected an object of columns"},
           {R"({"driver_id":1})", "expected a list of values"},
           {R"({"driver_id":[1],"n":[1],"rate":[1]})", "Column ts of feature view stats not found"},
           {R"({"driver_id":[1],"rate":[1],"ts":[1]})", "Column trips of feature view stats not found"},
           {R"({"n":[1],"rate":[1],"ts":[1]})", "Column driver_id of feature view stats not found"},
           {R"({"driver_id":[1,null],"n":[1,1],"rate":[1,1],"ts":[1,1]})", "row 1: driver_id: an entity's value is null"},
           {R"({"driver_id":[1,2],"n":[1,1.5],"rate":[1,1],"ts":[1,1]})", "row 1: trips: 1.5 is no INT64"},
           {R"({"driver_id":[1],"n":[1],"rate":[1],"ts":["soon"]})", "is no time"},
           {R"({"driver_id":[1],"n":[1],"rate":[1],"ts":[null]})", "is no time"}}) {
    EXPECT_THAT(story.Write("stats", frame), HasSubstr(message)) << frame;
  }
  EXPECT_EQ(story.Read({"stats:trips"}, {Story::Drivers({1})}, 1), "null=NOT_FOUND@0");
  EXPECT_EQ(story.Write("stats", "{}"), "ok");
  EXPECT_EQ(story.Write("stats", R"({"driver_id":[],"n":[]})"), "ok");
}

}  // namespace
}  // namespace sw::feast
