// The embedded logbook: streams as folders, one syncing thread, one sealing thread.
//
// Layout: FORMAT, then streams/<encoded name>/stream.json, which makes the stream exist, beside a
// folder a partition (partition.h).
#include <algorithm>
#include <condition_variable>
#include <deque>
#include <shared_mutex>
#include <thread>

#include "base/check.h"
#include "base/errors.h"
#include "base/files.h"
#include "base/format_version.h"
#include "store/log_rows.h"
#include "store/partition.h"
#include "store/stream_folder.h"

namespace sw::store {
namespace {

const base::FormatVersion kFormat{"seaworthy/logbook", 0, 0};

struct Stream {
  StreamSpec spec;
  std::vector<std::unique_ptr<Partition>> partitions;
};

// Seals full files off the appending threads. Waiting entries are at most one a partition.
class Sealer {
 public:
  explicit Sealer(base::Counter* failures) : failures_(failures), thread_([this] { Run(); }) {}
  ~Sealer() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    work_.notify_all();
    thread_.join();
  }
  void Add(Partition& partition) {
    const std::lock_guard lock(mutex_);
    if (std::find(waiting_.begin(), waiting_.end(), &partition) == waiting_.end()) waiting_.push_back(&partition);
    work_.notify_one();
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    while (true) {
      work_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
      if (stopping_) return;  // unsealed files are sealed after the next start
      Partition* partition = waiting_.front();
      waiting_.pop_front();
      lock.unlock();
      // A failure loses nothing: the file stays, and the next full one tries both.
      if (!partition->Seal(false) && failures_ != nullptr) failures_->Add();
      lock.lock();
    }
  }

  base::Counter* const failures_;
  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<Partition*> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

struct Meters {
  base::Counter* rows = nullptr;
  base::Counter* duplicates = nullptr;
  base::Counter* syncs = nullptr;
  base::Counter* seal_failures = nullptr;
};

Meters MakeMeters(base::Counters* counters) {
  if (counters == nullptr) return {};
  return {&counters->Get("store_logbook_rows_total", "Rows appended."),
          &counters->Get("store_logbook_duplicates_total", "Appends that were repeats."),
          &counters->Get("store_logbook_syncs_total", "Syncs of write-ahead files."),
          &counters->Get("store_logbook_seal_failures_total", "Write-ahead files that could not be sealed.")};
}

class FileLogbook final : public Logbook {
 public:
  FileLogbook(const FileLogbookOptions& options, const Meters& meters)
      : folder_(base::JoinPath(options.folder, "streams")),
        clock_(*options.clock),
        meters_(meters),
        commit_(options.sync_every, options.sync_file, meters.syncs),
        context_{commit_, cache_, options.segment_bytes},
        sealer_(meters.seal_failures) {}

  Status Recover();
  Status Declare(const StreamSpec& spec) override;
  Result<AppendResult> Append(AppendRequest request, Durability durability) override;
  Status Sync() override { return commit_.WaitAll(); }
  Result<LogChunk> Read(const ReadRequest& request) const override;
  Result<Cut> End(std::string_view stream) const override;
  Result<std::vector<StreamStats>> Streams() const override;
  Status Seal(std::string_view stream) override;
  Result<std::uint64_t> Erase(std::string_view stream, std::string_view key_value) override;
  Status ApplyRetention() override;
  Status Verify() const override;

 private:
  Result<Stream*> Find(std::string_view name) const;
  Result<Partition*> FindPartition(std::string_view stream, std::int32_t partition) const;
  Status OpenStream(const StreamSpec& spec, const std::string& path);
  std::vector<Stream*> All() const;

  const std::string folder_;
  const base::Clock& clock_;
  const Meters meters_;
  mutable SegmentCache cache_;
  GroupCommit commit_;
  const PartitionContext context_;
  mutable std::shared_mutex mutex_;  // guards the map; a stream, once there, stays
  std::map<std::string, std::unique_ptr<Stream>, std::less<>> streams_;
  Sealer sealer_;  // stops before the partitions go
};

Result<Stream*> FileLogbook::Find(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  const auto it = streams_.find(name);
  if (it != streams_.end()) return it->second.get();
  std::vector<std::string> names;
  for (const auto& [known, stream] : streams_) names.push_back(known);
  return NotFound("no stream {}; near it: {}; declare it first", name,
                  fmt::join(data::NearMisses(name, names), ", "));
}

Result<Partition*> FileLogbook::FindPartition(std::string_view stream, std::int32_t partition) const {
  Stream* found = SW_TRY(Find(stream));
  if (partition < 0 || partition >= found->spec.partitions) {
    return NotFound("stream {} has no partition {}; it has {}, from 0", stream, partition, found->spec.partitions);
  }
  return found->partitions[static_cast<std::size_t>(partition)].get();
}

std::vector<Stream*> FileLogbook::All() const {
  const std::shared_lock lock(mutex_);
  std::vector<Stream*> all;
  for (const auto& [name, stream] : streams_) all.push_back(stream.get());
  return all;
}

Status FileLogbook::OpenStream(const StreamSpec& spec, const std::string& path) {
  auto stream = std::make_unique<Stream>(Stream{spec, {}});
  for (std::int32_t i = 0; i < spec.partitions; ++i) {
    stream->partitions.push_back(
        SW_TRY(Partition::Open(base::JoinPath(path, std::to_string(i)), context_)));
  }
  streams_[spec.name] = std::move(stream);
  return Ok();
}

Status FileLogbook::Recover() {
  const std::unique_lock lock(mutex_);
  // Folders that a killed process made may not be on disk yet, and rows will be promised in them.
  SW_TRY(base::SyncFolder(folder_));
  for (const std::string& name : SW_TRY(base::ListFolder(folder_))) {
    const std::string path = base::JoinPath(folder_, name);
    SW_TRY(base::SyncFolder(path));
    const std::optional<StreamSpec> spec = SW_TRY(ReadStreamSpec(path));
    if (!spec) continue;  // a crash came before the stream existed
    SW_TRY(OpenStream(*spec, path));
  }
  return Ok();
}

Status FileLogbook::Declare(const StreamSpec& spec) {
  const std::string folder_name = SW_TRY(StreamFolderName(spec.name));
  SW_TRY(CheckStreamSpec(spec));
  const std::unique_lock lock(mutex_);
  if (const auto it = streams_.find(spec.name); it != streams_.end()) {
    if (it->second->spec == spec) return Ok();
    return FailedPrecondition("stream {} exists with other settings: {}, not {}; use those, or another name",
                              spec.name, StreamSpecToJson(it->second->spec).Dump(), StreamSpecToJson(spec).Dump());
  }
  const std::string path = base::JoinPath(folder_, folder_name);
  for (std::int32_t i = 0; i < spec.partitions; ++i) {
    SW_TRY(base::MakeFolders(base::JoinPath(path, std::to_string(i))));
  }
  SW_TRY(WriteStreamSpec(path, spec));
  return OpenStream(spec, path);
}

Result<AppendResult> FileLogbook::Append(AppendRequest request, Durability durability) {
  Partition* partition = SW_TRY(FindPartition(request.stream, request.partition));
  SW_TRY(CheckRows(request.rows));
  const std::string body = EncodeWalBody(request.producer, request.sequence, request.rows);
  if (body.size() > kWalFrameBytesMax - 64) {
    return ResourceExhausted("append of {} bytes passes the limit logbook_frame_bytes_max of {}; send fewer rows at once",
                             body.size(), kWalFrameBytesMax);
  }
  const std::vector<TimeUs>& times = request.rows.event_time;
  Partition::Appended appended =
      SW_TRY(partition->Append(request.producer, request.sequence, static_cast<std::uint32_t>(times.size()),
                               *std::max_element(times.begin(), times.end()), body));
  if (appended.full) sealer_.Add(*partition);
  if (base::Counter* meter = appended.result.duplicate ? meters_.duplicates : meters_.rows) {
    meter->Add(appended.result.duplicate ? 1 : static_cast<std::int64_t>(times.size()));
  }
  if (durability == Durability::kSynced) {
    SW_TRY(commit_.Wait(appended.ticket));
    appended.result.durable = true;
  }
  return appended.result;
}

Result<LogChunk> FileLogbook::Read(const ReadRequest& request) const {
  const Partition* partition = SW_TRY(FindPartition(request.stream, request.partition));
  if (request.from < 0 || request.to < -1 || request.rows_max == 0) {
    return InvalidArgument("read of rows {} to {}, at most {}; give from >= 0, to >= -1, rows_max >= 1", request.from,
                           request.to, request.rows_max);
  }
  const std::int64_t to = request.to < 0 ? partition->End() : request.to;
  const PiecesRead read = SW_TRY(partition->Read(request.from, to, request.rows_max));
  std::vector<const data::Batch*> batches;
  for (const RowsPiece& piece : read.pieces) batches.push_back(&piece.rows->rows.columns);
  const std::vector<data::Field> fields = request.columns.empty() ? UnionFields(batches) : request.columns;
  LogChunk chunk;
  chunk.next = read.next;
  chunk.rows.columns = data::Batch(data::Schema{fields});
  for (const RowsPiece& piece : read.pieces) {
    const LogRows& rows = piece.rows->rows;
    for (std::size_t row = piece.begin; row < piece.begin + piece.count; ++row) {
      chunk.offset.push_back(piece.rows->first_offset + static_cast<std::int64_t>(row));
      chunk.rows.event_time.push_back(rows.event_time[row]);
      chunk.rows.id.push_back(rows.id[row]);
    }
    SW_TRY(AppendWidened(rows.columns, piece.begin, piece.count, fields, chunk.rows.columns));
  }
  return chunk;
}

Result<Cut> FileLogbook::End(std::string_view stream) const {
  const Stream* found = SW_TRY(Find(stream));
  Cut cut;
  for (std::size_t i = 0; i < found->partitions.size(); ++i) {
    cut[static_cast<std::int32_t>(i)] = found->partitions[i]->End();
  }
  return cut;
}

Result<std::vector<StreamStats>> FileLogbook::Streams() const {
  std::vector<StreamStats> all;
  for (const Stream* stream : All()) {
    StreamStats stats;
    stats.spec = stream->spec;
    stats.end = SW_TRY(End(stream->spec.name));
    for (const auto& partition : stream->partitions) partition->AddStats(stats.segments, stats.bytes);
    all.push_back(std::move(stats));
  }
  return all;
}

Status FileLogbook::Seal(std::string_view stream) {
  for (const auto& partition : SW_TRY(Find(stream))->partitions) SW_TRY(partition->Seal(true));
  return Ok();
}

Result<std::uint64_t> FileLogbook::Erase(std::string_view stream, std::string_view key_value) {
  const Stream* found = SW_TRY(Find(stream));
  if (found->spec.erasure_key.empty()) {
    return FailedPrecondition("stream {} has no erasure key; declare streams of personal data with one", stream);
  }
  std::uint64_t erased = 0;
  for (const auto& partition : found->partitions) {
    erased += SW_TRY(partition->Erase(found->spec.erasure_key, key_value));
  }
  return erased;
}

Status FileLogbook::ApplyRetention() {
  for (const Stream* stream : All()) {
    if (stream->spec.retention == 0) continue;
    for (const auto& partition : stream->partitions) {
      SW_TRY(partition->DropBefore(clock_.Now() - stream->spec.retention));
    }
  }
  return Ok();
}

Status FileLogbook::Verify() const {
  for (const Stream* stream : All()) {
    for (const auto& partition : stream->partitions) SW_TRY(partition->Verify());
  }
  return Ok();
}

}  // namespace

Result<std::unique_ptr<Logbook>> OpenFileLogbook(const FileLogbookOptions& options) {
  SW_CHECK(options.clock != nullptr, "the logbook needs a clock");
  SW_TRY(base::MakeFolders(base::JoinPath(options.folder, "streams")));
  SW_TRY(base::OpenFormat(options.folder, kFormat));
  FileLogbookOptions complete = options;
  if (!complete.sync_file) complete.sync_file = [](base::File& file) { return file.Sync(); };
  auto logbook = std::make_unique<FileLogbook>(complete, MakeMeters(options.counters));
  SW_TRY(logbook->Recover());
  return logbook;
}

}  // namespace sw::store
