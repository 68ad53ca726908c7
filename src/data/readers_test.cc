#include "data/readers.h"

#include <gtest/gtest.h>

#include "base/files.h"

namespace sw::data {
namespace {

// Files in a folder of the test's own.
class Readers : public testing::Test {
 protected:
  ~Readers() override { EXPECT_TRUE(base::RemoveFolder(folder_)); }

  std::string Write(std::string_view name, std::string_view text) {
    const std::string path = base::JoinPath(folder_, name);
    EXPECT_TRUE(base::WriteFileAtomic(path, text));
    return path;
  }
  std::string Path(std::string_view name) const { return base::JoinPath(folder_, name); }

 private:
  std::string folder_ = base::MakeTempFolder("readers").value();
};

std::vector<Type> TypesOf(const Batch& batch) {
  std::vector<Type> types;
  for (const Field& field : batch.schema().fields) types.push_back(field.type);
  return types;
}

TEST_F(Readers, InferTypesOfCsv) {
  const std::string path = Write("flights.csv",
                                 "origin,delay,temp,time_hour,late,day,none\n"
                                 "EWR,11,39.02,2013-01-01T10:00:00Z,true,2013-01-01,NA\n"
                                 "\"J,F\"\"K\",NA,40,2013-01-01T11:00:00Z,false,,NA\n");
  const Batch flights = ReadTable(path).value();
  EXPECT_EQ(TypesOf(flights), (std::vector<Type>{Type::kString, Type::kInt64, Type::kFloat64, Type::kTimestamp,
                                                 Type::kBool, Type::kTimestamp, Type::kString}));
  EXPECT_EQ(flights.column(0).ToText(1), "J,F\"K");
  EXPECT_TRUE(flights.column(1).IsNull(1));
  EXPECT_EQ(flights.column(3).ToText(1), "2013-01-01T11:00:00Z");
  EXPECT_EQ(flights.column(5).ToText(0), "2013-01-01T00:00:00Z");
  EXPECT_EQ(ReadSchema(path).value(), flights.schema());
}

TEST_F(Readers, NameRowColumnAndValueOfAWrongType) {
  const std::string path = Write("flights.csv", "origin,delay,at\nEWR,11,2013-01-01\nJFK,soon,never\n");
  ReadOptions options;
  options.types = {{"delay", Type::kInt64}};
  const auto wrong = ReadTable(path, options);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kInvalidArgument);
  for (const std::string_view part : {"reading ", "flights.csv", "int64", "soon"}) {
    EXPECT_NE(wrong.error().message.find(part), std::string::npos) << wrong.error().message;
  }
  options.types = {{"at", Type::kTimestamp}};
  EXPECT_NE(ReadTable(path, options).error().message.find(
                "column \"at\", row 2: expected timestamp, found \"never\""),
            std::string::npos);
}

TEST_F(Readers, NameNearMissesOfAMissingColumnInEveryFormat) {
  Batch batch(Schema{{{"pressure", Type::kFloat64}}});
  batch.column(0).AppendDouble(1012);
  ASSERT_TRUE(WriteParquet(batch, Path("a.parquet")));
  ASSERT_TRUE(WriteCsv(batch, Path("a.csv")));
  Write("a.jsonl", "{\"pressure\": 1012}\n");
  ReadOptions options;
  options.columns = {"presure"};
  for (const std::string_view name : {"a.parquet", "a.csv", "a.jsonl"}) {
    const auto missing = ReadTable(Path(name), options);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
    EXPECT_EQ(missing.error().message,
              "no column \"presure\" in " + Path(name) + "; did you mean pressure?");
  }
  options.columns = {};
  options.types = {{"presure", Type::kInt64}};
  EXPECT_EQ(ReadTable(Path("a.csv"), options).error().code, ErrorCode::kNotFound);
}

TEST_F(Readers, RefuseEmptyTablesUnlessAllowed) {
  const std::string header = Write("header.csv", "origin,delay\n");
  EXPECT_EQ(ReadTable(header).error().code, ErrorCode::kInvalidArgument);
  ReadOptions options;
  options.allow_empty = true;
  EXPECT_EQ(ReadTable(header, options).value().num_columns(), 2u);
  EXPECT_FALSE(ReadTable(Write("nothing.csv", ""), options));
  EXPECT_FALSE(ReadTable(Write("nothing.parquet", ""), options));
  EXPECT_FALSE(ReadTable(Write("nothing.arrow", ""), options));
  EXPECT_FALSE(ReadTable(Write("nothing.jsonl", "")));
}

TEST_F(Readers, RefuseDamagedFilesWithPathAndReason) {
  const std::string table[] = {Write("short.csv", "a,b\n1,2\n3\n"), Write("twice.csv", "a,a\n1,2\n"),
                               Write("wrong.parquet", "PAR1 no PAR1"),
                               Write("wrong.arrow", "ARROW1 no"), Write("wrong.jsonl", "{\"a\": 1}\n[2]\n")};
  for (const std::string& path : table) {
    const auto batch = ReadTable(path);
    ASSERT_FALSE(batch) << path;
    EXPECT_EQ(batch.error().code, ErrorCode::kInvalidArgument) << batch.error().ToString();
    EXPECT_TRUE(batch.error().message.starts_with("reading " + path + ": ")) << batch.error().message;
  }
  EXPECT_EQ(ReadTable(Path("absent.csv")).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(ReadTable("flights.xls").error().code, ErrorCode::kInvalidArgument);
}

TEST_F(Readers, StopAtTheRowLimit) {
  ReadOptions options;
  options.rows_max = 1;
  EXPECT_EQ(ReadTable(Write("a.csv", "a\n1\n2\n"), options).error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(ReadTable(Write("a.jsonl", "{\"a\":1}\n{\"a\":2}\n"), options).error().code,
            ErrorCode::kResourceExhausted);
}

TEST_F(Readers, ReadFilesThatMatchAPatternInNameOrder) {
  Write("2013-02.csv", "delay,wind\n2.5,\n");
  Write("2013-01.csv", "delay,wind\n1,7\n");
  Write("2013-01.txt", "no table");
  const Batch both = ReadTable("csv:" + Path("2013-*.csv")).value();
  EXPECT_EQ(TypesOf(both), (std::vector<Type>{Type::kFloat64, Type::kInt64}));
  EXPECT_EQ(both.column(0).Double(0), 1.0);
  EXPECT_EQ(both.column(0).Double(1), 2.5);
  EXPECT_TRUE(both.column(1).IsNull(1));
  Write("2013-03.csv", "delay,gust\n1,7\n");
  EXPECT_NE(ReadTable(Path("2013-*.csv")).error().message.find("\"gust\""), std::string::npos);
  EXPECT_EQ(ReadTable(Path("2014-*.csv")).error().code, ErrorCode::kNotFound);
}

TEST_F(Readers, InferTypesOfJsonLines) {
  const std::string path = Write("a.jsonl",
                                 "{\"n\": 1, \"x\": 1, \"t\": \"2013-01-01T10:00:00Z\"}\n\n"
                                 "{\"x\": 2.5, \"s\": \"EWR\", \"n\": null}\n");
  const Batch batch = ReadTable(path).value();
  EXPECT_EQ(TypesOf(batch),
            (std::vector<Type>{Type::kInt64, Type::kFloat64, Type::kTimestamp, Type::kString}));
  EXPECT_EQ(batch.column(1).Double(0), 1.0);
  EXPECT_TRUE(batch.column(3).IsNull(0));
  const auto mixed = ReadTable(Write("b.jsonl", "{\"a\": 1}\n{\"a\": \"x\"}\n"));
  EXPECT_NE(mixed.error().message.find("line 2: column \"a\""), std::string::npos) << mixed.error().message;
}

TEST_F(Readers, ReturnWhatWriteCsvWrote) {
  Batch batch(Schema{{{"name", Type::kString}, {"x", Type::kFloat64}, {"t", Type::kTimestamp}}});
  for (const std::string_view name : {"", "NA", "a,\"b\"\nc"}) {
    batch.column(0).AppendString(name);
    batch.column(1).AppendDouble(0.1 + 0.2);
    batch.column(2).AppendInt(1'370'044'800'000'001);
  }
  batch.column(0).AppendNull();
  batch.column(1).AppendDouble(-1e-300);
  batch.column(2).AppendNull();
  ASSERT_TRUE(WriteCsv(batch, Path("out.csv")));
  EXPECT_EQ(ReadTable(Path("out.csv")).value(), batch);
}

}  // namespace
}  // namespace sw::data
