#include "data/batch.h"

#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "base/clock.h"

namespace sw::data {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Three rows of every type, with a null in each column and the awkward values.
Batch Everything() {
  Batch batch(Schema{{{"cancelled", Type::kBool},
                      {"delay", Type::kInt64},
                      {"pressure", Type::kFloat64, false},
                      {"origin", Type::kString},
                      {"landed", Type::kTimestamp}}});
  batch.column(0).AppendBool(true);
  batch.column(0).AppendNull();
  batch.column(0).AppendBool(false);
  batch.column(1).AppendInt(std::numeric_limits<std::int64_t>::min());
  batch.column(1).AppendInt(std::numeric_limits<std::int64_t>::max());
  batch.column(1).AppendNull();
  batch.column(2).AppendDouble(-0.0);
  batch.column(2).AppendDouble(kNaN);
  batch.column(2).AppendDouble(-std::numeric_limits<double>::infinity());
  batch.column(3).AppendString("EWR");
  batch.column(3).AppendString("");
  batch.column(3).AppendNull();
  batch.column(4).AppendInt(base::ParseTime("2013-06-01T00:00:00Z").value());
  batch.column(4).AppendNull();
  batch.column(4).AppendInt(-1);
  return batch;
}

TEST(Batch, ChecksThatColumnsHaveOneLength) {
  Batch batch = Everything();
  EXPECT_TRUE(batch.Check());
  batch.column(1).AppendNull();
  ASSERT_FALSE(batch.Check());
  EXPECT_EQ(batch.Check().error().code, ErrorCode::kInternal);
}

TEST(Batch, AppendsManyValuesAtOnce) {
  Column doubles(Type::kFloat64), expected(Type::kFloat64);
  doubles.AppendNull();
  expected.AppendNull();
  doubles.AppendDoubles(std::vector{0.5, 0.5});
  for (int i = 0; i < 2; ++i) expected.AppendDouble(0.5);
  EXPECT_EQ(doubles, expected);
  EXPECT_TRUE(doubles.IsNull(0));
  EXPECT_FALSE(doubles.IsNull(2));
  Column ints(Type::kInt64);
  ints.AppendInts(std::vector<std::int64_t>{7});
  EXPECT_EQ(ints.size(), 1u);
  EXPECT_EQ(ints.Int(0), 7);
}

TEST(Batch, NamesNearMissesOfAMissingColumn) {
  const auto column = Everything().Get("presure", "weather");
  ASSERT_FALSE(column);
  EXPECT_EQ(column.error().message, "no column \"presure\" in weather; did you mean pressure?");
  EXPECT_FALSE(Everything().Select({"delay", "orign"}));
}

TEST(Batch, TakesSlicesAndAppendsRows) {
  const Batch batch = Everything();
  const std::size_t rows[] = {2, 0};
  Batch taken = batch.Take(rows);
  EXPECT_EQ(taken.Slice(1, 1), batch.Slice(0, 1));
  EXPECT_EQ(batch.Slice(1, 100).num_rows(), 2u);
  EXPECT_EQ(batch.Slice(7, 1).num_rows(), 0u);
  Batch twice = batch;
  twice.AppendAll(batch);
  for (std::size_t row = 0; row < 3; ++row) taken.AppendRow(batch, row);
  EXPECT_EQ(twice.Slice(3, 3), batch);
  EXPECT_EQ(taken.Slice(2, 3), batch);
  EXPECT_EQ(batch.Select({"origin"}).value().column(0), batch.column(3));
}

TEST(Column, ComparesBits) {
  Column zero(Type::kFloat64), minus_zero(Type::kFloat64), nan(Type::kFloat64), null(Type::kFloat64);
  zero.AppendDouble(0.0);
  minus_zero.AppendDouble(-0.0);
  nan.AppendDouble(kNaN);
  null.AppendNull();
  EXPECT_FALSE(zero == minus_zero);
  EXPECT_TRUE(nan == nan);
  EXPECT_FALSE(nan == null);
}

TEST(Column, PrintsValues) {
  const Batch batch = Everything();
  EXPECT_EQ(batch.column(0).ToText(0), "true");
  EXPECT_EQ(batch.column(0).ToText(1), "null");
  EXPECT_EQ(batch.column(1).ToText(1), "9223372036854775807");
  EXPECT_EQ(batch.column(2).ToText(1), "NaN");
  EXPECT_EQ(batch.column(4).ToText(0), "2013-06-01T00:00:00Z");
  EXPECT_EQ(batch.column(4).ToJson(0), Json("2013-06-01T00:00:00Z"));
  EXPECT_TRUE(std::isnan(batch.column(3).AsDouble(0)));
  EXPECT_EQ(batch.column(0).AsDouble(0), 1.0);
}

TEST(Column, ConvertsJsonByItsType) {
  Column number(Type::kFloat64), count(Type::kInt64), time(Type::kTimestamp), flag(Type::kBool);
  EXPECT_TRUE(number.AppendJson(3));
  EXPECT_EQ(number.Double(0), 3.0);
  EXPECT_TRUE(number.AppendJson("NaN"));
  EXPECT_TRUE(count.AppendJson(3.0));
  EXPECT_TRUE(count.AppendJson(nullptr));
  EXPECT_TRUE(time.AppendJson("2013-06-01T02:00:00+02:00"));
  EXPECT_EQ(time.ToText(0), "2013-06-01T00:00:00Z");
  EXPECT_TRUE(flag.AppendJson(true));
  EXPECT_EQ(number.AppendJson("fast").error().message, "expected float64, found string \"fast\"");
  EXPECT_FALSE(count.AppendJson(3.5));
  EXPECT_FALSE(count.AppendJson(1e300));
  EXPECT_FALSE(count.AppendJson(kNaN));
  EXPECT_FALSE(flag.AppendJson(2));
  EXPECT_FALSE(time.AppendJson(20130601));
  EXPECT_FALSE(Column(Type::kString).AppendJson(7));
  EXPECT_EQ(count.size(), 2u);  // a refused value appends nothing
}

TEST(Column, ConvertsTextByItsType) {
  Column count(Type::kInt64), text(Type::kString), flag(Type::kBool);
  EXPECT_TRUE(count.AppendText(""));
  EXPECT_TRUE(count.AppendText("-12"));
  EXPECT_TRUE(text.AppendText(""));
  EXPECT_TRUE(flag.AppendText("false"));
  EXPECT_TRUE(count.IsNull(0));
  EXPECT_FALSE(text.IsNull(0));
  EXPECT_EQ(count.AppendText("12x").error().message, "expected int64, found \"12x\"");
  EXPECT_FALSE(count.AppendText("9223372036854775808"));
}

TEST(BatchCodec, ReturnsTheSameBits) {
  EXPECT_EQ(DecodeBatch(EncodeBatch(Everything())).value(), Everything());
  EXPECT_EQ(DecodeBatch(EncodeBatch(Batch())).value(), Batch());
  const Batch empty(Everything().schema());
  EXPECT_EQ(DecodeBatch(EncodeBatch(empty)).value(), empty);
}

TEST(BatchCodec, RefusesEveryTruncationAndTrailingByte) {
  const std::string bytes = EncodeBatch(Everything());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeBatch(bytes.substr(0, size))) << size;
  }
  EXPECT_FALSE(DecodeBatch(bytes + '\0'));
}

TEST(BatchCodec, RefusesTooNewAFormat) {
  std::string bytes = EncodeBatch(Everything());
  bytes[5] = 1;  // reader_min
  EXPECT_EQ(DecodeBatch(bytes).error().code, ErrorCode::kFailedPrecondition);
}

TEST(BatchCodec, RefusesMoreRowsThanTheBytesCanHold) {
  for (const std::string_view rows : {"\xff\xff\xff\xff\x7f", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"}) {
    std::string bytes("SWBT\0\0\1", 7);
    bytes += rows;
    bytes += std::string("\1a\2\0", 4) + std::string(100, '\0');
    ASSERT_FALSE(DecodeBatch(bytes));
  }
}

TEST(BatchCodec, AnswersMutatedBytesWithAnErrorOrACanonicalBatch) {
  std::minstd_rand random(7);
  const std::string original = EncodeBatch(Everything());
  for (int i = 0; i < 50'000; ++i) {
    std::string bytes = original;
    for (unsigned flips = 1 + random() % 3; flips > 0; --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    const auto batch = DecodeBatch(bytes);
    if (!batch) continue;
    EXPECT_TRUE(batch->Check());
    EXPECT_EQ(EncodeBatch(*batch).substr(5), bytes.substr(5));  // 4: the writer's version
  }
}

TEST(Fingerprint, ChangesWithSchemaAndContent) {
  const Batch batch = Everything();
  Batch renamed;
  for (std::size_t i = 0; i < batch.num_columns(); ++i) {
    Field field = batch.schema().fields[i];
    if (i == 0) field.name = "diverted";
    renamed.AddColumn(field, batch.column(i));
  }
  const std::size_t reordered[] = {1, 0, 2};
  EXPECT_EQ(Fingerprint(batch), Fingerprint(Everything()));
  EXPECT_NE(Fingerprint(batch), Fingerprint(renamed));
  EXPECT_NE(Fingerprint(batch), Fingerprint(batch.Take(reordered)));
  EXPECT_NE(Fingerprint(batch), Fingerprint(batch.Slice(0, 2)));
}

TEST(Fingerprint, IsTheSameOnEveryMachine) {
  Batch batch(Schema{{{"delay", Type::kInt64}}});
  batch.column(0).AppendInt(15);
  // printf 'seaworthy/fingerprint version=0\n\1\1\5delay\1\1\36' | sha256sum
  EXPECT_EQ(Fingerprint(batch), "7ab0b10e1af44ec43c3d3c7c33d87be27c219da934574f5d586bd7a3b46f861a");
}

TEST(Batch, SharesItsSchemaUntilOneOfThemGrows) {
  const auto schema = std::make_shared<const Schema>(Schema{{{"a", Type::kFloat64}}});
  Batch first(schema);
  first.column(0).AppendDouble(1);
  Batch second = first;
  EXPECT_EQ(&second.schema(), schema.get());
  second.AddColumn({"b", Type::kInt64}, [] {
    Column column(Type::kInt64);
    column.AppendInt(2);
    return column;
  }());
  EXPECT_EQ(first.num_columns(), 1u);
  EXPECT_EQ(schema->fields.size(), 1u);
  EXPECT_EQ(second.schema().fields[1].name, "b");
  const Batch moved = std::move(second);
  EXPECT_EQ(second.num_columns(), 0u);  // NOLINT: what a move leaves is stated
  EXPECT_TRUE(second.schema().fields.empty());
  EXPECT_EQ(moved.num_columns(), 2u);
}

TEST(Column, AppendsRangesAsItAppendsRows) {
  const Batch from = [] {
    Batch batch(Schema{{{"late", Type::kBool}, {"wind", Type::kFloat64}, {"origin", Type::kString}, {"at", Type::kTimestamp}}});
    for (int row = 0; row < 7; ++row) {
      batch.column(0).AppendBool(row % 2 == 0);
      row == 4 ? batch.column(1).AppendNull() : batch.column(1).AppendDouble(row);
      batch.column(2).AppendString(std::string(static_cast<std::size_t>(row), 'a'));
      batch.column(3).AppendInt(row);
    }
    return batch;
  }();
  for (std::size_t begin = 0; begin <= 7; ++begin) {
    for (std::size_t end = begin; end <= 7; ++end) {
      for (std::size_t i = 0; i < from.num_columns(); ++i) {
        Column ranges(from.column(i).type()), rows(from.column(i).type());
        for (const auto& [first, last] : {std::pair{begin, end}, {std::size_t{0}, begin}}) {
          ranges.AppendRange(from.column(i), first, last - first);
          for (std::size_t row = first; row < last; ++row) rows.AppendFrom(from.column(i), row);
        }
        EXPECT_EQ(ranges, rows) << begin << " " << end << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace sw::data
