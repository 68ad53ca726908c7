#include "data/table_stream.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/files.h"

namespace sw::data {
namespace {

class TableStream : public testing::Test {
 protected:
  ~TableStream() override { EXPECT_TRUE(base::RemoveFolder(folder_)); }
  std::string Path(std::string_view name) const { return base::JoinPath(folder_, name); }
  std::vector<std::string> Files() const { return base::ListFolder(folder_).value(); }

 private:
  std::string folder_ = base::MakeTempFolder("stream").value();
};

Batch Readings(std::size_t rows) {
  Batch batch(Schema{{{"wind", Type::kFloat64}, {"origin", Type::kString}, {"hour", Type::kInt64}}});
  const double odd[] = {0.1, -0.0, 5e-324, 1.7976931348623157e308, std::numeric_limits<double>::infinity(),
                        std::numeric_limits<double>::quiet_NaN(), 1.0 / 3};
  for (std::size_t row = 0; row < rows; ++row) {
    if (row % 11 == 3) {
      batch.column(0).AppendNull();
    } else {
      batch.column(0).AppendDouble(odd[row % std::size(odd)]);
    }
    batch.column(1).AppendString(row % 2 == 0 ? "EWR" : "J,F\"K");
    batch.column(2).AppendInt(static_cast<std::int64_t>(row));
  }
  return batch;
}

Status Write(const Batch& table, const std::string& path, std::size_t block_rows) {
  const auto writer = SW_TRY(CreateTable(path, table.schema()));
  for (std::size_t row = 0; row < table.num_rows(); row += block_rows) {
    SW_TRY(writer->Append(table.Slice(row, block_rows)));
  }
  return writer->Finish();
}

TEST_F(TableStream, GivesBackInBlocksWhatWasWrittenInBlocks) {
  const Batch table = Readings(1'000);
  for (const std::string_view name : {"a.parquet", "a.csv", "a.arrow", "a.feather"}) {
    ASSERT_TRUE(Write(table, Path(name), 300)) << name;
    const auto reader = OpenTable(Path(name), {}, 128).value();
    Batch read(table.schema());
    while (auto block = reader->Next().value()) {
      EXPECT_LE(block->num_rows(), 128u);
      ASSERT_EQ(block->schema(), table.schema());
      read.AppendAll(*block);
    }
    EXPECT_EQ(read, table) << name;
    EXPECT_EQ(reader->fraction(), 1);
    EXPECT_EQ(ReadTable(Path(name)).value(), table) << name;
  }
}

TEST_F(TableStream, SelectsColumnsInTheOrderAsked) {
  const Batch table = Readings(10);
  ReadOptions options;
  options.columns = {"hour", "wind"};
  for (const std::string_view name : {"a.parquet", "a.csv", "a.arrow"}) {
    ASSERT_TRUE(Write(table, Path(name), 100));
    EXPECT_EQ(OpenTable(Path(name), options, 100).value()->Next().value(), table.Select(options.columns).value());
    ReadOptions absent;
    absent.columns = {"winds"};
    const auto missing = OpenTable(Path(name), absent, 100);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().message, "no column \"winds\" in " + Path(name) + "; did you mean wind?");
  }
}

TEST_F(TableStream, ScoresThatNoCompressionShrinksTakeTheirOwnSizeAndComeBack) {
  std::uint64_t state = 1;
  Batch scores(Schema{{{"prediction", Type::kFloat64, false}}});
  for (std::size_t row = 0; row < 100'000; ++row) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    scores.column(0).AppendDouble(static_cast<double>(state >> 11) * 0x1p-53);
  }
  ASSERT_TRUE(Write(scores, Path("a.parquet"), 8'192));
  EXPECT_LT(base::ReadFile(Path("a.parquet")).value().size(), 101 * sizeof(double) * 1'000);
  EXPECT_EQ(ReadTable(Path("a.parquet")).value(), scores);
}

TEST_F(TableStream, LeavesNothingWithoutFinish) {
  ASSERT_TRUE(Write(Readings(3), Path("a.parquet"), 3));
  {
    const auto writer = CreateTable(Path("a.parquet"), Readings(1).schema()).value();
    ASSERT_TRUE(writer->Append(Readings(1)));
  }
  EXPECT_EQ(Files(), std::vector<std::string>{"a.parquet"});
  EXPECT_EQ(ReadTable(Path("a.parquet")).value().num_rows(), 3u);
  EXPECT_FALSE(CreateTable(Path("a.xls"), Readings(1).schema()));
  EXPECT_FALSE(CreateTable(Path("absent/a.csv"), Readings(1).schema()));
}

TEST_F(TableStream, RefusesDamagedAndEmptyFilesByPath) {
  for (const std::string_view name : {"a.parquet", "a.arrow"}) {
    ASSERT_TRUE(Write(Readings(2'000), Path(name), 500));
    const std::string whole = base::ReadFile(Path(name)).value();
    for (std::size_t at = 0; at < whole.size(); at += 97) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x5a);
      ASSERT_TRUE(base::WriteFileAtomic(Path(name), damaged));
      const auto reader = OpenTable(Path(name), {}, 100);
      std::size_t rows = 0;
      while (reader) {  // ends, with an error or with no more rows than there were
        const auto block = (*reader)->Next();
        if (!block || !*block) break;
        rows += (*block)->num_rows();
      }
      EXPECT_LE(rows, 2'000u);
    }
    ASSERT_TRUE(base::WriteFileAtomic(Path(name), whole.substr(0, whole.size() / 2)));
    const auto cut = OpenTable(Path(name), {}, 100);
    ASSERT_FALSE(cut);
    EXPECT_TRUE(cut.error().message.starts_with("reading " + Path(name) + ": ")) << cut.error().message;
    ASSERT_TRUE(Write(Readings(0), Path(name), 1));
    EXPECT_FALSE(OpenTable(Path(name), {}, 100).value()->Next());
  }
}

}  // namespace
}  // namespace sw::data
