#include "store/logbook_contract.h"

#include <thread>

namespace sw::store {

using data::Type;

LogRows OneColumn(TimeUs time, const std::string& name, Type type, const std::string& text) {
  LogRows rows;
  rows.event_time = {time};
  rows.id = {"one-" + std::to_string(time)};
  rows.columns = data::Batch(data::Schema{{{name, type}}});
  EXPECT_TRUE(rows.columns.column(0).AppendText(text));
  return rows;
}

LogRows ShipRow(TimeUs time, const std::string& id, const std::string& ship, std::int64_t tons) {
  LogRows rows;
  rows.event_time = {time};
  rows.id = {id};
  rows.columns = data::Batch(data::Schema{{{"ship", Type::kString}, {"tons", Type::kInt64}}});
  rows.columns.column(0).AppendString(ship);
  rows.columns.column(1).AppendInt(tons);
  return rows;
}

LogRows ShipRows(std::int64_t from, std::int64_t to) {
  LogRows rows;
  rows.columns = data::Batch(data::Schema{{{"ship", Type::kString}, {"tons", Type::kInt64}}});
  for (std::int64_t i = from; i < to; ++i) {
    rows.event_time.push_back(i);
    rows.id.push_back(std::to_string(i));
    rows.columns.column(0).AppendString("s" + std::to_string(i));
    rows.columns.column(1).AppendInt(i);
  }
  return rows;
}

TEST_P(LogbookContract, RowsComeBackInOrderAfterSealingAndRestart) {
  ASSERT_TRUE(logbook_->Declare({.name = "ships"}));
  EXPECT_EQ(Append(ShipRows(0, 5)).first_offset, 0);
  ASSERT_TRUE(logbook_->Seal("ships"));
  EXPECT_EQ(Append(ShipRows(5, 8)).first_offset, 5);
  for (int restart = 0; restart < 3; ++restart) {
    const LogChunk chunk = Read(0);
    ASSERT_EQ(chunk.offset, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7}));
    EXPECT_EQ(chunk.next, 8);
    EXPECT_EQ(chunk.rows.id[6], "6");
    EXPECT_EQ(chunk.rows.columns.Find("ship")->String(6), "s6");
    EXPECT_EQ(logbook_->End("ships").value(), (Cut{{0, 8}}));
    EXPECT_TRUE(logbook_->Verify());
    Reopen();
  }
}

TEST_P(LogbookContract, ReadsStopAtTheAskedRows) {
  ASSERT_TRUE(logbook_->Declare({.name = "ships"}));
  Append(ShipRows(0, 5));
  ASSERT_TRUE(logbook_->Seal("ships"));
  Append(ShipRows(5, 10));
  EXPECT_EQ(Read(3, 7).offset, (std::vector<std::int64_t>{3, 4, 5, 6}));
  const LogChunk chunk = logbook_->Read({"ships", 0, 4, -1, 2, {}}).value();
  EXPECT_EQ(chunk.offset, (std::vector<std::int64_t>{4, 5}));
  EXPECT_EQ(chunk.next, 6);
  EXPECT_TRUE(Read(10).offset.empty());
  EXPECT_TRUE(Read(99).offset.empty());
}

TEST_P(LogbookContract, ARepeatedAppendIsKnownAfterSealingAndRestart) {
  ASSERT_TRUE(logbook_->Declare({.name = "ships"}));
  EXPECT_FALSE(Append(ShipRows(0, 2), "serve-1", 7).duplicate);
  for (int step = 0; step < 3; ++step) {
    const AppendResult repeat = Append(ShipRows(0, 2), "serve-1", 7);
    EXPECT_TRUE(repeat.duplicate);
    EXPECT_TRUE(repeat.durable);
    EXPECT_EQ(repeat.first_offset, 0);
    EXPECT_TRUE(Append(ShipRows(0, 2), "serve-1", 6).duplicate);
    if (step == 0) {
      ASSERT_TRUE(logbook_->Seal("ships"));
    }
    Reopen();
  }
  EXPECT_FALSE(Append(ShipRows(0, 2), "serve-2", 7).duplicate);
  EXPECT_FALSE(Append(ShipRows(0, 2), "serve-1", 8).duplicate);
  EXPECT_EQ(logbook_->End("ships").value(), (Cut{{0, 6}}));
}

TEST_P(LogbookContract, RowsOfUnlikeColumnsReadAsNullAndWiden) {
  ASSERT_TRUE(logbook_->Declare({.name = "ships"}));
  Append(OneColumn(1, "load", Type::kInt64, "4"));
  Append(OneColumn(2, "load", Type::kFloat64, "0.5"));
  Append(OneColumn(3, "flag", Type::kString, "NO"));
  LogRows bare;
  bare.event_time = {4};
  bare.id = {"bare"};
  Append(bare);
  for (int step = 0; step < 2; ++step) {
    const LogChunk chunk = Read(0);
    const data::Column& load = *chunk.rows.columns.Find("load");
    ASSERT_EQ(load.type(), Type::kFloat64);
    EXPECT_EQ(load.Double(0), 4.0);
    EXPECT_EQ(load.Double(1), 0.5);
    EXPECT_TRUE(load.IsNull(2) && load.IsNull(3));
    EXPECT_EQ(chunk.rows.columns.Find("flag")->String(2), "NO");
    const LogChunk asked = Read(0, -1, {{"load", Type::kString}, {"none", Type::kInt64}});
    EXPECT_EQ(asked.rows.columns.column(0).String(0), "4");
    EXPECT_EQ(asked.rows.columns.column(1).null_count(), 4u);
    const auto narrow = logbook_->Read({"ships", 0, 0, -1, 10, {{"load", Type::kInt64}}});
    EXPECT_EQ(narrow.error().code, ErrorCode::kInvalidArgument);
    ASSERT_TRUE(logbook_->Seal("ships"));
  }
}

TEST_P(LogbookContract, BadRequestsAreRefused) {
  EXPECT_EQ(logbook_->Read({"ships"}).error().code, ErrorCode::kNotFound);
  for (const char* name : {"", "/", "a//b", "/a", "a/"}) {
    EXPECT_EQ(logbook_->Declare({.name = name}).error().code, ErrorCode::kInvalidArgument) << name;
  }
  EXPECT_EQ(logbook_->Declare({.name = std::string(500, 'x')}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(logbook_->Declare({.name = "ships", .partitions = 0}).error().code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(logbook_->Declare({.name = "ships"}));
  EXPECT_TRUE(logbook_->Declare({.name = "ships"}));
  EXPECT_EQ(logbook_->Declare({.name = "ships", .partitions = 2}).error().code, ErrorCode::kFailedPrecondition);
  const auto append = [&](std::int32_t partition, LogRows rows) {
    return logbook_->Append({"ships", partition, "", 0, std::move(rows)}, Durability::kSynced);
  };
  EXPECT_EQ(append(1, ShipRows(0, 1)).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(append(0, {}).error().code, ErrorCode::kInvalidArgument);
  LogRows uneven = ShipRows(0, 2);
  uneven.id.pop_back();
  EXPECT_EQ(append(0, uneven).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(append(0, OneColumn(1, "_offset", Type::kInt64, "1")).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(logbook_->Erase("ships", "x").error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(logbook_->End("ships").value(), (Cut{{0, 0}}));
}

TEST_P(LogbookContract, NamesThatClimbStayInside) {
  const std::vector<std::string> names = {"..", ".", "../../x", "a/..", std::string("a\0b", 3), "%2E"};
  for (const std::string& name : names) {
    ASSERT_TRUE(logbook_->Declare({.name = name})) << name;
    ASSERT_TRUE(logbook_->Append({name, 0, "", 0, ShipRow(1, name, name, 1)}, Durability::kSynced));
  }
  EXPECT_EQ(base::ListFolder(folder_.path).value(), std::vector<std::string>{"book"});
  Reopen();
  EXPECT_EQ(logbook_->Streams().value().size(), 6u);
  EXPECT_EQ(logbook_->Read({"a/.."}).value().rows.id, std::vector<std::string>{"a/.."});
}

TEST_P(LogbookContract, ErasedRowsLeaveTombstones) {
  ASSERT_TRUE(logbook_->Declare({.name = "ships", .erasure_key = "ship"}));
  Append(ShipRows(0, 3));
  ASSERT_TRUE(logbook_->Seal("ships"));
  Append(ShipRow(9, "nine", "s1", 9));
  EXPECT_EQ(logbook_->Erase("ships", "s1").value(), 2u);
  EXPECT_EQ(logbook_->Erase("ships", "s1").value(), 0u);
  for (int restart = 0; restart < 2; ++restart) {
    const LogChunk chunk = Read(0, -1, {{"ship", Type::kString}, {"_erased", Type::kBool}});
    ASSERT_EQ(chunk.rows.id, (std::vector<std::string>{"0", "1", "2", "nine"}));
    EXPECT_EQ(chunk.rows.columns.column(0).String(0), "s0");
    EXPECT_TRUE(chunk.rows.columns.column(0).IsNull(1) && chunk.rows.columns.column(0).IsNull(3));
    EXPECT_EQ(chunk.rows.columns.column(1).Int(3), 1);
    EXPECT_TRUE(logbook_->Verify());
    Reopen();
  }
}

TEST_P(LogbookContract, RetentionDropsOldSegmentsAndKeepsOffsets) {
  ASSERT_TRUE(logbook_->Declare({.name = "ships", .retention = 100}));
  Append(ShipRow(clock_.Now() - 50, "young", "a", 1));
  ASSERT_TRUE(logbook_->Seal("ships"));
  Append(ShipRow(1, "old", "a", 1), "p", 1);
  ASSERT_TRUE(logbook_->ApplyRetention());
  EXPECT_EQ(Read(0).rows.id, std::vector<std::string>{"young"});
  ASSERT_TRUE(clock_.AdvanceTo(clock_.Now() + 100));
  ASSERT_TRUE(logbook_->ApplyRetention());
  Reopen();
  const LogChunk chunk = Read(0);
  EXPECT_TRUE(chunk.offset.empty());
  EXPECT_EQ(chunk.next, 2);
  EXPECT_TRUE(Append(ShipRow(1, "old", "a", 1), "p", 1).duplicate);
  EXPECT_EQ(Append(ShipRow(1, "new", "a", 1)).first_offset, 2);
}

TEST_P(LogbookContract, ManyWritersAndAReaderSeeEveryRowOnce) {
  ASSERT_TRUE(logbook_->Declare({.name = "ships"}));
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < 50; ++i) Append(ShipRows(i, i + 3), "w" + std::to_string(w), i + 1);
    });
  }
  std::int64_t next = 0;
  while (next < 600) {
    const LogChunk chunk = Read(next);
    for (const std::int64_t offset : chunk.offset) ASSERT_EQ(offset, next++);
    if (next > 100 && next < 200) {
      ASSERT_TRUE(logbook_->Seal("ships"));
    }
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(logbook_->End("ships").value(), (Cut{{0, 600}}));
}

TEST_P(LogbookContract, FoldsIgnoreArrivalOrderAndRepeatedIds) {
  ASSERT_TRUE(logbook_->Declare({.name = "ships", .partitions = 2}));
  const auto append = [&](std::int32_t partition, LogRows rows) {
    ASSERT_TRUE(logbook_->Append({"ships", partition, "", 0, std::move(rows)}, Durability::kBuffered));
  };
  append(0, ShipRow(3, "c", "x", 1));
  append(0, ShipRow(1, "b", "x", 2));
  append(1, ShipRow(1, "a", "x", 3));
  append(1, ShipRow(5, "b", "late repeat", 4));
  const Cut cut = logbook_->End("ships").value();
  append(0, ShipRow(0, "after the cut", "x", 5));
  const LogRows fold = ReadFold(*logbook_, "ships", {}, cut, {{"tons", Type::kInt64}}).value();
  EXPECT_EQ(fold.id, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(fold.columns.column(0).Int(1), 2);
  EXPECT_EQ(ReadFold(*logbook_, "ships", {}, {{0, 99}}, {}).error().code, ErrorCode::kFailedPrecondition);
  EXPECT_EQ(ReadFold(*logbook_, "ships", {{0, 1}}, {{0, 2}}, {}).value().id, std::vector<std::string>{"b"});
}

}  // namespace sw::store
