// Opens a data folder that format 0 wrote: what is on disk today must stay readable.
//
// To write the sample of a new format (never to overwrite an old one), run with
// SW_WRITE_SAMPLE=FOLDER and move that folder to testdata/vN.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/hash.h"
#include "store/data_folder.h"
#include "store/temp_folder.h"

namespace sw::store {
namespace {

constexpr const char* kSample = SW_SOURCE_DIR "/src/store/testdata/v0";
constexpr std::string_view kBlob = "a blob of format 0";

data::Batch Row(std::int64_t value) {
  data::Batch batch(data::Schema{{{"value", data::Type::kInt64}}});
  batch.column(0).AppendInt(value);
  return batch;
}

Status WriteSample(DataFolder& data) {
  SW_TRY(data.blobs().Put(kBlob));
  SW_TRY(data.online().PutNow({{"key", "value"}, {std::string(600, 'k'), "of a long key"}}));
  SW_TRY(data.catalog().Write([](CatalogTransaction& tx) -> Status {
    SW_TRY(tx.NoteChange("endpoint", "flights"));
    return tx.Publish("events", 1, "sealed", Row(1));
  }));
  SW_TRY(data.DrainOutbox());
  SW_TRY(data.logbook().Seal("events"));
  SW_TRY(data.catalog().Write([](CatalogTransaction& tx) { return tx.Publish("events", 2, "in the log", Row(2)); }));
  SW_TRY(data.DrainOutbox());
  SW_TRY(data.catalog().AcquireLease("flow", "one", base::kSecondUs));
  return data.catalog().Write([](CatalogTransaction& tx) { return tx.Publish("events", 3, "in the outbox", Row(3)); });
}

TEST(DataFolderV0, EveryStoreOfFormat0IsReadWhole) {
  const base::ManualClock clock(1'000'000);
  base::Counters counters;
  if (const char* target = std::getenv("SW_WRITE_SAMPLE"); target != nullptr) {
    const auto data = DataFolder::Open(target, clock, counters, "test").value();
    const Status written = WriteSample(*data);
    ASSERT_TRUE(written) << written.error().message;
    GTEST_SKIP() << "wrote " << target;
  }
  const TempFolder folder;
  std::filesystem::copy(kSample, folder / "data", std::filesystem::copy_options::recursive);
  const auto opened = DataFolder::Open(folder / "data", clock, counters, "test");
  ASSERT_TRUE(opened) << opened.error().message;
  DataFolder& data = **opened;

  EXPECT_FALSE(data.online_was_lost());
  const std::vector<std::string> keys = {"key", std::string(600, 'k')};
  EXPECT_EQ(data.online().GetNow(keys).value(), (OnlineStore::Values{"value", "of a long key"}));
  ASSERT_TRUE(data.blobs().Verify());
  EXPECT_EQ(data.blobs().ReadAll(base::Sha256Hex(kBlob)).value_or("absent"), kBlob);
  EXPECT_EQ(data.catalog().ChangesSince(0, 10)->size(), 1u);
  EXPECT_FALSE(data.catalog().AcquireLease("flow", "two", 1)) << "the sample's lease lasts until second 2";
  ReadRequest request;
  request.stream = "events";
  const LogChunk chunk = data.logbook().Read(request).value();
  EXPECT_EQ(chunk.rows.id, (std::vector<std::string>{"sealed", "in the log", "in the outbox"}));
}

}  // namespace
}  // namespace sw::store
