#include "feast/online_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "feast/values.h"
#include "store/temp_folder.h"

namespace sw::feast {
namespace {

using Types = ::feast::types::ValueType;
using testing::ElementsAre;

struct Story {
  store::TempFolder folder;
  std::unique_ptr<store::OnlineStore> store = store::OpenLmdbOnline({.folder = folder.path, .map_bytes = 64u << 20}).value();
  OnlineRows rows{store.get()};
  RowLayout layout = RowLayout::Of(std::vector<Field>{{"trips", Types::INT64}, {"name", Types::STRING}});

  Status Put(const std::string& entity, TimeUs event, TimeUs created, std::int64_t trips) {
    RowWriter writer(layout.id);
    writer.Begin();
    AppendIntValue(writer.bytes(), Types::INT64, trips);
    writer.Next();
    writer.Next();
    store::OnlineWrite write{KeyOf(entity), std::string()};
    writer.Finish(event, created, *write.value);
    SW_TRY(rows.Know(layout));
    return rows.Write(std::span(&write, 1));
  }
  static std::string KeyOf(const std::string& entity) {
    std::string key;
    AppendRowKey("credit", entity, "stats", key);
    return key;
  }
  std::string Get(const std::string& entity) {
    std::string text = "none";
    const std::string key = KeyOf(entity);
    const std::string_view view = key;
    EXPECT_TRUE(rows.Visit(std::span(&view, 1), [&](OnlineRows::Rows found) -> Status {
      if (!found[0]) return Ok();
      text = std::to_string(found[0]->event()) + ":";
      AppendValueJson(found[0]->Value(0), text);
      EXPECT_EQ(found[0]->Value(1), "");
      EXPECT_EQ(found[0]->Value(2), "");
      EXPECT_EQ(found[0]->layout(), layout.id);
      return Ok();
    }));
    return text;
  }
};

TEST(OnlineRows, TheNewestEventTimeWinsAndThenTheNewestCreatedTime) {
  Story story;
  EXPECT_EQ(story.Get("a"), "none");
  ASSERT_TRUE(story.Put("a", 10, kNoCreated, 1));
  ASSERT_TRUE(story.Put("a", 9, 99, 2));
  EXPECT_EQ(story.Get("a"), "10:1");
  ASSERT_TRUE(story.Put("a", 10, 5, 3));
  ASSERT_TRUE(story.Put("a", 10, 4, 4));
  EXPECT_EQ(story.Get("a"), "10:3");
  ASSERT_TRUE(story.Put("a", 10, 5, 5));  // a correction of the same times
  EXPECT_EQ(story.Get("a"), "10:5");
  ASSERT_TRUE(story.Put("a", 11, kNoCreated, 6));
  EXPECT_EQ(story.Get("a"), "11:6");
  EXPECT_EQ(story.Get("b"), "none");
}

TEST(OnlineRows, WritersAtOnceLeaveTheNewest) {
  Story story;
  std::vector<std::jthread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < 200; ++i) ASSERT_TRUE(story.Put("a", (i * 7919 + writer) % 1009, kNoCreated, (i * 7919 + writer) % 1009));
    });
  }
  writers.clear();
  int most = 0;
  for (int i = 0; i < 200; ++i) {
    for (int writer = 0; writer < 4; ++writer) most = std::max(most, (i * 7919 + writer) % 1009);
  }
  EXPECT_EQ(story.Get("a"), std::to_string(most) + ":" + std::to_string(most));
}

TEST(OnlineRows, ALayoutIsKnownAfterARestart) {
  Story story;
  ASSERT_TRUE(story.Put("a", 1, 1, 1));
  const OnlineRows again(story.store.get());
  EXPECT_THAT(again.Layout(story.layout.id).value()->names, ElementsAre("trips", "name"));
  EXPECT_EQ(again.Layout(7).error().code, ErrorCode::kNotFound);
}

TEST(OnlineRows, ALargeRowHasWideEnds) {
  RowWriter writer(1);
  writer.Begin();
  for (int i = 0; i < 3; ++i) {
    AppendTextValue(writer.bytes(), Types::STRING, std::string(50'000, static_cast<char>('a' + i)));
    writer.Next();
  }
  std::string record;
  writer.Finish(5, 6, record);
  const auto row = OnlineRow::Parse(record).value();
  EXPECT_EQ(row.Value(2).substr(row.Value(2).size() - 2), "cc");
  EXPECT_EQ(row.created(), 6);
}

TEST(OnlineRows, DamagedRecordsAreNoRowsOrHaveNoValues) {
  RowWriter writer(1);
  writer.Begin();
  AppendIntValue(writer.bytes(), Types::INT64, 3);
  writer.Next();
  std::string record;
  writer.Finish(5, 6, record);
  for (std::size_t size = 0; size < record.size(); ++size) {
    const auto row = OnlineRow::Parse(std::string_view(record).substr(0, size));
    EXPECT_EQ(row ? row->Value(0) : "", "");
  }
  std::string other = record;
  other[0] = 9;
  EXPECT_FALSE(OnlineRow::Parse(other));
  other = record;
  other[2] = '\xff';
  EXPECT_FALSE(OnlineRow::Parse(other));
}

}  // namespace
}  // namespace sw::feast
