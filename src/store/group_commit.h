// GroupCommit: one thread that syncs write-ahead files, so that many waiting appends share one fsync.
//
//   const std::uint64_t ticket = commit.Mark(wal);   // after the bytes were written
//   SW_TRY(commit.Wait(ticket));                     // they are on disk
//
// Somebody waiting makes the next sync start at once; otherwise it starts sync_every after the
// first mark. A failed sync may have lost bytes for good, so it is never tried again: that error
// answers every later call. Thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/counters.h"
#include "base/files.h"
#include "store/wal.h"

namespace sw::store {

// A write-ahead file. `frames` belongs to the partition and its mutex.
struct Wal {
  std::string path;
  std::int64_t first_offset = 0;
  base::File file;                        // opened by the first append
  std::atomic<std::uint64_t> written = 0;  // bytes
  std::atomic<std::uint64_t> synced = 0;   // bytes known to be on disk
  std::vector<WalFrame> frames;
  std::int64_t end() const { return frames.empty() ? first_offset : frames.back().end(); }
};

using SyncFile = std::function<Status(base::File&)>;

class GroupCommit {
 public:
  GroupCommit(DurationUs sync_every, SyncFile sync_file, base::Counter* syncs);
  ~GroupCommit();  // syncs what is left

  std::uint64_t Mark(std::shared_ptr<Wal> wal);
  Status Wait(std::uint64_t ticket);
  Status WaitAll();
  // Syncs one file on the caller's thread; a failure is as final as one of the thread's.
  Status SyncNow(Wal& wal);
  // The failure that ended writing, if there was one.
  Status Health() const;
  void Fail(Error error);

 private:
  void Run();
  Status SyncAll(const std::vector<std::shared_ptr<Wal>>& wals);

  const DurationUs sync_every_;
  const SyncFile sync_file_;
  base::Counter* const syncs_;
  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable done_;
  std::vector<std::shared_ptr<Wal>> dirty_;  // each once
  std::uint64_t marked_ = 0;
  std::uint64_t wanted_ = 0;  // somebody waits for this ticket
  std::uint64_t synced_ = 0;
  std::optional<Error> failure_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sw::store
