// Logbook: append-only streams of what happened (predictions, labels, feature rows, events).
// A write-ahead file sealed into Parquet segments here, Kafka behind the same interface later.
//
// A stream has partitions and a row in it an offset; a Cut maps each partition to the offset before
// which rows count. Evidence names cuts. Append is idempotent by (producer, sequence). Rows of one
// stream may differ in columns: a reader asks for columns by name and gets null where a row has
// none. Folds read in the total order (event time, id): ReadFold. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/counters.h"
#include "base/files.h"
#include "base/json.h"
#include "base/result.h"
#include "data/batch.h"

namespace sw::store {

using Cut = std::map<std::int32_t, std::int64_t>;  // partition -> rows with a smaller offset count
Json CutToJson(const Cut& cut);
Result<Cut> CutFromJson(const Json& json);

struct StreamSpec {
  std::string name;             // "predictions/flights"; parts are names, joined by '/'
  std::int32_t partitions = 1;
  DurationUs retention = 0;     // 0: for ever
  std::string erasure_key = {};  // a column, empty: none
  bool operator==(const StreamSpec&) const = default;
};

struct LogRows {
  std::vector<TimeUs> event_time;
  std::vector<std::string> id;  // unique within the stream by intent; not enforced
  data::Batch columns;          // same number of rows
  std::size_t num_rows() const { return event_time.size(); }
};

enum class Durability : std::uint8_t {
  kSynced,    // returns when the rows are on disk (group commit)
  kBuffered,  // returns when readers see them; on disk after the next sync, at most about 50 ms later
};

struct AppendRequest {
  std::string stream;
  std::int32_t partition = 0;
  std::string producer;         // who writes; empty: no de-duplication. One append at a time
  std::int64_t sequence = 0;    // of this append by that producer, strictly growing
  LogRows rows;
};

struct AppendResult {
  std::int64_t first_offset = 0;
  bool duplicate = false;  // (producer, sequence) was seen: nothing was appended; first_offset is
                           // -1 when the producer has appended more since
  bool durable = false;
};

struct ReadRequest {
  std::string stream;
  std::int32_t partition = 0;
  std::int64_t from = 0;                    // first offset
  std::int64_t to = -1;                     // exclusive; -1: the end
  std::size_t rows_max = 100'000;
  // Null where a row lacks one; empty: the union of the rows read. Integers widen to float64, and
  // all to string. A bool "_erased" tells tombstones.
  std::vector<data::Field> columns = {};
};

struct LogChunk {
  std::vector<std::int64_t> offset;
  LogRows rows;
  std::int64_t next = 0;                    // where to go on
};

struct StreamStats {
  StreamSpec spec;
  Cut end;
  std::uint64_t segments = 0;
  std::uint64_t bytes = 0;
};

class Logbook {
 public:
  virtual ~Logbook() = default;
  // Creates the stream, or widens nothing when it exists alike; FAILED_PRECONDITION when it differs.
  virtual Status Declare(const StreamSpec& spec) = 0;
  virtual Result<AppendResult> Append(AppendRequest request, Durability durability) = 0;
  // Returns when all that was appended before the call is on disk.
  virtual Status Sync() = 0;
  virtual Result<LogChunk> Read(const ReadRequest& request) const = 0;
  virtual Result<Cut> End(std::string_view stream) const = 0;
  virtual Result<std::vector<StreamStats>> Streams() const = 0;
  // Turns all complete write-ahead data of the stream into Parquet segments.
  virtual Status Seal(std::string_view stream) = 0;
  // Replaces the rows whose erasure key has this value by tombstones (event_time, id stay).
  virtual Result<std::uint64_t> Erase(std::string_view stream, std::string_view key_value) = 0;
  // Drops segments whose rows are all older than the stream's retention.
  virtual Status ApplyRetention() = 0;
  // DATA_LOSS names file and offset.
  virtual Status Verify() const = 0;
};

// All rows before `cut`, in the order (event time, id), first of a repeated id only.
Result<LogRows> ReadFold(const Logbook& logbook, std::string_view stream, const Cut& from, const Cut& cut,
                         const std::vector<data::Field>& columns);

struct FileLogbookOptions {
  std::string folder;
  const base::Clock* clock = nullptr;
  base::Counters* counters = nullptr;
  std::uint64_t segment_bytes = 32u << 20;  // a write-ahead file is sealed beyond this
  DurationUs sync_every = 20 * base::kMillisecondUs;
  std::function<Status(base::File&)> sync_file = {};  // empty: File::Sync; tests let the disk fail here
};
Result<std::unique_ptr<Logbook>> OpenFileLogbook(const FileLogbookOptions& options);

}  // namespace sw::store
