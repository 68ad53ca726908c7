#include "store/blobs_contract.h"

#include <thread>
#include <vector>

#include "base/hash.h"

namespace sw::store {

TEST_P(BlobsContract, ContentComesBackWholeAndInRangesAfterARestart) {
  const std::string bytes = std::string(100'000, 'a') + std::string("\0end", 4);
  const std::string hash = blobs_->Put(bytes).value();
  EXPECT_EQ(hash, base::Sha256Hex(bytes));
  Reopen();
  EXPECT_EQ(blobs_->ReadAll(hash).value(), bytes);
  EXPECT_EQ(blobs_->Size(hash).value(), bytes.size());
  EXPECT_EQ(blobs_->Read(hash, 99'999, 3).value(), std::string("a\0e", 3));
  EXPECT_EQ(blobs_->Read(hash, 100'000, UINT64_MAX).value(), std::string("\0end", 4));
  EXPECT_EQ(blobs_->Read(hash, UINT64_MAX, 10).value(), "");
  EXPECT_EQ(base::ReadFile(blobs_->LocalPath(hash).value()).value(), bytes);
  EXPECT_TRUE(blobs_->Verify());
}

TEST_P(BlobsContract, TheEmptyBlobIsABlob) {
  const std::string hash = blobs_->Put("").value();
  EXPECT_EQ(blobs_->ReadAll(hash).value(), "");
}

TEST_P(BlobsContract, AWriterThatIsDroppedLeavesNothing) {
  {
    const auto writer = blobs_->NewWriter().value();
    ASSERT_TRUE(writer->Write("half"));
  }
  EXPECT_EQ(CountBlobs(), 0u);
  EXPECT_FALSE(blobs_->Has(base::Sha256Hex("half")).value());
}

TEST_P(BlobsContract, ContentThatIsNotWhatWasPromisedIsDataLossAndNotKept) {
  const auto writer = blobs_->NewWriter().value();
  ASSERT_TRUE(writer->Write("content"));
  const Status status = writer->CommitAs(base::Sha256Hex("other content"));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kDataLoss);
  EXPECT_EQ(CountBlobs(), 0u);
  EXPECT_FALSE(writer->Write("more"));
  EXPECT_FALSE(writer->Commit());
}

TEST_P(BlobsContract, NamesThatAreNoHashesReachNoFile) {
  for (const std::string& name : {std::string(), std::string("../../etc/passwd"), std::string(64, 'G'),
                                  std::string(64, 'A'), std::string(63, 'a'), "../" + std::string(61, 'a')}) {
    const auto read = blobs_->Read(name, 0, 10);
    ASSERT_FALSE(read) << name;
    EXPECT_EQ(read.error().code, ErrorCode::kInvalidArgument);
    EXPECT_FALSE(blobs_->Has(name));
    EXPECT_FALSE(blobs_->LocalPath(name));
  }
  const auto absent = blobs_->ReadAll(std::string(64, 'a'));
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, ErrorCode::kNotFound);
}

TEST_P(BlobsContract, SweepSparesTheMarkedAndTheYoung) {
  const std::string marked = blobs_->Put("marked").value();
  const std::string old = blobs_->Put("old").value();
  const std::string again = blobs_->Put("written again").value();
  ASSERT_TRUE(clock_.AdvanceTo(clock_.Now() + base::kHourUs));
  ASSERT_TRUE(blobs_->Put("written again"));  // its grace time begins again
  const std::string young = blobs_->Put("young").value();
  ASSERT_TRUE(clock_.AdvanceTo(clock_.Now() + base::kMinuteUs));

  EXPECT_EQ(blobs_->Sweep({marked}, 30 * base::kMinuteUs).value(), std::string_view("old").size());
  EXPECT_TRUE(blobs_->Has(marked).value());
  EXPECT_FALSE(blobs_->Has(old).value());
  EXPECT_TRUE(blobs_->Has(again).value());
  EXPECT_TRUE(blobs_->Has(young).value());
}

TEST_P(BlobsContract, ManyWritersOfOneContentKeepOneCopy) {
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] { EXPECT_TRUE(blobs_->Put("the same")); });
    }
  }
  EXPECT_EQ(CountBlobs(), 1u);
  EXPECT_TRUE(blobs_->Verify());
}

}  // namespace sw::store
