#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "data/readers.h"

namespace sw::data {
namespace {

Batch Flights() {
  Batch batch(Schema{{{"late", Type::kBool},
                      {"delay", Type::kInt64, false},
                      {"pressure", Type::kFloat64},
                      {"origin", Type::kString},
                      {"landed", Type::kTimestamp}}});
  for (int i = 0; i < 100; ++i) {
    batch.column(0).AppendBool(i % 3 == 0);
    batch.column(1).AppendInt(i == 0 ? std::numeric_limits<std::int64_t>::min() : i);
    batch.column(2).AppendDouble(i == 1 ? std::numeric_limits<double>::quiet_NaN() : 1012.25 + i);
    batch.column(3).AppendString(i % 2 == 0 ? "EWR" : "");
    batch.column(4).AppendInt(base::ParseTime("2013-06-01").value() + i);
  }
  for (std::size_t i : {0, 2, 3, 4}) batch.column(i).AppendNull();
  batch.column(1).AppendInt(7);
  return batch;
}

TEST(Parquet, ReturnsTheSameBatchAndMetadata) {
  WriteOptions options;
  options.metadata = {{"seaworthy/segment", "version=0"}};
  const std::string bytes = EncodeParquet(Flights(), options).value();
  EXPECT_EQ(DecodeParquet(bytes).value(), Flights());
  EXPECT_EQ(ParquetMetadata(bytes).value(), options.metadata);
}

TEST(Parquet, KeepsTablesWithoutRows) {
  const Batch empty(Flights().schema());
  EXPECT_EQ(DecodeParquet(EncodeParquet(empty).value()).value(), empty);
}

TEST(Parquet, ReadsColumnsInTheOrderAsked) {
  const std::string bytes = EncodeParquet(Flights()).value();
  EXPECT_EQ(DecodeParquet(bytes, {"origin", "late"}).value(), Flights().Select({"origin", "late"}).value());
  const auto missing = DecodeParquet(bytes, {"presure"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "no column \"presure\" in the Parquet bytes; did you mean pressure?");
}

TEST(Parquet, RefusesEveryTruncation) {
  const std::string bytes = EncodeParquet(Flights()).value();
  for (std::size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 300) {
    const auto batch = DecodeParquet(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(batch) << size;
    EXPECT_EQ(batch.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(ParquetMetadata("PAR1 is not enough"));
}

TEST(Parquet, AnswersMutatedBytesWithoutACrash) {
  std::minstd_rand random(11);
  const std::string original = EncodeParquet(Flights()).value();
  for (int i = 0; i < 2'000; ++i) {
    std::string bytes = original;
    for (int flips = 0; flips < 3; ++flips) bytes[random() % bytes.size()] = static_cast<char>(random());
    const auto batch = DecodeParquet(bytes);
    EXPECT_TRUE(!batch || batch->Check());
  }
}

}  // namespace
}  // namespace sw::data
