// Partition: one partition of a stream in its own folder, from crash recovery to sealing.
//
// The folder holds segments (segment.h), write-ahead files (wal.h), and partition.json with what
// outlives both: how far is sealed, which offsets retention dropped, and the last sequence of each
// producer in sealed rows. Order of steps when sealing: segments, partition.json, then the
// write-ahead file goes; a crash between any two leaves rows twice, and offsets tell. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "store/group_commit.h"
#include "store/segment.h"
#include "store/wal.h"

namespace sw::store {

// What all partitions of a logbook share. Outlives them.
struct PartitionContext {
  GroupCommit& commit;
  SegmentCache& cache;
  std::uint64_t segment_bytes = 0;
};

// A run of rows that a reader takes; `rows` is shared with the cache.
struct RowsPiece {
  std::shared_ptr<const StoredRows> rows;
  std::size_t begin = 0;
  std::size_t count = 0;
};

struct PiecesRead {
  std::vector<RowsPiece> pieces;
  std::int64_t next = 0;
};

class Partition {
 public:
  static constexpr std::size_t kProducersMax = 10'000;       // the longest silent one is forgotten
  static constexpr std::uint64_t kReadBytesMax = 8u << 20;   // of one write-ahead file, a step
  static constexpr std::uint64_t kSealBytesMax = 1u << 20;   // likewise, while it is sealed

  static Result<std::unique_ptr<Partition>> Open(std::string folder, PartitionContext context);
  ~Partition();  // closes the write-ahead file cleanly

  struct Appended {
    AppendResult result;
    std::uint64_t ticket = 0;   // for GroupCommit::Wait
    bool full = false;          // there is a file to seal
  };
  Result<Appended> Append(const std::string& producer, std::int64_t sequence, std::uint32_t rows,
                          TimeUs event_time_max, std::string_view body);
  Result<PiecesRead> Read(std::int64_t from, std::int64_t to, std::size_t rows_max) const;
  std::int64_t End() const;
  void AddStats(std::uint64_t& segments, std::uint64_t& bytes) const;
  // Seals full files, and the one being written too where `active`.
  Status Seal(bool active);
  Result<std::uint64_t> Erase(const std::string& key, std::string_view value);
  Status DropBefore(TimeUs horizon);
  Status Verify() const;

 private:
  struct Seen {
    std::int64_t sequence = 0;
    std::int64_t first_offset = 0;
    std::uint64_t ticket = 0;
  };
  using Producers = std::map<std::string, Seen, std::less<>>;
  using Ranges = std::map<std::int64_t, std::int64_t>;  // first -> end, apart
  struct Plan {  // where to read next
    std::optional<Segment> segment;
    std::string wal_path;
    std::vector<WalFrame> frames;
    std::int64_t end = 0;  // of the partition, at that moment
    bool empty() const { return !segment && frames.empty(); }
  };

  Partition(std::string folder, PartitionContext context) : folder_(std::move(folder)), context_(context) {}

  Status Recover();
  Status ReadState();
  Status RecoverSegments(const std::vector<std::string>& names);
  Status RecoverWals(const std::vector<std::string>& names);
  Status RecoverWal(std::int64_t first, bool last);
  std::string StateText(const Ranges& dropped, const Producers& producers, std::int64_t sealed_end) const;
  static void Remember(Producers& producers, const std::string& name, Seen seen);

  Status OpenActive();
  Status WriteFrame(std::string_view frame);
  Status Rotate();
  Status SealWal(const Wal& wal);
  Status SealLocked(bool active);
  // Adds the frames' producers.
  Result<std::vector<Segment>> WriteSegments(const Wal& wal, Producers& producers) const;
  Plan PlanAt(std::int64_t offset, std::int64_t to, std::size_t rows_max) const;
  Result<std::vector<RowsPiece>> Load(const Plan& plan) const;
  std::string Path(std::string_view name) const;

  const std::string folder_;
  const PartitionContext context_;
  mutable std::mutex seal_mutex_;  // one at a time seals, erases or drops; taken before mutex_
  mutable std::mutex mutex_;
  std::map<std::int64_t, Segment> segments_;  // by first offset
  Ranges dropped_;
  std::int64_t sealed_end_ = 0;
  Producers sealed_producers_;                // of rows before sealed_end_
  Producers producers_;
  std::vector<std::shared_ptr<Wal>> full_;    // synced, waiting to be sealed
  std::shared_ptr<Wal> active_;               // empty until the first append
  bool closing_frame_ = true;                 // the active file has nothing after one
  std::int64_t next_offset_ = 0;
};

// Reads the frames that follow each other in a write-ahead file.
Result<std::vector<WalRows>> ReadWalFrames(const std::string& path, const std::vector<WalFrame>& frames);
// Hands on one after the other, until `take` fails; about `bytes_max` of the file are in memory at once.
Status ForEachWalFrame(const std::string& path, std::span<const WalFrame> frames, std::uint64_t bytes_max,
                       const std::function<Status(const WalRows&)>& take);

}  // namespace sw::store
