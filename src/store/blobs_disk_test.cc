#include <gmock/gmock.h>

#include "base/hash.h"
#include "store/blobs_contract.h"

namespace sw::store {
namespace {

using testing::HasSubstr;

INSTANTIATE_TEST_SUITE_P(Disk, BlobsContract, testing::Values(BlobsEngine{"Disk", OpenDiskBlobs}),
                         [](const auto& engine) { return engine.param.name; });

TEST(DiskBlobs, ABlobLiesUnderTheFirstTwoDigitsOfItsHash) {
  const TempFolder folder;
  const base::ManualClock clock(0);
  const auto blobs = OpenDiskBlobs(folder.path, clock).value();
  const std::string hash = blobs->Put("bytes").value();
  EXPECT_EQ(base::ReadFile(folder / hash.substr(0, 2) + "/" + hash.substr(2)).value(), "bytes");
}

TEST(DiskBlobs, AChangedByteIsDataLossAndNamesTheBlob) {
  const TempFolder folder;
  const base::ManualClock clock(0);
  const auto blobs = OpenDiskBlobs(folder.path, clock).value();
  const std::string hash = blobs->Put("bytes").value();
  ASSERT_TRUE(base::WriteFileAtomic(blobs->LocalPath(hash).value(), "bytez"));
  const auto read = blobs->ReadAll(hash);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kDataLoss);
  const Status verified = blobs->Verify();
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, ErrorCode::kDataLoss);
  EXPECT_THAT(verified.error().message, HasSubstr(hash));
}

TEST(DiskBlobs, WhatADeadProcessLeftHalfWrittenIsRemovedAtTheNextStart) {
  const TempFolder folder;
  const base::ManualClock clock(0);
  ASSERT_TRUE(OpenDiskBlobs(folder.path, clock));
  ASSERT_TRUE(base::WriteFileAtomic(folder / "tmp/0", "half"));
  const auto blobs = OpenDiskBlobs(folder.path, clock).value();
  EXPECT_FALSE(base::Exists(folder / "tmp/0"));
  EXPECT_EQ(blobs->ReadAll(blobs->Put("whole").value()).value(), "whole");
}

TEST(DiskBlobs, ATooNewFolderIsRefused) {
  const TempFolder folder;
  const base::ManualClock clock(0);
  ASSERT_TRUE(base::WriteFileAtomic(folder / "FORMAT", "seaworthy/blobs version=9 reader_min=9\n"));
  const auto opened = OpenDiskBlobs(folder.path, clock);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kFailedPrecondition);
}

}  // namespace
}  // namespace sw::store
