#include "flow/served_ids.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "store/temp_folder.h"

namespace sw::flow {
namespace {

using base::kDayUs;

class ServedIdsTest : public testing::Test {
 protected:
  void Serve(TimeUs time, std::vector<std::string> ids) {
    ASSERT_TRUE(logbook_->Declare({.name = "predictions/late"}));
    store::LogRows rows{.event_time = std::vector<TimeUs>(ids.size(), time), .id = ids,
                        .columns = data::Batch(data::Schema{{{"version", data::Type::kInt64}}})};
    for (std::size_t i = 0; i < ids.size(); ++i) rows.columns.column(0).AppendInt(1);
    ASSERT_TRUE(logbook_->Append({.stream = "predictions/late", .producer = {}, .rows = std::move(rows)}, store::Durability::kBuffered));
  }

  store::TempFolder folder_;
  base::ManualClock clock_{0};
  base::Counters counters_;
  std::unique_ptr<store::Logbook> logbook_ =
      store::OpenFileLogbook({.folder = folder_ / "logbook", .clock = &clock_, .counters = &counters_}).value();
};

TEST_F(ServedIdsTest, AnEndpointThatServedNothingKnowsNothing) {
  ServedIds ids(*logbook_, "late", 2 * kDayUs);
  ASSERT_TRUE(ids.CatchUp(kDayUs));
  EXPECT_FALSE(ids.Contains("a"));
}

TEST_F(ServedIdsTest, NothingIsReadUntilItIsAskedFor) {
  ServedIds ids(*logbook_, "late", 2 * kDayUs);
  Serve(kDayUs, {"a"});
  ASSERT_TRUE(ids.KeepUp(kDayUs));
  EXPECT_EQ(ids.size(), 0U);
  ASSERT_TRUE(ids.CatchUp(kDayUs));
  Serve(kDayUs, {"b"});
  ASSERT_TRUE(ids.KeepUp(kDayUs));
  EXPECT_TRUE(ids.Contains("b"));
}

TEST_F(ServedIdsTest, WhatIsOlderThanTheTimeItIsKeptForIsForgotten) {
  ServedIds ids(*logbook_, "late", 2 * kDayUs);
  Serve(1 * kDayUs, {"a", "b"});
  ASSERT_TRUE(ids.CatchUp(3 * kDayUs));
  EXPECT_TRUE(ids.Contains("a"));
  ASSERT_TRUE(ids.CatchUp(3 * kDayUs + 1));
  EXPECT_FALSE(ids.Contains("a"));
  EXPECT_EQ(ids.since(), 1 * kDayUs + 1);
}

TEST_F(ServedIdsTest, AYearOfTrafficTakesTheRoomOfItsLastDays) {
  ServedIds ids(*logbook_, "late", 2 * kDayUs);
  for (int day = 0; day < 365; ++day) {
    Serve(day * kDayUs, {fmt::format("{}-a", day), fmt::format("{}-b", day)});
    ASSERT_TRUE(ids.CatchUp(day * kDayUs));
    ASSERT_LE(ids.size(), 6U);
  }
  ServedIds after_restart(*logbook_, "late", 2 * kDayUs);
  ASSERT_TRUE(after_restart.CatchUp(364 * kDayUs));
  EXPECT_EQ(after_restart.size(), ids.size());
}

}  // namespace
}  // namespace sw::flow
