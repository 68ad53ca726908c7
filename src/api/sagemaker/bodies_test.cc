#include "api/sagemaker/bodies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "api/sagemaker/number_rows.h"
#include "api/sagemaker/record_io.h"

namespace sw::sagemaker {
namespace {

using testing::HasSubstr;

const data::Schema kSchema{{{"delay", data::Type::kFloat64}, {"hour", data::Type::kInt64}, {"wet", data::Type::kBool}}};

std::string Shown(const Result<data::Batch>& rows) {
  if (!rows) return rows.error().message;
  std::string text;
  for (std::size_t row = 0; row < rows->num_rows(); ++row) {
    for (std::size_t c = 0; c < rows->num_columns(); ++c) text += (c == 0 ? "" : " ") + rows->column(c).ToText(row);
    text += '\n';
  }
  return text;
}
std::string Libsvm(std::string_view text) { return Shown(ReadRows(kSchema, BodyType::kLibsvm, text)); }
std::string RecordIo(std::string_view bytes) { return Shown(ReadRows(kSchema, BodyType::kRecordIo, bytes)); }

TEST(Bodies, ATypeIsFoundByItsNameWithoutParameters) {
  EXPECT_EQ(ParseBodyType("Text/CSV; charset=utf-8"), BodyType::kCsv);
  EXPECT_EQ(ParseBodyType("text/x-libsvm"), BodyType::kLibsvm);
  EXPECT_EQ(ParseBodyType("application/x-parquet"), std::nullopt);
  EXPECT_EQ(ParseBodyType(""), std::nullopt);
}

TEST(Libsvm, NamesColumnsByPlaceAndLeavesTheOthersMissing) {
  EXPECT_EQ(Libsvm("1 0:0.5 1:3 2:1\n\n-1 2:0\r\n0\n1:-7"), "0.5 3 true\nnull null false\nnull null null\nnull -7 null\n");
  EXPECT_EQ(Libsvm("0:nan 1:nan"), "NaN null null\n");
}

TEST(Libsvm, RefusesByLine) {
  EXPECT_EQ(Libsvm("0:1\n3:1"), "line 2: there is no column 3; the model's are 0 to 2");
  EXPECT_EQ(Libsvm("0:1 0:2"), "line 1: column 0 is there twice");
  EXPECT_EQ(Libsvm("0:x"), "line 1: column 0: x is no number");
  EXPECT_EQ(Libsvm("qid:3"), "line 1: qid is no column's place");
  EXPECT_EQ(Libsvm("1:0.5"), "line 1: hour is int64, found 0.5");
  EXPECT_EQ(Libsvm("1:1e300"), "line 1: hour is int64, found 1e+300");
  EXPECT_EQ(Libsvm("2:2"), "line 1: wet is bool, found 2");
  EXPECT_EQ(Libsvm("0:1 7"), "line 1: expected COLUMN:VALUE, found 7");
  EXPECT_EQ(Libsvm(" \n"), "the body has no rows");
  const data::Schema text{{{"origin", data::Type::kString}}};
  EXPECT_THAT(Shown(ReadRows(text, BodyType::kLibsvm, "0:1")), HasSubstr("origin is string, and this content type has numbers only"));
}

TEST(Libsvm, ManyShortLinesDoNotFillTheMemory) {
  data::Schema wide;
  for (int i = 0; i < 20'000; ++i) wide.fields.push_back({.name = "c" + std::to_string(i), .type = data::Type::kFloat64});
  std::string lines;
  for (std::size_t i = 0; i <= kNumberCellsMax / 20'000; ++i) lines += "1\n";
  EXPECT_THAT(Shown(ReadRows(wide, BodyType::kLibsvm, lines)), HasSubstr("limit number_cells_max"));
}

// What Google's protobuf and AWS's framing write for these rows; test/serve/container_test.py makes
// more of them with the library itself.
std::string Framed(std::string record, std::uint32_t magic = 0xced7230a) {
  std::string out(8, '\0');
  const auto length = static_cast<std::uint32_t>(record.size());
  std::memcpy(out.data(), &magic, 4);
  std::memcpy(out.data() + 4, &length, 4);
  record.append((4 - record.size() % 4) % 4, '\0');
  return out + record;
}
// features["values"].float32_tensor.values = [0.5, 3, 1], packed.
const std::string kDense("\x0a\x1a\x0a\x06values\x12\x10\x12\x0e\x0a\x0c\0\0\0\x3f\0\0\x40\x40\0\0\x80\x3f", 28);
// The same with int32_tensor.values = [1, -7], keys = [2, 1].
const std::string kSparse("\x0a\x1d\x0a\x06values\x12\x13\x3a\x11\x0a\x0b\x01\xf9\xff\xff\xff\xff\xff\xff\xff\xff\x01\x12\x02\x02\x01", 31);

TEST(RecordIo, ReadsDenseAndSparseRecords) {
  EXPECT_EQ(RecordIo(Framed(kDense) + Framed(kSparse)), "0.5 3 true\nnull -7 true\n");
}

TEST(RecordIo, RefusesByRecord) {
  EXPECT_EQ(RecordIo(Framed(kDense) + "abc"), "record 1: the body ends within it");
  EXPECT_EQ(RecordIo(Framed(kDense, 7)), "record 0: it does not begin with RecordIO's magic number");
  EXPECT_EQ(RecordIo(Framed(kDense).substr(0, 20)), "record 0: the body ends within it");
  EXPECT_EQ(RecordIo(Framed(kDense.substr(0, 20))), "record 0: its bytes are no message of SageMaker's Record");
  EXPECT_EQ(RecordIo(Framed("")), "record 0: it has no feature \"values\"");
  EXPECT_EQ(RecordIo(Framed(std::string("\x0a\x0b\x0a\x03wet\x12\x04\x12\x02\x0a\0", 13))),
            "record 0: it has the feature \"wet\"; a row is the feature \"values\"");
  EXPECT_EQ(RecordIo(Framed(std::string("\x0a\x12\x0a\x06values\x12\x08\x12\x06\x0a\x04\0\0\0\x3f", 20))),
            "record 0: it has 1 values, expected 3");
}

TEST(RecordIo, AnswersARecordARow) {
  serve::PredictResult result;
  result.ids = serve::RowIds(std::vector<std::string>{"mine"});
  result.outputs = std::make_shared<const serve::Outputs>();
  result.scores = {0.5};
  result.decisions = {true};
  EXPECT_EQ(RecordIoFrom(result), Framed(std::string("\x12\x11\x0a\x05score\x12\x08\x12\x06\x0a\x04\0\0\0\x3f"
                                                     "\x12\x1b\x0a\x0fpredicted_label\x12\x08\x12\x06\x0a\x04\0\0\x80\x3f", 48)));
}

TEST(RecordIo, AnswersAllScoresOfARowAndTheMostProbableClass) {
  serve::PredictResult result;
  result.ids = serve::RowIds(std::vector<std::string>{"mine"});
  result.outputs = std::make_shared<const serve::Outputs>(serve::Outputs{.count = 2, .names = {"a", "b"}, .are_classes = true});
  result.scores = {0.25, 0.5};
  const std::string scores("\x12\x15\x0a\x05score\x12\x0c\x12\x0a\x0a\x08\0\0\x80\x3e\0\0\0\x3f", 23);
  EXPECT_EQ(RecordIoFrom(result), Framed(scores + std::string("\x12\x1b\x0a\x0fpredicted_label\x12\x08\x12\x06\x0a\x04\0\0\x80\x3f", 29)));
  result.outputs = std::make_shared<const serve::Outputs>(serve::Outputs{.count = 2});
  EXPECT_EQ(RecordIoFrom(result), Framed(scores));
}

}  // namespace
}  // namespace sw::sagemaker
