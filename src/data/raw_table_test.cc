#include "data/raw_table.h"

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/api.h>
#include <arrow/util/compression.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/files.h"
#include "data/flight_payload.h"
#include "data/raw_files.h"
#include "data/raw_impl.h"

namespace sw::data {
namespace {

template <typename Builder, typename Values>
std::shared_ptr<arrow::Array> ArrayOf(Builder builder, const Values& values) {
  for (const auto& value : values) EXPECT_TRUE((value ? builder.Append(*value) : builder.AppendNull()).ok());
  return builder.Finish().ValueOrDie();
}

std::shared_ptr<arrow::Array> Ints(const std::vector<std::optional<std::int64_t>>& values) { return ArrayOf(arrow::Int64Builder(), values); }
std::shared_ptr<arrow::Array> SmallInts(const std::vector<std::optional<std::int32_t>>& values) { return ArrayOf(arrow::Int32Builder(), values); }
std::shared_ptr<arrow::Array> Doubles(const std::vector<std::optional<double>>& values) { return ArrayOf(arrow::DoubleBuilder(), values); }
std::shared_ptr<arrow::Array> Texts(const std::vector<std::optional<std::string>>& values) { return ArrayOf(arrow::StringBuilder(), values); }

std::shared_ptr<arrow::Array> Nanos(const std::vector<std::optional<std::int64_t>>& values) {
  return ArrayOf(arrow::TimestampBuilder(arrow::timestamp(arrow::TimeUnit::NANO), arrow::default_memory_pool()), values);
}

std::shared_ptr<arrow::Array> Words(const std::vector<std::int32_t>& indices, const std::vector<std::optional<std::string>>& words) {
  arrow::Int32Builder builder;
  EXPECT_TRUE(builder.AppendValues(indices).ok());
  return arrow::DictionaryArray::FromArrays(builder.Finish().ValueOrDie(), Texts(words)).ValueOrDie();
}

std::shared_ptr<arrow::Array> Lists(const std::vector<std::optional<std::vector<std::int64_t>>>& lists) {
  const auto values = std::make_shared<arrow::Int64Builder>();
  arrow::ListBuilder builder(arrow::default_memory_pool(), values);
  for (const auto& list : lists) {
    EXPECT_TRUE((list ? builder.Append() : builder.AppendNull()).ok());
    if (list) {
      EXPECT_TRUE(values->AppendValues(*list).ok());
    }
  }
  return builder.Finish().ValueOrDie();
}

RawTable TableOf(const std::vector<std::pair<std::string, std::shared_ptr<arrow::Array>>>& columns) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const auto& [name, array] : columns) {
    fields.push_back(arrow::field(name, array->type()));
    arrays.push_back(array);
  }
  return RawFromArrow(arrow::Table::Make(arrow::schema(fields), arrays));
}

std::vector<std::string> KeyTexts(const RawTable& table, const std::vector<std::size_t>& columns) {
  const RawKeys keys = table.Keys(columns).value();
  std::vector<std::string> texts;
  for (std::size_t row = 0; row < keys.size(); ++row) {
    texts.push_back(keys.is_null[row] != 0 ? "none" : keys.is_number ? KeyOfNumber(keys.numbers[row]) : std::string(keys.Bytes(row)));
  }
  return texts;
}

RawTable EveryType() {
  return TableOf({{"small", SmallInts({1, {}, 3})}, {"text", Texts({"a", {}, ""})}, {"word", Words({1, 0, 1}, {"x", "y"})},
                  {"list", Lists({{{1, 2}}, {}, {std::vector<std::int64_t>()}})}, {"time", Nanos({1'000'001, {}, -1})}, {"double", Doubles({0.5, {}, 2})}});
}

std::string FlightRoundTrip(const RawTable& table, RawTable& back) {
  FlightDecoder decoder({});
  FlightEncoder encoder = FlightEncoder::Make(table).value();
  while (auto message = encoder.Next().value()) EXPECT_TRUE(decoder.Add(*std::move(message)));
  auto decoded = decoder.Finish();
  if (!decoded) return decoded.error().message;
  back = *std::move(decoded);
  return "";
}

TEST(RawTable, KeysAreEqualWhateverTheWidthOrTheDictionary) {
  EXPECT_EQ(KeyTexts(TableOf({{"k", Ints({7, {}})}}), {0}), KeyTexts(TableOf({{"k", SmallInts({7, {}})}}), {0}));
  EXPECT_EQ(KeyTexts(TableOf({{"k", Ints({7, {}})}}), {0}), KeyTexts(TableOf({{"k", Doubles({7, NAN})}}), {0}));
  EXPECT_EQ(KeyTexts(TableOf({{"k", Texts({"y", "x", "y"})}}), {0}), KeyTexts(EveryType().Select({"word"}, "t").value(), {0}));
}

TEST(RawTable, KeysOfSeveralColumnsDoNotRunTogether) {
  const auto a = KeyTexts(TableOf({{"a", Ints({1})}, {"b", Ints({23})}}), {0, 1});
  const auto b = KeyTexts(TableOf({{"a", Ints({12})}, {"b", Ints({3})}}), {0, 1});
  EXPECT_NE(a, b);
  EXPECT_NE(KeyTexts(TableOf({{"a", Texts({"ab"})}, {"b", Texts({"c"})}}), {0, 1}), KeyTexts(TableOf({{"a", Texts({"a"})}, {"b", Texts({"bc"})}}), {0, 1}));
  EXPECT_NE(KeyTexts(TableOf({{"a", Texts({"1"})}}), {0}), KeyTexts(TableOf({{"a", Ints({1})}}), {0}));
}

TEST(RawTable, ATimeIsTheMicrosecondThatItLiesInOrExact) {
  const RawTable table = TableOf({{"t", Nanos({1'999, -1, {}})}});
  EXPECT_EQ(table.Times(0, TimeUnit::kMicroseconds).value().values, (std::vector<std::int64_t>{1, -1, 0}));
  EXPECT_EQ(table.Times(0, TimeUnit::kNanoseconds).value().values[0], 1'999);
  EXPECT_EQ(table.Times(0, TimeUnit::kNanoseconds).value().is_null, (std::vector<std::uint8_t>{0, 0, 1}));
  const RawTable far = RawTable::OfTimes("t", {INT64_MAX / 10}).value();
  EXPECT_EQ(far.Times(0, TimeUnit::kNanoseconds).value().values[0], INT64_MAX);
  EXPECT_FALSE(TableOf({{"t", Ints({1})}}).Times(0, TimeUnit::kMicroseconds).has_value());
}

TEST(RawTable, TakesRowsAndNullsOfEveryType) {
  const RawTable taken = EveryType().Take(std::vector<std::int64_t>{2, -1, 0, 0}).value();
  ASSERT_EQ(taken.num_rows(), 4u);
  for (std::size_t column = 0; column < taken.columns().size(); ++column) {
    EXPECT_TRUE(taken.Value(1, column).value().IsNull()) << column;
    EXPECT_EQ(taken.Value(0, column).value(), EveryType().Value(2, column).value()) << column;
    EXPECT_EQ(taken.Value(3, column).value(), EveryType().Value(0, column).value()) << column;
    EXPECT_EQ(taken.columns()[column].type, EveryType().columns()[column].type);
  }
  EXPECT_FALSE(EveryType().Take(std::vector<std::int64_t>{3}).has_value());
  EXPECT_EQ(EveryType().Take(std::vector<std::int64_t>{}).value().Take(std::vector<std::int64_t>{-1, -1}).value().num_rows(), 2u);
}

TEST(RawTable, ContentIsEqualWhereValuesAre) {
  const auto content = [](const RawTable& table, std::size_t row) {
    std::string bytes;
    for (std::size_t column = 0; column < table.columns().size(); ++column) EXPECT_TRUE(table.AppendContent(row, column, bytes));
    return bytes;
  };
  const RawTable table = EveryType(), shuffled = table.Take(std::vector<std::int64_t>{2, 0, 1}).value();
  EXPECT_EQ(content(table, 0), content(shuffled, 1));
  EXPECT_NE(content(table, 0), content(table, 2));
  const RawTable word = TableOf({{"word", Words({0}, {"y"})}}), text = TableOf({{"word", Texts({"y"})}});
  EXPECT_EQ(content(word, 0), content(text, 0));
}

TEST(RawTable, GoesOverFlightAsItCame) {
  RawTable back;
  ASSERT_EQ(FlightRoundTrip(EveryType(), back), "");
  EXPECT_TRUE(back.impl().table->Equals(*EveryType().impl().table));
  ASSERT_EQ(FlightRoundTrip(EveryType().Take(std::vector<std::int64_t>{}).value(), back), "");
  EXPECT_EQ(back.num_rows(), 0u);
  EXPECT_EQ(back.columns().size(), 6u);
}

TEST(RawTable, NoFlightMessageCrashesTheDecoder) {
  std::vector<FlightMessage> messages;
  FlightEncoder encoder = FlightEncoder::Make(EveryType()).value();
  while (auto message = encoder.Next().value()) messages.push_back(*std::move(message));
  std::size_t refused = 0, flips = 0;
  for (std::size_t which = 0; which < messages.size(); ++which) {
    const std::size_t size = messages[which].header.size() + messages[which].body.size();
    for (std::size_t at = 0; at < size; ++at) {
      for (const int flip : {0x01, 0x80, 0xff}) {
        std::vector<FlightMessage> broken = messages;
        std::string& header = broken[which].header;
        char& byte = at < header.size() ? header[at] : broken[which].body[at - header.size()];
        byte = static_cast<char>(byte ^ flip);
        FlightDecoder decoder({});
        for (FlightMessage& message : broken) ASSERT_TRUE(decoder.Add(std::move(message)));
        const auto table = decoder.Finish();
        ++flips;
        refused += table ? 0 : 1;
        if (!table) continue;
        for (std::size_t column = 0; column < table->columns().size(); ++column) static_cast<void>(table->Keys({column}));
      }
    }
  }
  EXPECT_GT(refused, flips / 10);
}

TEST(RawTable, MemoryOfADecodedTableOutlivesIt) {
  arrow::Int64Builder builder;
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(builder.Append(i).ok());
  auto options = arrow::ipc::IpcWriteOptions::Defaults();
  options.codec = arrow::util::Codec::Create(arrow::Compression::ZSTD).ValueOrDie();  // so the decoder allocates
  const RawTable table = TableOf({{"i", builder.Finish().ValueOrDie()}});
  auto sink = arrow::io::BufferOutputStream::Create().ValueOrDie();
  auto writer = arrow::ipc::MakeStreamWriter(sink, table.impl().table->schema(), options).ValueOrDie();
  ASSERT_TRUE(writer->WriteTable(*table.impl().table).ok() && writer->Close().ok());
  const std::string bytes = sink->Finish().ValueOrDie()->ToString();
  RawTable taken;
  {
    const RawTable decoded = RawTable::FromStream(bytes, 1 << 20).value();
    taken = decoded.Take(std::vector<std::int64_t>{7}).value().Beside(decoded.Take(std::vector<std::int64_t>{8}).value().Rename({{"i", "j"}}).value()).value();
  }
  EXPECT_EQ(taken.Value(0, 0).value(), RawValue{std::int64_t{7}});
  EXPECT_FALSE(RawTable::FromStream(bytes, bytes.size() - 1).has_value());
}

TEST(RawTable, BoundsAnUpload) {
  FlightDecoder decoder({.bytes_max = 100});
  EXPECT_EQ(decoder.Add({std::string(101, 'x'), ""}).error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(FlightDecoder({}).Finish().error().code, ErrorCode::kInvalidArgument);
}

class RawFilesTest : public testing::Test {
 protected:
  RawFilesTest() : folder_(base::MakeTempFolder("raw-files").value()) {}
  ~RawFilesTest() override { EXPECT_TRUE(base::RemoveFolder(folder_)); }
  std::string Path(const std::string& name) const { return base::JoinPath(folder_, name); }
  const std::string folder_;
};

TEST_F(RawFilesTest, EveryTypeComesBackFromParquet) {
  ASSERT_TRUE(EveryType().WriteParquet(Path("t.parquet")));
  const RawFiles files = RawFiles::Open(Path("t.parquet")).value();
  const RawTable back = files.Gather({"small", "text", "word", "list", "time", "double"}, std::vector<std::int64_t>{0, 1, 2}, 2).value();
  for (std::size_t column = 0; column < back.columns().size(); ++column) {
    for (std::size_t row = 0; row < 3; ++row) EXPECT_EQ(back.Value(row, column).value(), EveryType().Value(row, column).value()) << row << " " << column;
  }
}

TEST_F(RawFilesTest, AFolderIsOneTableOfTheWiderTypes) {
  ASSERT_TRUE(base::MakeFolders(Path("t/below")));
  ASSERT_TRUE(TableOf({{"k", SmallInts({1, 2})}}).WriteParquet(Path("t/a.parquet")));
  ASSERT_TRUE(TableOf({{"k", Ints({3})}, {"more", Texts({"x"})}}).WriteParquet(Path("t/below/b.parquet")));
  ASSERT_TRUE(TableOf({{"k", Ints({4})}}).WriteParquet(Path("t/_hidden.parquet")));
  const RawFiles files = RawFiles::Open(Path("t")).value();
  EXPECT_EQ(files.num_rows(), 3u);
  const RawTable rows = files.Gather({"more", "k"}, std::vector<std::int64_t>{1, 2}, 1).value();
  EXPECT_EQ(rows.columns()[1].type, "int64");
  EXPECT_EQ(rows.Value(0, 1).value(), RawValue{std::int64_t{2}});
  EXPECT_TRUE(rows.Value(0, 0).value().IsNull());
  EXPECT_EQ(rows.Value(1, 0).value(), RawValue{std::string("x")});
  EXPECT_EQ(files.Gather({"k"}, {}, 1).value().num_rows(), 0u);
}

TEST_F(RawFilesTest, RowsArePutInFrontInTheFilesOwnTypes) {
  ASSERT_TRUE(TableOf({{"k", SmallInts({1})}, {"v", Texts({"old"})}}).WriteParquet(Path("t.parquet")));
  ASSERT_TRUE(PrependToParquet(Path("t.parquet"), TableOf({{"v", Texts({"new"})}, {"k", Ints({2})}})));
  const RawTable rows = RawFiles::Open(Path("t.parquet")).value().Gather({"k", "v"}, std::vector<std::int64_t>{0, 1}, 1).value();
  EXPECT_EQ(rows.columns()[0].type, "int32");
  EXPECT_EQ(rows.Value(0, 1).value(), RawValue{std::string("new")});
  const auto wide = PrependToParquet(Path("t.parquet"), TableOf({{"k", Ints({std::int64_t{1} << 40})}, {"v", Texts({"x"})}}));
  EXPECT_EQ(wide.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(RawFiles::Open(Path("t.parquet")).value().num_rows(), 2u);
}

TEST_F(RawFilesTest, PartitionsAreFoldersAndNothingElse) {
  ASSERT_TRUE(AddToFolder(Path("log"), TableOf({{"day", Texts({"mon", "tue", "mon"})}, {"v", Ints({1, 2, 3})}}), {"day"}));
  EXPECT_EQ(base::ListFolder(Path("log")).value(), (std::vector<std::string>{"mon", "tue"}));
  EXPECT_EQ(RawFiles::Open(Path("log/mon")).value().num_rows(), 2u);
  for (const char* bad : {"../up", "", "a/b", ".x"}) EXPECT_FALSE(AddToFolder(Path("log"), TableOf({{"day", Texts({bad})}, {"v", Ints({1})}}), {"day"})) << bad;
}

TEST_F(RawFilesTest, NoBrokenFileCrashesTheReader) {
  ASSERT_TRUE(EveryType().WriteParquet(Path("t.parquet")));
  const std::string whole = base::ReadFile(Path("t.parquet")).value();
  for (std::size_t at = 0; at < whole.size(); at += 7) {
    std::string broken = whole;
    broken[at] = static_cast<char>(~broken[at]);
    ASSERT_TRUE(base::WriteFileAtomic(Path("broken.parquet"), broken));
    const auto files = RawFiles::Open(Path("broken.parquet"));
    if (files && files->num_rows() < 100) static_cast<void>(files->Gather({"small", "text", "word", "list", "time"}, std::vector<std::int64_t>{0, 2}, 1));
  }
  EXPECT_EQ(RawFiles::Open(Path("none.parquet")).error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(base::WriteFileAtomic(Path("text.parquet"), "no Parquet"));
  EXPECT_EQ(RawFiles::Open(Path("text.parquet")).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace sw::data
