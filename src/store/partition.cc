#include "store/partition.h"

#include <algorithm>

#include "base/errors.h"
#include "base/files.h"
#include "store/log_rows.h"

namespace sw::store {

std::string Partition::Path(std::string_view name) const { return base::JoinPath(folder_, name); }

Partition::~Partition() {
  if (!active_ || !active_->file.IsOpen() || closing_frame_) return;
  // A clean end: what is here now is known to be on disk, so later damage will be told from a tear.
  if (!context_.commit.SyncNow(*active_)) return;
  // Not synced: nothing stands on it, and without it the next opening writes the rows again.
  static_cast<void>(WriteFrame(EncodeClosingFrame(active_->synced.load())));
}

void Partition::Remember(Producers& producers, const std::string& name, Seen seen) {
  producers[name] = seen;
  if (producers.size() <= kProducersMax) return;
  producers.erase(std::min_element(producers.begin(), producers.end(), [](const auto& a, const auto& b) {
    return a.second.first_offset < b.second.first_offset;
  }));
}

Status Partition::OpenActive() {
  if (!active_) {
    auto wal = std::make_shared<Wal>();
    wal->first_offset = next_offset_;
    wal->path = Path(WalName(next_offset_));
    const std::string header = WalHeader();
    SW_TRY(base::WriteFileAtomic(wal->path, header));
    wal->written = header.size();
    wal->synced = header.size();
    active_ = std::move(wal);
    closing_frame_ = true;
  }
  if (!active_->file.IsOpen()) {
    base::File file = SW_TRY(base::File::OpenForAppend(active_->path));
    SW_TRY(file.Truncate(active_->written.load()));  // takes a closing frame away
    active_->file = std::move(file);
  }
  return Ok();
}

// Takes back what a failed write left, so that the file stays a row of whole frames.
Status Partition::WriteFrame(std::string_view frame) {
  const Status written = active_->file.Append(frame);
  if (written) {
    active_->written += frame.size();
    return Ok();
  }
  if (const Status cut = active_->file.Truncate(active_->written.load()); !cut) {
    context_.commit.Fail(DataLoss("the logbook stopped writing: {} could not be cut back to byte {} ({}); check the "
                                  "disk, then restart", active_->path, active_->written.load(),
                                  cut.error().message).error());
  }
  return Unavailable("appending to the logbook failed, nothing was written ({}); free space on the disk and try again",
                     written.error().message);
}

Result<Partition::Appended> Partition::Append(const std::string& producer, std::int64_t sequence, std::uint32_t rows,
                                              TimeUs event_time_max, std::string_view body) {
  const std::lock_guard lock(mutex_);
  if (!producer.empty()) {
    const auto seen = producers_.find(producer);
    if (seen != producers_.end() && sequence <= seen->second.sequence) {
      const std::int64_t first = sequence == seen->second.sequence ? seen->second.first_offset : -1;
      return Appended{{first, true, false}, seen->second.ticket, false};
    }
  }
  SW_TRY(context_.commit.Health());
  SW_TRY(OpenActive());
  const std::string frame = EncodeWalFrame(next_offset_, active_->synced.load(), body);
  const WalFrame index{next_offset_, rows, active_->written.load(), frame.size(), event_time_max};
  SW_TRY(WriteFrame(frame));
  closing_frame_ = false;
  active_->frames.push_back(index);
  next_offset_ = index.end();
  Appended appended{{index.first_offset, false, false}, context_.commit.Mark(active_), false};
  if (!producer.empty()) Remember(producers_, producer, {sequence, index.first_offset, appended.ticket});
  if (active_->written.load() >= context_.segment_bytes) appended.full = Rotate().has_value();
  return appended;
}

// Syncs before the next file begins, so that only the last file can have a torn tail.
Status Partition::Rotate() {
  if (!active_ || active_->frames.empty()) return Ok();
  if (active_->file.IsOpen()) SW_TRY(context_.commit.SyncNow(*active_));
  full_.push_back(std::move(active_));
  active_ = nullptr;
  return Ok();
}

Result<std::vector<Segment>> Partition::WriteSegments(const Wal& wal, Producers& producers) const {
  std::vector<Segment> segments;
  SegmentBuilder builder(static_cast<std::size_t>(wal.end() - wal.first_offset));
  SW_TRY(ForEachWalFrame(wal.path, wal.frames, kSealBytesMax, [&](const WalRows& frame) -> Status {
    if (!builder.Takes(frame.rows.columns)) segments.push_back(SW_TRY(builder.Write(folder_)));
    if (!frame.producer.empty()) Remember(producers, frame.producer, {frame.sequence, frame.first_offset, 0});
    return builder.Add(frame);
  }));
  segments.push_back(SW_TRY(builder.Write(folder_)));
  return segments;
}

Status Partition::SealWal(const Wal& wal) {
  Producers producers;
  Ranges dropped;
  {
    const std::lock_guard lock(mutex_);
    producers = sealed_producers_;
    dropped = dropped_;
  }
  const std::vector<Segment> segments = SW_TRY(WriteSegments(wal, producers));
  SW_TRY(base::WriteFileAtomic(Path("partition.json"), StateText(dropped, producers, wal.end())));
  {
    const std::lock_guard lock(mutex_);
    for (const Segment& segment : segments) segments_[segment.first] = segment;
    sealed_producers_ = std::move(producers);
    sealed_end_ = wal.end();
  }
  return base::RemoveFile(wal.path);
}

Status Partition::SealLocked(bool active) {
  if (active) {
    const std::lock_guard lock(mutex_);
    SW_TRY(Rotate());
  }
  while (true) {
    std::shared_ptr<Wal> wal;
    {
      const std::lock_guard lock(mutex_);
      if (full_.empty()) return Ok();
      wal = full_.front();
    }
    SW_TRY(SealWal(*wal));
    const std::lock_guard lock(mutex_);
    full_.erase(full_.begin());
  }
}

Status Partition::Seal(bool active) {
  const std::lock_guard seal_lock(seal_mutex_);
  return SealLocked(active);
}

Result<std::uint64_t> Partition::Erase(const std::string& key, std::string_view value) {
  const std::lock_guard seal_lock(seal_mutex_);
  SW_TRY(SealLocked(true));
  std::map<std::int64_t, Segment> segments;
  {
    const std::lock_guard lock(mutex_);
    segments = segments_;
  }
  std::uint64_t erased = 0;
  for (auto& [first, segment] : segments) {
    const std::string old_path = Path(segment.Name());
    const std::uint64_t count = SW_TRY(EraseInSegment(folder_, key, value, segment));
    if (count == 0) continue;
    erased += count;
    {
      const std::lock_guard lock(mutex_);
      segments_[first] = segment;
    }
    context_.cache.Forget(old_path);
    SW_TRY(base::RemoveFile(old_path));
  }
  if (erased > 0) SW_TRY(base::SyncFolder(folder_));
  return erased;
}

Status Partition::DropBefore(TimeUs horizon) {
  const std::lock_guard seal_lock(seal_mutex_);
  std::map<std::int64_t, Segment> segments;
  bool seal = false;
  {
    const std::lock_guard lock(mutex_);
    if (active_) {
      seal = std::all_of(active_->frames.begin(), active_->frames.end(),
                         [&](const WalFrame& frame) { return frame.event_time_max < horizon; });
    }
  }
  SW_TRY(SealLocked(seal));
  {
    const std::lock_guard lock(mutex_);
    segments = segments_;
  }
  for (const auto& [first, segment] : segments) {
    const std::shared_ptr<const StoredRows> rows = SW_TRY(context_.cache.Load(folder_, segment));
    const std::vector<TimeUs>& times = rows->rows.event_time;
    if (*std::max_element(times.begin(), times.end()) >= horizon) continue;
    const std::lock_guard lock(mutex_);
    Ranges dropped = dropped_;
    dropped[first] = segment.end;
    SW_TRY(base::WriteFileAtomic(Path("partition.json"), StateText(dropped, sealed_producers_, sealed_end_)));
    dropped_ = std::move(dropped);
    segments_.erase(first);
    context_.cache.Forget(Path(segment.Name()));
    SW_TRY(base::RemoveFile(Path(segment.Name())));
  }
  return Ok();
}

std::int64_t Partition::End() const {
  const std::lock_guard lock(mutex_);
  return next_offset_;
}

void Partition::AddStats(std::uint64_t& segments, std::uint64_t& bytes) const {
  const std::lock_guard lock(mutex_);
  segments += segments_.size();
  for (const auto& [first, segment] : segments_) bytes += segment.bytes;
  for (const std::shared_ptr<Wal>& wal : full_) bytes += wal->written.load();
  if (active_) bytes += active_->written.load();
}

}  // namespace sw::store
