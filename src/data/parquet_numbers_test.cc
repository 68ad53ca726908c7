#include <arrow/api.h>
#include <arrow/io/api.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>

#include "base/files.h"
#include "data/table_stream.h"

namespace sw::data {
namespace {

template <typename Builder, typename Value>
std::shared_ptr<arrow::Array> Values(std::size_t rows, Value value, std::size_t null_every) {
  Builder builder;
  for (std::size_t row = 0; row < rows; ++row) {
    const bool is_null = null_every != 0 && row % null_every == null_every - 1;
    EXPECT_TRUE((is_null ? builder.AppendNull() : builder.Append(value(row))).ok());
  }
  return builder.Finish().ValueOrDie();
}

class ParquetNumbers : public testing::Test {
 protected:
  ~ParquetNumbers() override { EXPECT_TRUE(base::RemoveFolder(folder_)); }

  void Write(const std::vector<std::pair<std::string, std::shared_ptr<arrow::Array>>>& columns, std::int64_t group_rows) {
    arrow::FieldVector fields;
    arrow::ArrayVector arrays;
    for (const auto& [name, array] : columns) {
      fields.push_back(arrow::field(name, array->type(), array->null_count() > 0));
      arrays.push_back(array);
    }
    const auto sink = arrow::io::FileOutputStream::Open(path_).ValueOrDie();
    ASSERT_TRUE(parquet::arrow::WriteTable(*arrow::Table::Make(arrow::schema(fields), arrays), arrow::default_memory_pool(), sink, group_rows).ok());
    ASSERT_TRUE(sink->Close().ok());
  }

  // In blocks, which must be what the file is as a whole.
  std::vector<std::size_t> Blocks(const std::vector<std::string>& columns, std::size_t block_rows) {
    ReadOptions options;
    options.columns = columns;
    const Batch whole = ReadTable(path_, options).value();
    Batch read(whole.schema());
    std::vector<std::size_t> sizes;
    const auto reader = OpenTable(path_, options, block_rows).value();
    while (const auto block = reader->Next().value()) {
      EXPECT_EQ(block->schema(), whole.schema());
      sizes.push_back(block->num_rows());
      read.AppendAll(*block);
    }
    EXPECT_EQ(read, whole);
    EXPECT_EQ(reader->fraction(), 1);
    return sizes;
  }

  std::string folder_ = base::MakeTempFolder("numbers").value();
  std::string path_ = base::JoinPath(folder_, "numbers.parquet");
};

TEST_F(ParquetNumbers, AreReadAsTheyAreInWholeTables) {
  for (const std::size_t null_every : {0, 1, 3}) {
    const auto number = [](std::size_t row) { return static_cast<float>(row) / 3; };
    const auto integer = [](std::size_t row) { return -static_cast<std::int32_t>(row % 7); };
    Write({{"wind", Values<arrow::DoubleBuilder>(250, number, null_every)}, {"gust", Values<arrow::FloatBuilder>(250, number, null_every)},
           {"hour", Values<arrow::Int32Builder>(250, integer, null_every)}, {"flight", Values<arrow::Int64Builder>(250, integer, null_every)}}, 100);
    EXPECT_EQ(Blocks({}, 64), (std::vector<std::size_t>{64, 36, 64, 36, 50}));
    EXPECT_EQ(Blocks({"flight", "wind"}, 1'000), (std::vector<std::size_t>{100, 100, 50}));
  }
}

TEST_F(ParquetNumbers, BesideOtherTypesAreReadTheUsualWay) {
  const auto number = [](std::size_t row) { return static_cast<double>(row); };
  const auto text = [](std::size_t row) { return std::to_string(row); };
  Write({{"wind", Values<arrow::DoubleBuilder>(250, number, 2)}, {"origin", Values<arrow::StringBuilder>(250, text, 3)},
         {"on", Values<arrow::Date32Builder>(250, number, 0)}, {"small", Values<arrow::Int8Builder>(250, [](std::size_t) { return 1; }, 0)}}, 100);
  Blocks({}, 64);
  Blocks({"origin", "wind"}, 64);
  Blocks({"wind", "small", "on"}, 64);
}

TEST_F(ParquetNumbers, OfTooManyRowsAreRefused) {
  Write({{"wind", Values<arrow::DoubleBuilder>(250, [](std::size_t) { return 1.5; }, 0)}}, 100);
  ReadOptions options;
  options.rows_max = 249;
  const auto reader = OpenTable(path_, options, 100);
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace sw::data
