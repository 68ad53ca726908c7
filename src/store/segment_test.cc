#include "store/segment.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/hash.h"
#include "data/readers.h"
#include "store/temp_folder.h"

namespace sw::store {
namespace {

using data::Type;

// x.a and x.b repeat in.a and in.b, x.c is in.c but for one bit; note is twice the same text, with a null.
data::Batch Predictions() {
  data::Batch batch(data::Schema{{{"in.a", Type::kFloat64}, {"in.b", Type::kInt64}, {"in.c", Type::kFloat64}, {"note", Type::kString},
                                  {"x.a", Type::kFloat64}, {"x.b", Type::kInt64}, {"x.c", Type::kFloat64}, {"last", Type::kString}}});
  for (int row = 0; row < 3; ++row) {
    for (const std::size_t a : {0, 4}) row == 1 ? batch.column(a).AppendNull() : batch.column(a).AppendDouble(row * 0.1);
    for (const std::size_t b : {1, 5}) batch.column(b).AppendInt(row);
    batch.column(2).AppendDouble(row == 2 ? 0.0 : 7);
    batch.column(6).AppendDouble(row == 2 ? -0.0 : 7);
    for (const std::size_t note : {3, 7}) row == 0 ? batch.column(note).AppendNull() : batch.column(note).AppendString("calm");
  }
  return batch;
}

class SegmentTest : public testing::Test {
 protected:
  Segment Write(const data::Batch& columns, const std::string& id = "row ") {
    WalRows frame;
    frame.producer = "p";
    frame.rows.columns = columns;
    for (std::size_t row = 0; row < columns.num_rows(); ++row) {
      frame.rows.event_time.push_back(static_cast<TimeUs>(row));
      frame.rows.id.push_back(id + std::to_string(row));
    }
    SegmentBuilder builder(columns.num_rows());
    EXPECT_TRUE(builder.Add(frame));
    return builder.Write(folder_.path).value();
  }
  std::string Bytes(const Segment& segment) { return base::ReadFile(folder_ / segment.Name()).value(); }
  TempFolder folder_;
};

TEST_F(SegmentTest, AColumnThatRepeatsAnotherIsWrittenOnceAndReadTwice) {
  const data::Batch written = Predictions();
  const Segment segment = Write(written);
  const data::Batch stored = data::DecodeParquet(Bytes(segment)).value();
  EXPECT_EQ(stored.Find("x.a"), nullptr);
  EXPECT_EQ(stored.Find("x.b"), nullptr);
  EXPECT_EQ(stored.Find("last"), nullptr);
  EXPECT_NE(stored.Find("x.c"), nullptr);
  const StoredRows rows = ReadSegment(folder_.path, segment).value();
  EXPECT_EQ(rows.rows.columns, written);  // names, order, nulls and bits
}

TEST_F(SegmentTest, WhatTheIdsSayIsNotWrittenAgain) {
  data::Batch written(data::Schema{{{"unit", Type::kString}, {"request_id", Type::kString}, {"other", Type::kString}}});
  for (int row = 0; row < 3; ++row) {
    written.column(0).AppendString(fmt::format("a-b-{}", row));
    written.column(1).AppendString("a-b");
    written.column(2).AppendString(row == 2 ? "a-c" : "a-b");
  }
  const Segment segment = Write(written, "a-b-");
  const data::Batch stored = data::DecodeParquet(Bytes(segment)).value();
  EXPECT_EQ(stored.Find("unit"), nullptr);
  EXPECT_EQ(stored.Find("request_id"), nullptr);
  EXPECT_NE(stored.Find("other"), nullptr);
  EXPECT_EQ(ReadSegment(folder_.path, segment).value().rows.columns, written);
}

TEST_F(SegmentTest, ErasingReachesBothOfARepeatedColumn) {
  Segment segment = Write(Predictions());
  EXPECT_EQ(EraseInSegment(folder_.path, "x.b", "2", segment).value(), 1u);
  const data::Batch left = ReadSegment(folder_.path, segment).value().rows.columns;
  for (const char* column : {"in.a", "in.b", "x.a", "x.b", "note", "last"}) {
    EXPECT_TRUE(left.Find(column)->IsNull(2)) << column;
  }
  EXPECT_EQ(left.Find("x.b")->Int(1), 1);
}

TEST_F(SegmentTest, OnlyAFileWithRepeatsNeedsANewReader) {
  const auto format = [&](const data::Batch& columns) {
    return data::ParquetMetadata(Bytes(Write(columns))).value().at("seaworthy.format");
  };
  EXPECT_EQ(format(Predictions()), "seaworthy/logbook-segment version=1 reader_min=1");
  EXPECT_EQ(format(Predictions().Select({"in.a", "in.b"}).value()), "seaworthy/logbook-segment version=1 reader_min=0");
}

TEST_F(SegmentTest, AFileOfALaterFormatIsRefusedByName) {
  data::WriteOptions options;
  options.metadata["seaworthy.format"] = "seaworthy/logbook-segment version=9 reader_min=9";
  data::Batch rows(data::Schema{{{"_event_time", Type::kTimestamp}, {"_id", Type::kString}}});
  rows.column(0).AppendInt(1);
  rows.column(1).AppendString("a");
  const std::string bytes = data::EncodeParquet(rows, options).value();
  Segment segment{.first = 0, .end = 1, .crc = base::Crc32c(bytes)};
  ASSERT_TRUE(base::WriteFileAtomic(folder_ / segment.Name(), bytes));
  const auto read = ReadSegment(folder_.path, segment);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_NE(read.error().message.find("needs a reader of 9"), std::string::npos) << read.error().message;
}

}  // namespace
}  // namespace sw::store
