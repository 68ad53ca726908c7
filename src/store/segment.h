// The logbook's sealed segments: Parquet files of typed columns plus _offset, _event_time, _id,
// _producer, _sequence, and _erased where rows were erased.
//
// A file's name says which rows it holds, which rewrite of them it is, and the CRC of its bytes,
// so opening a stream reads no segment, and damage is always found: seg-<first>-<end>-g<n>-<crc>.
// Any Parquet reader can open one. A column that equals an earlier one bit for bit, or the part of the
// ids that names their request, is not written: the file's metadata says so, and reading puts it back.
// Thread-safe.
//
//   SegmentBuilder builder(frame.rows.num_rows());
//   SW_TRY(builder.Add(frame));
//   Segment segment = SW_TRY(builder.Write(folder));
//   std::shared_ptr<const StoredRows> rows = SW_TRY(cache.Load(folder, segment));
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/batch.h"
#include "store/wal.h"

namespace sw::store {

struct Segment {
  std::int64_t first = 0;
  std::int64_t end = 0;         // exclusive
  std::uint32_t generation = 0;  // rewrites by Erase; the highest counts
  std::uint32_t crc = 0;
  std::uint64_t bytes = 0;      // not in the name
  std::string Name() const;
};
std::optional<Segment> ParseSegmentName(std::string_view name);

// Rows as readers take them, from a segment or from one frame.
struct StoredRows {
  std::int64_t first_offset = 0;
  LogRows rows;  // `columns` has _erased too where the segment has it
};

// Gathers frames that follow each other into one segment. One owner.
class SegmentBuilder {
 public:
  explicit SegmentBuilder(std::size_t rows_expected);  // memory for so many rows is taken at once

  // Whether the columns have the types that those of earlier frames have: inside a segment types are one.
  bool Takes(const data::Batch& columns) const;
  // Requires that it takes the frame's columns.
  Status Add(const WalRows& frame);
  // Requires a frame. Durable when it returns, and the builder is empty again.
  Result<Segment> Write(const std::string& folder);

 private:
  std::size_t rows_expected_;
  std::int64_t first_ = 0;
  data::Batch system_;
  data::Batch user_;  // the union of the frames' columns
};

// Replaces `old` by a rewrite in which the user's columns of rows whose `key` prints as `value`
// are null; answers how many rows those were, and leaves `old` alone when there are none.
Result<std::uint64_t> EraseInSegment(const std::string& folder, const std::string& key, std::string_view value,
                                     Segment& segment);
// DATA_LOSS when the file differs from what was written.
Result<StoredRows> ReadSegment(const std::string& folder, const Segment& segment);

// Keeps the segments that were decoded last, so that reading on in chunks decodes each once.
class SegmentCache {
 public:
  static constexpr std::size_t kSegmentsMax = 2;
  Result<std::shared_ptr<const StoredRows>> Load(const std::string& folder, const Segment& segment);
  void Forget(const std::string& path);

 private:
  using Entry = std::pair<std::string, std::shared_ptr<const StoredRows>>;
  std::mutex mutex_;
  std::list<Entry> entries_;  // newest first
};

}  // namespace sw::store
