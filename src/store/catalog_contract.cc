#include "store/catalog_contract.h"

#include <array>
#include <thread>

namespace sw::store {
namespace {

constexpr std::array kShips = {
    Migration{1, "CREATE TABLE ships(name TEXT PRIMARY KEY, tons BIGINT, draft DOUBLE PRECISION, photo BLOB);"}};
constexpr std::array kShipsMore = {kShips[0], Migration{2, "ALTER TABLE ships ADD COLUMN flag TEXT;"}};
constexpr std::array kShipsEdited = {Migration{1, "CREATE TABLE ships(name TEXT PRIMARY KEY);"}};

ErrorCode CodeOf(const Status& status) { return status ? ErrorCode::kInternal : status.error().code; }

data::Batch Row(std::int64_t value) {
  data::Batch batch(data::Schema{{{"value", data::Type::kInt64}}});
  batch.column(0).AppendInt(value);
  return batch;
}

}  // namespace

TEST_P(CatalogContract, ValuesOfEveryTypeComeBackAfterARestart) {
  ASSERT_TRUE(catalog_->Migrate("ships", kShips));
  const std::string odd("a\0'b\"", 5);
  ASSERT_TRUE(Run("INSERT INTO ships(name, tons, draft, photo) VALUES (?, ?, ?, ?)",
                  {odd, std::int64_t{INT64_MIN}, 0.1, Blob{std::string("\0\xff", 2)}}));
  ASSERT_TRUE(Run("INSERT INTO ships(name, tons, draft, photo) VALUES (?, ?, ?, ?)", {"", {}, {}, Blob{}}));
  Reopen();
  ASSERT_TRUE(catalog_->Migrate("ships", kShips));
  const Status read = catalog_->Read([&](CatalogReader& reader) -> Status {
    const auto rows = SW_TRY(reader.Query("SELECT name, tons, draft, photo FROM ships ORDER BY name"));
    EXPECT_EQ(rows.size(), 2u);
    EXPECT_TRUE(rows[0].IsNull(1) && rows[0].IsNull(2));
    EXPECT_EQ(rows[0].values()[3], SqlValue(Blob{}));
    EXPECT_EQ(rows[1].Text(0), odd);
    EXPECT_EQ(rows[1].Int(1), INT64_MIN);
    EXPECT_EQ(rows[1].Double(2), 0.1);
    EXPECT_EQ(rows[1].Text(3), std::string("\0\xff", 2));
    return Ok();
  });
  EXPECT_TRUE(read) << read.error().message;
}

TEST_P(CatalogContract, AFailedBodyLeavesNothingBehindAndItsErrorIsReturned) {
  ASSERT_TRUE(catalog_->Migrate("ships", kShips));
  const Status status = catalog_->Write([&](CatalogTransaction& tx) -> Status {
    SW_TRY(tx.Execute("INSERT INTO ships(name) VALUES ('Ark')"));
    SW_TRY(tx.Publish("events", 1, "id", Row(1)));
    SW_TRY(tx.NoteChange("ship", "Ark"));
    return base::MakeError(ErrorCode::kCancelled, "changed my mind");
  });
  EXPECT_EQ(status.error().message, "changed my mind");
  EXPECT_EQ(Count("SELECT COUNT(*) FROM ships"), 0);
  EXPECT_TRUE(catalog_->Outbox(10)->empty());
  EXPECT_TRUE(catalog_->ChangesSince(0, 10)->empty());
}

TEST_P(CatalogContract, WhatWaitsForACommitRunsAfterItOnTheThreadThatWrote) {
  ASSERT_TRUE(catalog_->Migrate("ships", kShips));
  std::vector<std::int64_t> seen;
  const auto write = [&](const Status& end) {
    return catalog_->Write([&, end](CatalogTransaction& tx) -> Status {
      SW_TRY(tx.Execute("INSERT INTO ships(name) VALUES (?)", {std::to_string(seen.size())}));
      tx.AfterCommit([&, thread = std::this_thread::get_id()] {
        EXPECT_NE(std::this_thread::get_id(), thread) << "another than the writer's";
        seen.push_back(Count("SELECT COUNT(*) FROM ships"));
        EXPECT_TRUE(Run("DELETE FROM ships WHERE name = 'none'")) << "it may write";
      });
      return end;
    });
  };
  EXPECT_TRUE(write(Ok()));
  EXPECT_FALSE(write(base::MakeError(ErrorCode::kCancelled, "changed my mind")));
  EXPECT_TRUE(write(Ok()));
  EXPECT_EQ(seen, (std::vector<std::int64_t>{1, 2}));
}

TEST_P(CatalogContract, ASecondRowWithTheSameKeyAlreadyExists) {
  ASSERT_TRUE(catalog_->Migrate("ships", kShips));
  ASSERT_TRUE(Run("INSERT INTO ships(name) VALUES ('Ark')"));
  EXPECT_EQ(CodeOf(Run("INSERT INTO ships(name) VALUES ('Ark')")), ErrorCode::kAlreadyExists);
  EXPECT_EQ(Count("SELECT COUNT(*) FROM ships"), 1);
}

TEST_P(CatalogContract, ABodyCannotLeaveItsTransaction) {
  ASSERT_TRUE(catalog_->Migrate("ships", kShips));
  for (const char* sql : {"COMMIT", "ROLLBACK", "BEGIN", "SAVEPOINT x"}) EXPECT_FALSE(Run(sql)) << sql;
  EXPECT_FALSE(Run("INSERT INTO ships(name) VALUES ('a'); INSERT INTO ships(name) VALUES ('b')"));
  EXPECT_FALSE(Run("INSERT INTO ships(name) VALUES (?)", {}));
  const Status nested = catalog_->Write([&](CatalogTransaction&) { return Run("DELETE FROM ships"); });
  EXPECT_FALSE(nested);
  EXPECT_EQ(Count("SELECT COUNT(*) FROM ships"), 0);
  const Status read = catalog_->Read([](CatalogReader& reader) -> Status {
    SW_TRY(reader.Query("INSERT INTO ships(name) VALUES ('by a reader')"));
    return Ok();
  });
  EXPECT_FALSE(read);
}

TEST_P(CatalogContract, AReadSeesOneSnapshotWhileAWriterGoesOn) {
  ASSERT_TRUE(catalog_->Migrate("ships", kShips));
  const Status read = catalog_->Read([&](CatalogReader& reader) -> Status {
    EXPECT_EQ(SW_TRY(reader.Query("SELECT COUNT(*) FROM ships"))[0].Int(0), 0);
    EXPECT_TRUE(Run("INSERT INTO ships(name) VALUES ('Ark')"));
    EXPECT_EQ(SW_TRY(reader.Query("SELECT COUNT(*) FROM ships"))[0].Int(0), 0);
    return Ok();
  });
  ASSERT_TRUE(read);
  EXPECT_EQ(Count("SELECT COUNT(*) FROM ships"), 1);
}

TEST_P(CatalogContract, ConcurrentIncrementsAreAllCountedAndFailuresStayTheirOwn) {
  ASSERT_TRUE(catalog_->Migrate("ships", kShips));
  ASSERT_TRUE(Run("INSERT INTO ships(name, tons) VALUES ('Ark', 0)"));
  constexpr int kThreads = 8;
  constexpr int kWrites = 25;
  std::atomic<int> refused = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kWrites; ++i) {
          EXPECT_TRUE(Run("UPDATE ships SET tons = tons + 1"));
          if (!Run("INSERT INTO ships(name) VALUES ('Ark')")) ++refused;
        }
      });
    }
  }
  EXPECT_EQ(Count("SELECT tons FROM ships"), kThreads * kWrites);
  EXPECT_EQ(refused, kThreads * kWrites);
}

TEST_P(CatalogContract, MigrationsAreAppliedOnceAndAnEditedOneIsRefused) {
  ASSERT_TRUE(catalog_->Migrate("ships", kShips));
  ASSERT_TRUE(catalog_->Migrate("ships", kShipsMore));
  ASSERT_TRUE(catalog_->Migrate("ships", kShipsMore));
  EXPECT_TRUE(Run("INSERT INTO ships(name, flag) VALUES ('Ark', 'none')"));
  const Status older = catalog_->Migrate("ships", kShips);
  ASSERT_EQ(CodeOf(older), ErrorCode::kFailedPrecondition);
  EXPECT_NE(older.error().message.find("upgrade seaworthy"), std::string::npos);
  EXPECT_EQ(CodeOf(catalog_->Migrate("ships", kShipsEdited)), ErrorCode::kFailedPrecondition);
}

TEST_P(CatalogContract, AMigrationThatFailsHalfwayLeavesNothing) {
  constexpr std::array kBroken = {Migration{1, "CREATE TABLE half(a BIGINT); CREATE TABLE half(a BIGINT);"}};
  EXPECT_FALSE(catalog_->Migrate("half", kBroken));
  constexpr std::array kMended = {Migration{1, "CREATE TABLE half(a BIGINT);"}};
  EXPECT_TRUE(catalog_->Migrate("half", kMended));
}

TEST_P(CatalogContract, ChangesComeInOrderWithoutHoles) {
  for (const char* name : {"a", "b", "c"}) {
    ASSERT_TRUE(catalog_->Write([&](CatalogTransaction& tx) { return tx.NoteChange("endpoint", name); }));
    ASSERT_FALSE(catalog_->Write([&](CatalogTransaction& tx) -> Status {
      SW_TRY(tx.NoteChange("endpoint", "never"));
      return base::MakeError(ErrorCode::kCancelled, "");
    }));
  }
  const auto all = catalog_->ChangesSince(0, 10).value();
  ASSERT_EQ(all.size(), 3u);
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].sequence, static_cast<std::int64_t>(i) + 1);
  const auto later = catalog_->ChangesSince(all[0].sequence, 1).value();
  ASSERT_EQ(later.size(), 1u);
  EXPECT_EQ(later[0].name, "b");
}

TEST_P(CatalogContract, ALeaseHasOneHolderAndItsTokenGrowsWithEachNewOne) {
  const Lease first = catalog_->AcquireLease("flow", "one", 100).value();
  const auto refused = catalog_->AcquireLease("flow", "two", 100);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_NE(refused.error().message.find("one"), std::string::npos);
  EXPECT_EQ(catalog_->AcquireLease("flow", "one", 100)->token, first.token);

  ASSERT_TRUE(clock_.AdvanceTo(clock_.Now() + 101));
  const Lease second = catalog_->AcquireLease("flow", "two", 100).value();
  EXPECT_GT(second.token, first.token);
  EXPECT_FALSE(catalog_->ReleaseLease(first));
  EXPECT_FALSE(catalog_->AcquireLease("flow", "one", 100));

  ASSERT_TRUE(catalog_->ReleaseLease(second));
  Reopen();
  EXPECT_GT(catalog_->AcquireLease("flow", "one", INT64_MAX)->token, second.token);
  EXPECT_FALSE(catalog_->AcquireLease("flow", "two", 0));
}

TEST_P(CatalogContract, TheOutboxKeepsOrderAndNeverUsesASequenceTwice) {
  for (std::int64_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(catalog_->Write([&](CatalogTransaction& tx) { return tx.Publish("events", 10 + i, "id", Row(i)); }));
  }
  const auto two = catalog_->Outbox(2).value();
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[1].stream, "events");
  EXPECT_EQ(two[1].event_time, 11);
  EXPECT_EQ(two[1].row, Row(1));
  const std::int64_t last = catalog_->Outbox(10)->back().sequence;
  ASSERT_TRUE(catalog_->DropOutbox(last));
  Reopen();
  ASSERT_TRUE(catalog_->Write([&](CatalogTransaction& tx) { return tx.Publish("events", 1, "id", Row(9)); }));
  EXPECT_GT(catalog_->Outbox(10)->front().sequence, last);
}

}  // namespace sw::store
