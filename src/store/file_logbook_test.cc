#include <gmock/gmock.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

#include "store/logbook_contract.h"
#include "store/wal.h"

namespace sw::store {
namespace {

using testing::HasSubstr;

Result<std::unique_ptr<Logbook>> Open(const std::string& folder, const base::Clock& clock) {
  return OpenFileLogbook({.folder = folder, .clock = &clock});
}
// Seals after a few rows, so that every test crosses files.
Result<std::unique_ptr<Logbook>> OpenTiny(const std::string& folder, const base::Clock& clock) {
  return OpenFileLogbook({.folder = folder, .clock = &clock, .segment_bytes = 400});
}

class FileLogbook : public testing::Test {
 protected:
  std::unique_ptr<Logbook> Start() {
    auto logbook = Open(folder_.path, clock_).value();
    EXPECT_TRUE(logbook->Declare({.name = "ships"}));
    return logbook;
  }
  void Append(Logbook& logbook, std::int64_t from, std::int64_t to) {
    ASSERT_TRUE(logbook.Append({"ships", 0, "p", to, ShipRows(from, to)}, Durability::kSynced));
  }
  std::vector<std::string> Files(std::string_view with) {
    std::vector<std::string> found;
    const std::vector<std::string> names = base::ListFolder(partition_).value();
    for (const std::string& name : names) {
      if (name.find(with) != std::string::npos) found.push_back(base::JoinPath(partition_, name));
    }
    return found;
  }
  static std::string Bytes(const std::string& path) { return base::ReadFile(path).value(); }
  static void Write(const std::string& path, const std::string& bytes) {
    ASSERT_TRUE(base::WriteFileAtomic(path, bytes));
  }

  TempFolder folder_;
  std::string partition_ = folder_ / "streams/ships/0";
  base::ManualClock clock_{1'000'000};
};

// What a crash leaves: the file without the closing frame of a clean end.
std::string WithoutClosingFrame(const std::string& bytes) {
  return bytes.substr(0, bytes.size() - EncodeClosingFrame(0).size());
}

TEST_F(FileLogbook, ATornTailIsCutWhereverItTore) {
  Append(*Start(), 0, 2);
  const std::string path = Files("wal-")[0];
  const std::string whole = WithoutClosingFrame(Bytes(path));
  Write(path, whole);
  Append(*Start(), 2, 3);
  const std::string longer = WithoutClosingFrame(Bytes(path));
  for (std::size_t size = whole.size(); size < longer.size(); ++size) {
    for (const std::string& tail : {std::string(), std::string(20, '\0')}) {
      Write(path, longer.substr(0, size) + tail);
      auto logbook = Start();
      ASSERT_EQ(logbook->End("ships").value(), (Cut{{0, 2}})) << size;
      Append(*logbook, 2, 4);
      ASSERT_EQ(logbook->Read({"ships"}).value().rows.id.back(), "3");
    }
  }
}

TEST_F(FileLogbook, ATornTailAfterACleanEndIsCutToo) {
  Append(*Start(), 0, 2);
  const std::string path = Files("wal-")[0];
  const std::string closed = Bytes(path);
  Append(*Start(), 2, 3);
  const std::string longer = closed + WithoutClosingFrame(Bytes(path)).substr(WithoutClosingFrame(closed).size());
  for (std::size_t size = closed.size() + 1; size < longer.size(); ++size) {
    Write(path, longer.substr(0, size));
    Append(*Start(), 2, 4);
    ASSERT_EQ(Start()->Read({"ships"}).value().rows.id, (std::vector<std::string>{"0", "1", "2", "3"})) << size;
  }
}

TEST_F(FileLogbook, RowsOverwriteTheClosingFrameOfACleanEnd) {
  Append(*Start(), 0, 2);
  const std::string path = Files("wal-")[0];
  const std::size_t closing_at = WithoutClosingFrame(Bytes(path)).size();
  Append(*Start(), 2, 3);
  const WalScan scan = ScanWal(path, false).value();
  EXPECT_EQ(scan.frames.back().at, closing_at);
  EXPECT_TRUE(scan.closed);
}

TEST_F(FileLogbook, DamageToRowsThatWereOnDiskIsDataLoss) {
  {
    auto logbook = Start();
    Append(*logbook, 0, 2);
    Append(*logbook, 2, 4);
  }
  const std::string path = Files("wal-")[0];
  const std::string good = Bytes(path);
  for (std::size_t at = WalHeader().size(); at < good.size() - EncodeClosingFrame(0).size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x40);
    Write(path, bad);
    const auto opened = Open(folder_.path, clock_);
    ASSERT_FALSE(opened) << at;
    EXPECT_EQ(opened.error().code, ErrorCode::kDataLoss);
    EXPECT_THAT(opened.error().message, HasSubstr(path));
    EXPECT_THAT(opened.error().message, HasSubstr("at offset"));
  }
}

TEST_F(FileLogbook, AMissingFileIsDataLoss) {
  {
    auto logbook = Start();
    Append(*logbook, 0, 2);
    ASSERT_TRUE(logbook->Seal("ships"));
    Append(*logbook, 2, 4);
    ASSERT_TRUE(logbook->Seal("ships"));
  }
  ASSERT_TRUE(base::RemoveFile(Files("seg-")[0]));
  EXPECT_EQ(Open(folder_.path, clock_).error().code, ErrorCode::kDataLoss);
}

TEST_F(FileLogbook, ADamagedSegmentIsFoundByVerifyAndByReads) {
  auto logbook = Start();
  Append(*logbook, 0, 50);
  ASSERT_TRUE(logbook->Seal("ships"));
  const std::string path = Files("seg-")[0];
  std::string bytes = Bytes(path);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  Write(path, bytes);
  EXPECT_EQ(logbook->Verify().error().code, ErrorCode::kDataLoss);
  EXPECT_THAT(logbook->Read({"ships"}).error().message, HasSubstr(path));
}

TEST_F(FileLogbook, ACrashAnywhereInSealingLeavesEachRowOnce) {
  Append(*Start(), 0, 3);
  const std::string wal = Files("wal-")[0];
  const std::string wal_bytes = Bytes(wal);
  ASSERT_TRUE(Start()->Seal("ships"));
  const std::string state = base::JoinPath(partition_, "partition.json");
  // After all steps but removing the write-ahead file.
  Write(wal, wal_bytes);
  EXPECT_EQ(Start()->Read({"ships"}).value().rows.id, (std::vector<std::string>{"0", "1", "2"}));
  EXPECT_TRUE(Files("wal-").empty());
  // After writing the segment only.
  Write(wal, wal_bytes);
  ASSERT_TRUE(base::RemoveFile(state));
  EXPECT_EQ(Start()->Read({"ships"}).value().rows.id, (std::vector<std::string>{"0", "1", "2"}));
  EXPECT_TRUE(Files("seg-").empty());
  // A segment without partition.json and without the rows elsewhere is no leftover.
  ASSERT_TRUE(Start()->Seal("ships"));
  ASSERT_TRUE(base::RemoveFile(state));
  EXPECT_EQ(Open(folder_.path, clock_).error().code, ErrorCode::kDataLoss);
  EXPECT_EQ(Files("seg-").size(), 1u);
}

TEST_F(FileLogbook, AFailedSyncEndsWritingForGood) {
  std::atomic<bool> fail = false;
  FileLogbookOptions options{.folder = folder_.path, .clock = &clock_};
  options.sync_file = [&](base::File& file) -> Status {
    if (fail) return base::MakeError(ErrorCode::kUnavailable, "the disk is on fire");
    return file.Sync();
  };
  auto logbook = OpenFileLogbook(options).value();
  ASSERT_TRUE(logbook->Declare({.name = "ships"}));
  Append(*logbook, 0, 1);
  fail = true;
  const auto failed = logbook->Append({"ships", 0, "", 0, ShipRows(1, 2)}, Durability::kSynced);
  EXPECT_EQ(failed.error().code, ErrorCode::kDataLoss);
  EXPECT_THAT(failed.error().message, HasSubstr("the disk is on fire"));
  fail = false;
  EXPECT_FALSE(logbook->Append({"ships", 0, "", 0, ShipRows(1, 2)}, Durability::kBuffered));
  EXPECT_EQ(logbook->Sync().error().code, ErrorCode::kDataLoss);
  EXPECT_EQ(logbook->Read({"ships"}).value().rows.id[0], "0");
}

TEST_F(FileLogbook, BufferedRowsAreReadAtOnceAndDurableAfterSync) {
  auto logbook = Start();
  EXPECT_FALSE(logbook->Append({"ships", 0, "", 0, ShipRows(0, 1)}, Durability::kBuffered).value().durable);
  EXPECT_EQ(logbook->Read({"ships"}).value().rows.num_rows(), 1u);
  EXPECT_TRUE(logbook->Sync());
}

// Runs only as the child of the next test: a fresh process, since threads do not survive a fork.
TEST(LogbookChild, DISABLED_AppendsUntilKilled) {
  const char* given = std::getenv("SW_LOGBOOK_CHILD");
  if (given == nullptr) return;
  const std::string setting = given;
  const int acknowledge_fd = std::stoi(setting);
  const base::ManualClock clock(1'000'000);
  auto logbook = OpenTiny(setting.substr(setting.find(':') + 1), clock).value();
  ASSERT_TRUE(logbook->Declare({.name = "ships"}));
  for (std::int64_t i = logbook->End("ships").value()[0];; ++i) {
    ASSERT_TRUE(logbook->Append({"ships", 0, "p", i + 1, ShipRows(i, i + 1)}, Durability::kSynced));
    ASSERT_EQ(write(acknowledge_fd, &i, sizeof(i)), 8);
  }
}

// Spawned, not forked: Arrow's allocator has fork handlers that the thread sanitizer objects to.
pid_t SpawnAppender(const std::string& folder, int acknowledge_fd) {
  std::string program = "store_test";
  std::string disabled = "--gtest_also_run_disabled_tests";
  std::string filter = "--gtest_filter=LogbookChild.DISABLED_AppendsUntilKilled";
  char* const arguments[] = {program.data(), disabled.data(), filter.data(), nullptr};
  setenv("SW_LOGBOOK_CHILD", (std::to_string(acknowledge_fd) + ":" + folder).c_str(), 1);
  pid_t child = -1;
  const int error = posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, arguments, environ);
  unsetenv("SW_LOGBOOK_CHILD");
  return error == 0 ? child : -1;
}

// Appends in a child until it is killed; what it had acknowledged must be there.
TEST_F(FileLogbook, AKilledProcessLosesNothingAcknowledged) {
  for (int round = 0; round < 5; ++round) {
    int fds[2];
    ASSERT_EQ(pipe(fds), 0);
    const pid_t child = SpawnAppender(folder_.path, fds[1]);
    ASSERT_GT(child, 0);
    close(fds[1]);
    std::int64_t last = -1;
    for (int i = 0; i < 20 + 7 * round; ++i) ASSERT_EQ(read(fds[0], &last, sizeof(last)), 8);
    ASSERT_EQ(kill(child, SIGKILL), 0);
    while (read(fds[0], &last, sizeof(last)) == 8) {
    }
    close(fds[0]);
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    auto logbook = OpenTiny(folder_.path, clock_).value();
    ASSERT_TRUE(logbook->Verify());
    const LogChunk chunk = logbook->Read({"ships"}).value();
    ASSERT_GT(chunk.next, last);
    for (std::size_t i = 0; i < chunk.offset.size(); ++i) ASSERT_EQ(chunk.rows.id[i], std::to_string(i));
  }
}

INSTANTIATE_TEST_SUITE_P(File, LogbookContract,
                         testing::Values(LogbookEngine{"File", Open}, LogbookEngine{"Tiny", OpenTiny}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace sw::store
