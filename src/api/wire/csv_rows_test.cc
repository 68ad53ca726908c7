#include "api/wire/csv_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sw::wire {
namespace {

using testing::HasSubstr;

data::Schema Request() {
  return {{{"delay", data::Type::kFloat64}, {"hour", data::Type::kInt64}, {"origin", data::Type::kString}}};
}

TEST(CsvRows, HaveTheirColumnsNamedInAnyOrder) {
  const data::Batch rows =
      RowsFromCsv(Request(), "origin,delay,hour\r\n\"New\nYork, \"\"NY\"\"\",0.5,7\r\n,,\r\n", CsvHeader::kNames).value();
  ASSERT_EQ(rows.num_rows(), 2U);
  EXPECT_EQ(rows.column(0).Double(0), 0.5);
  EXPECT_EQ(rows.column(1).Int(0), 7);
  EXPECT_EQ(rows.column(2).String(0), "New\nYork, \"NY\"");
  EXPECT_TRUE(rows.column(0).IsNull(1) && rows.column(1).IsNull(1));
  EXPECT_EQ(rows.column(2).String(1), "");
}

TEST(CsvRows, WithoutAHeaderAreInTheRequestsOrder) {
  const data::Batch rows = RowsFromCsv(Request(), "0.5,7,EWR\n\n1e3,-1,\"JFK\"", CsvHeader::kNone).value();
  ASSERT_EQ(rows.num_rows(), 2U);
  EXPECT_EQ(rows.column(0).Double(1), 1000);
  EXPECT_EQ(rows.column(2).String(1), "JFK");
}

TEST(CsvRows, ThatAreWrongSayWhere) {
  const struct {
    CsvHeader header;
    const char* text;
    const char* message;
  } cases[] = {
      {CsvHeader::kNames, "", "the header is missing"},
      {CsvHeader::kNames, "0.5,7,EWR\n1,2,JFK", "the header names 0.5"},  // SageMaker's convention, eaten elsewhere
      {CsvHeader::kNames, "delay,hour\n1,2", "the header lacks origin"},
      {CsvHeader::kNames, "delay,delay,hour,origin\n", "names delay twice"},
      {CsvHeader::kNames, "delay,hour,origin\n1,2", "line 2 has 2 cells, expected 3"},
      {CsvHeader::kNone, "1,2,a,b", "line 1 has 4 cells, expected 3"},
      {CsvHeader::kNone, "1,2,a\nx,2,a", "line 2, delay"},
      {CsvHeader::kNone, "1,2.5,a", "line 1, hour"},
      {CsvHeader::kNone, "1,2,\"a", "does not end"},
      {CsvHeader::kNone, "1,2,\"a\"b", "goes on after its quote"},
  };
  for (const auto& [header, text, message] : cases) {
    const auto rows = RowsFromCsv(Request(), text, header);
    ASSERT_FALSE(rows) << text;
    EXPECT_EQ(rows.error().code, ErrorCode::kInvalidArgument) << text;
    EXPECT_THAT(rows.error().message, HasSubstr(message)) << text;
  }
  EXPECT_EQ(RowsFromCsv(Request(), std::string(50'000, ','), CsvHeader::kNone).error().code, ErrorCode::kResourceExhausted);
}

TEST(CsvRows, ComeBackAsTheyWere) {
  const char* text = "delay,hour,origin\n0.1,7,\"a,\"\"b\"\"\n\"\n,,\n";
  EXPECT_EQ(CsvFromRows(RowsFromCsv(Request(), text, CsvHeader::kNames).value()), text);
}

}  // namespace
}  // namespace sw::wire
