#include "store/data_folder.h"

#include <gmock/gmock.h>

#include "store/temp_folder.h"

namespace sw::store {
namespace {

using testing::HasSubstr;

class DataFolderTest : public testing::Test {
 protected:
  Result<std::unique_ptr<DataFolder>> Open() { return DataFolder::Open(folder_ / "data", clock_, counters_, "test"); }

  TempFolder folder_;
  base::ManualClock clock_{1'000'000};
  base::Counters counters_;
};

data::Batch Row(std::int64_t value) {
  data::Batch batch(data::Schema{{{"value", data::Type::kInt64}}});
  batch.column(0).AppendInt(value);
  return batch;
}

TEST_F(DataFolderTest, ASecondOpenIsToldWhoHoldsTheFolder) {
  auto first = Open();
  ASSERT_TRUE(first) << first.error().message;
  const auto second = Open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(second.error().message, HasSubstr("in use by process"));
  EXPECT_THAT(second.error().message, HasSubstr("(seaworthy test); stop it, or talk to its server"));
  first->reset();
  EXPECT_TRUE(Open());
}

TEST_F(DataFolderTest, AFolderWithOtherThingsInItIsLeftAlone) {
  ASSERT_TRUE(base::MakeFolders(folder_ / "data"));
  ASSERT_TRUE(base::WriteFileAtomic(folder_ / "data/thesis.tex", "precious"));
  const auto opened = Open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(opened.error().message, HasSubstr("thesis.tex"));
  EXPECT_EQ(base::ListFolder(folder_ / "data").value().size(), 1u);
}

TEST_F(DataFolderTest, ATooNewFolderIsRefused) {
  ASSERT_TRUE(Open());
  ASSERT_TRUE(base::WriteFileAtomic(folder_ / "data/FORMAT", "seaworthy/data version=7 reader_min=7\n"));
  const auto opened = Open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(opened.error().message, HasSubstr("upgrade"));
}

TEST_F(DataFolderTest, ACleanCloseKeepsTheOnlineStoreAndACrashLosesIt) {
  const std::vector<std::string> keys = {"key"};
  {
    const auto data = Open().value();
    EXPECT_FALSE(data->online_was_lost());
    ASSERT_TRUE(data->online().PutNow({{"key", "value"}}));
  }
  {
    const auto data = Open().value();
    EXPECT_FALSE(data->online_was_lost());
    EXPECT_EQ(data->online().GetNow(keys).value()[0], "value");
  }
  // A crash is a close that never wrote its marker.
  ASSERT_TRUE(base::RemoveFile(folder_ / "data/online/CLEAN_SHUTDOWN"));
  {
    const auto data = Open().value();
    EXPECT_TRUE(data->online_was_lost());
    EXPECT_EQ(data->online().GetNow(keys).value()[0], std::nullopt);
  }
  // Closed cleanly, but nobody rebuilt it: still lost.
  {
    const auto data = Open().value();
    EXPECT_TRUE(data->online_was_lost());
    data->OnlineWasRebuilt();
  }
  EXPECT_FALSE(Open().value()->online_was_lost());
}

TEST_F(DataFolderTest, CommittedEventsReachTheLogbookExactlyOnceAlsoAcrossARestart) {
  const auto publish = [](DataFolder& data, std::int64_t value) {
    return data.catalog().Write([&](CatalogTransaction& tx) {
      return tx.Publish("events", value, "id" + std::to_string(value), Row(value));
    });
  };
  {
    const auto data = Open().value();
    ASSERT_TRUE(publish(*data, 1));
    ASSERT_TRUE(data->DrainOutbox());
    ASSERT_TRUE(data->DrainOutbox());
    ASSERT_TRUE(publish(*data, 2));  // and the process stops before it drains
  }
  const auto data = Open().value();
  EXPECT_TRUE(data->catalog().Outbox(10)->empty());
  ReadRequest request;
  request.stream = "events";
  const LogChunk chunk = data->logbook().Read(request).value();
  EXPECT_EQ(chunk.rows.id, (std::vector<std::string>{"id1", "id2"}));
  EXPECT_EQ(chunk.rows.event_time, (std::vector<TimeUs>{1, 2}));
}

}  // namespace
}  // namespace sw::store
