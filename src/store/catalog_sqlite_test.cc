#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <future>
#include <thread>

#include "store/catalog_contract.h"
#include "store/sqlite_connection.h"

namespace sw::store {
namespace {

using testing::HasSubstr;

constexpr std::array kCount = {Migration{1, "CREATE TABLE counts(value BIGINT PRIMARY KEY);"}};

Result<std::unique_ptr<Catalog>> Open(const std::string& folder, const base::Clock& clock) {
  return OpenSqliteCatalog({.path = base::JoinPath(folder, "catalog.sqlite"), .clock = &clock});
}

Status Insert(Catalog& catalog, std::int64_t value) {
  return catalog.Write([&](CatalogTransaction& tx) -> Status {
    SW_TRY(tx.Execute("INSERT INTO counts(value) VALUES (?)", {value}));
    return Ok();
  });
}

INSTANTIATE_TEST_SUITE_P(Sqlite, CatalogContract, testing::Values(CatalogEngine{"Sqlite", Open}),
                         [](const auto& engine) { return engine.param.name; });

TEST(SqliteCatalog, ATooNewFileAndAForeignOneAreRefusedClearly) {
  const TempFolder folder;
  const base::ManualClock clock(0);
  ASSERT_TRUE(Open(folder.path, clock));
  {
    auto db = SqliteConnection::Open(folder / "catalog.sqlite", SqliteConnection::Mode::kReadWrite).value();
    ASSERT_TRUE(db->Execute("UPDATE store_format SET line = 'seaworthy/catalog version=9 reader_min=8'", {}));
    auto other = SqliteConnection::Open(folder / "other.sqlite", SqliteConnection::Mode::kReadWrite).value();
    ASSERT_TRUE(other->Script("CREATE TABLE mine(a BIGINT)"));
  }
  const auto newer = Open(folder.path, clock);
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(newer.error().message, HasSubstr("upgrade"));
  const auto foreign = OpenSqliteCatalog({.path = folder / "other.sqlite", .clock = &clock});
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, ErrorCode::kFailedPrecondition);
}

TEST(SqliteCatalog, AFileThatIsNoDatabaseIsDataLoss) {
  const TempFolder folder;
  const base::ManualClock clock(0);
  ASSERT_TRUE(base::WriteFileAtomic(folder / "catalog.sqlite", std::string(8192, 'x')));
  const auto opened = Open(folder.path, clock);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kDataLoss);
}

TEST(SqliteCatalog, WritesBeyondTheQueueAreRefusedAndNameTheLimit) {
  const TempFolder folder;
  const base::ManualClock clock(0);
  auto catalog =
      OpenSqliteCatalog({.path = folder / "catalog.sqlite", .clock = &clock, .queue_max = 1}).value();
  ASSERT_TRUE(catalog->Migrate("count", kCount));
  std::promise<void> entered;
  std::promise<void> leave;
  std::jthread holder([&] {
    EXPECT_TRUE(catalog->Write([&](CatalogTransaction&) {
      entered.set_value();
      leave.get_future().wait();
      return Ok();
    }));
  });
  entered.get_future().wait();
  // Of two writes, one waits in the queue and the other is refused, in either order.
  std::atomic<int> refused = 0;
  {
    std::array<std::jthread, 2> writers;
    std::promise<void> first_refusal;
    for (std::size_t i = 0; i < writers.size(); ++i) {
      writers[i] = std::jthread([&, i] {
        const Status status = Insert(*catalog, static_cast<std::int64_t>(i));
        if (status) return;
        EXPECT_EQ(status.error().code, ErrorCode::kResourceExhausted);
        EXPECT_THAT(status.error().message, HasSubstr("queue_max"));
        if (refused.fetch_add(1) == 0) first_refusal.set_value();
      });
    }
    first_refusal.get_future().wait();
    leave.set_value();
  }
  EXPECT_EQ(refused, 1);
}

// Lets files of this process grow to `bytes` only, as a full disk would.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::uint64_t bytes) {
    before_handler_ = ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, before_handler_);
  }

 private:
  rlimit before_{};
  void (*before_handler_)(int) = nullptr;
};

// Given three writes in one group, of which the disk has no room for one, then the others commit.
TEST(SqliteCatalog, AFullDiskFailsOnlyTheWriteThatNeedsTheSpace) {
  const TempFolder folder;
  const base::ManualClock clock(0);
  auto catalog = Open(folder.path, clock).value();
  constexpr std::array kFiles = {Migration{1, "CREATE TABLE files(name TEXT PRIMARY KEY, bytes BLOB);"}};
  ASSERT_TRUE(catalog->Migrate("files", kFiles));
  const auto put = [&](const std::string& name, std::size_t bytes) {
    return catalog->Write([&](CatalogTransaction& tx) -> Status {
      SW_TRY(tx.Execute("INSERT INTO files(name, bytes) VALUES (?, ?)", {name, Blob{std::string(bytes, 'x')}}));
      return Ok();
    });
  };
  const auto wal = base::File::OpenForRead(folder / "catalog.sqlite-wal").value();
  for (const std::size_t large_bytes : {1u << 20, 16u << 20}) {  // refused at the commit; in the body
    const FileSizeLimit limit(wal.Size().value() + (200u << 10));
    std::promise<void> entered;
    std::promise<void> leave;
    std::jthread holder([&] {
      EXPECT_TRUE(catalog->Write([&](CatalogTransaction&) {
        entered.set_value();
        leave.get_future().wait();
        return Ok();
      }));
    });
    entered.get_future().wait();
    const std::string run = std::to_string(large_bytes);
    auto small = std::async(std::launch::async, [&] { return put("small" + run, 10); });
    auto large = std::async(std::launch::async, [&] { return put("large" + run, large_bytes); });
    auto other = std::async(std::launch::async, [&] { return put("other" + run, 10); });
    leave.set_value();
    EXPECT_TRUE(small.get());
    EXPECT_TRUE(other.get());
    EXPECT_FALSE(large.get());
  }
  EXPECT_TRUE(put("large, with room again", 1u << 20));
}

// Given a process that acknowledges each commit through a pipe, when it is killed at a random
// moment, then the next start finds every acknowledged row.
TEST(SqliteCatalog, WhatWasAcknowledgedSurvivesAKill) {
  const TempFolder folder;
  const base::ManualClock clock(0);
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(::pipe(pipe_ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto catalog = Open(folder.path, clock).value();
    if (!catalog->Migrate("count", kCount)) ::_exit(1);
    for (std::int64_t i = 0;; ++i) {
      if (!Insert(*catalog, i) || ::write(pipe_ends[1], "x", 1) != 1) ::_exit(1);
    }
  }
  ::close(pipe_ends[1]);
  char byte = 0;
  std::int64_t acknowledged = 0;
  while (acknowledged < 40 && ::read(pipe_ends[0], &byte, 1) == 1) ++acknowledged;
  ::kill(child, SIGKILL);
  while (::read(pipe_ends[0], &byte, 1) == 1) ++acknowledged;
  ::close(pipe_ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));

  auto catalog = Open(folder.path, clock).value();
  ASSERT_TRUE(catalog->Read([&](CatalogReader& reader) -> Status {
    const auto rows = SW_TRY(reader.Query("SELECT COUNT(*), MAX(value) FROM counts"));
    EXPECT_GE(rows[0].Int(0), acknowledged);
    EXPECT_EQ(rows[0].Int(0), rows[0].Int(1) + 1);
    return Ok();
  }));
}

}  // namespace
}  // namespace sw::store
