// Partition's opening and checking: what a crash may leave, and what it may not.
//
// partition.json is the commit point of sealing: segments beyond its sealed_end are leftovers whose
// rows are still in a write-ahead file, and write-ahead files before it are leftovers too.
#include <algorithm>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "base/format_version.h"
#include "store/partition.h"

namespace sw::store {
namespace {

const base::FormatVersion kFormat{"seaworthy/logbook-partition", 0, 0};
constexpr std::uint64_t kStateBytesMax = 64u << 20;

bool Covers(const std::map<std::int64_t, std::int64_t>& ranges, std::int64_t offset) {
  auto it = ranges.upper_bound(offset);
  return it != ranges.begin() && std::prev(it)->second > offset;
}

}  // namespace

Result<std::unique_ptr<Partition>> Partition::Open(std::string folder, PartitionContext context) {
  std::unique_ptr<Partition> partition(new Partition(std::move(folder), context));
  SW_TRY(partition->Recover());
  return partition;
}

std::string Partition::StateText(const Ranges& dropped, const Producers& producers, std::int64_t sealed_end) const {
  Json state = Json::MakeObject({{"format", base::FormatVersionLine(kFormat)}, {"sealed_end", sealed_end}});
  state["dropped"] = Json::MakeArray();
  for (const auto& [first, end] : dropped) state["dropped"].Append(Json::MakeArray({first, end}));
  state["producers"] = Json::MakeArray();
  for (const auto& [name, seen] : producers) {
    state["producers"].Append(
        Json::MakeObject({{"name", name}, {"sequence", seen.sequence}, {"first_offset", seen.first_offset}}));
  }
  return state.Dump() + "\n";
}

Status Partition::ReadState() {
  const std::string path = Path("partition.json");
  if (!base::Exists(path)) return Ok();
  Result<Json> parsed = Json::Parse(SW_TRY(base::ReadFile(path, kStateBytesMax)));
  if (!parsed) return DataLoss("{} at offset 0: {}", path, parsed.error().message);
  const Json& state = *parsed;
  const std::string format = SW_TRY(state.GetString("format"));
  SW_TRY(base::CheckReadable(SW_TRY(base::ParseFormatVersion(format)), kFormat));
  sealed_end_ = SW_TRY(state.GetInt("sealed_end"));
  for (const Json& range : SW_TRY(state.GetArray("dropped"))->AsArray()) {
    if (!range.IsArray() || range.size() != 2 || !range.AsArray()[0].IsInt() || !range.AsArray()[1].IsInt()) {
      return DataLoss("{} holds a range that is none: {}; restore the file from a copy", path, range.Dump());
    }
    dropped_[range.AsArray()[0].AsInt()] = range.AsArray()[1].AsInt();
  }
  for (const Json& seen : SW_TRY(state.GetArray("producers"))->AsArray()) {
    sealed_producers_[SW_TRY(seen.GetString("name"))] = {SW_TRY(seen.GetInt("sequence")),
                                                         SW_TRY(seen.GetInt("first_offset")), 0};
  }
  producers_ = sealed_producers_;
  return Ok();
}

Status Partition::RecoverSegments(const std::vector<std::string>& names) {
  std::int64_t wal_first = -1;  // names are sorted, so the first of the remaining write-ahead files
  for (const std::string& name : names) {
    std::int64_t first = 0;
    if (wal_first < 0 && ParseWalName(name, first) && first >= sealed_end_) wal_first = first;
  }
  for (const std::string& name : names) {
    std::optional<Segment> segment = ParseSegmentName(name);
    if (!segment) continue;
    const bool uncommitted = segment->first >= sealed_end_ && wal_first >= 0 && segment->first >= wal_first;
    const auto rival = segments_.find(segment->first);
    const bool stale = rival != segments_.end() && rival->second.generation > segment->generation;
    if (uncommitted || stale || Covers(dropped_, segment->first)) {
      SW_TRY(base::RemoveFile(Path(name)));
      continue;
    }
    if (rival != segments_.end()) SW_TRY(base::RemoveFile(Path(rival->second.Name())));
    segment->bytes = SW_TRY(SW_TRY(base::File::OpenForRead(Path(name))).Size());
    segments_[segment->first] = *segment;
  }
  std::int64_t at = 0;
  Ranges ranges = dropped_;
  for (const auto& [first, segment] : segments_) ranges[first] = segment.end;
  for (const auto& [first, end] : ranges) {
    if (first != at) break;
    at = end;
  }
  if (at == sealed_end_ && (ranges.empty() || ranges.rbegin()->second == at)) return Ok();
  return DataLoss("{} lacks the segment of row {} of {} that were sealed; restore the file from a copy", folder_, at,
                  sealed_end_);
}

Status Partition::RecoverWal(std::int64_t first, bool last) {
  auto wal = std::make_shared<Wal>();
  wal->path = Path(WalName(first));
  wal->first_offset = first;
  WalScan scan = SW_TRY(ScanWal(wal->path, last));
  if (first != next_offset_ || (!scan.frames.empty() && scan.frames.front().first_offset != first)) {
    return DataLoss("{} begins at row {}, after row {}; restore the file between them from a copy", wal->path, first,
                    next_offset_);
  }
  if (last) {
    base::File file = SW_TRY(base::File::OpenForReadWrite(wal->path));
    // A closing frame says that what is before it is on disk, but a torn frame may follow it.
    if (!scan.closed || SW_TRY(file.Size()) > scan.good_bytes) {
      // Rows that survived are served from now on, so they must be on disk before anybody reads them;
      // rewritten, as the process before may have ended because a sync of them failed.
      SW_TRY(file.Truncate(scan.good_bytes));
      SW_TRY(file.Rewrite());
    }
  }
  wal->written = scan.closed ? scan.closing_at : scan.good_bytes;
  wal->synced = wal->written.load();
  wal->frames = std::move(scan.frames);
  next_offset_ = wal->end();
  for (const WalProducer& seen : scan.producers) {
    Remember(producers_, seen.name, {seen.sequence, seen.first_offset, 0});
  }
  closing_frame_ = scan.closed || wal->frames.empty();
  if (last) {
    active_ = std::move(wal);
  } else {
    full_.push_back(std::move(wal));
  }
  return Ok();
}

Status Partition::RecoverWals(const std::vector<std::string>& names) {
  std::vector<std::int64_t> firsts;
  for (const std::string& name : names) {
    std::int64_t first = 0;
    if (!ParseWalName(name, first)) continue;
    if (first < sealed_end_) {
      SW_TRY(base::RemoveFile(Path(name)));
    } else {
      firsts.push_back(first);
    }
  }
  next_offset_ = sealed_end_;
  for (std::size_t i = 0; i < firsts.size(); ++i) SW_TRY(RecoverWal(firsts[i], i + 1 == firsts.size()));
  return Ok();
}

Status Partition::Recover() {
  // A process that was killed may have left names that are not on disk yet. What follows relies on
  // them: rows go into a file found here, and a file is removed because another replaced it.
  SW_TRY(base::SyncFolder(folder_));
  const std::vector<std::string> names = SW_TRY(base::ListFolder(folder_));
  for (const std::string& name : names) {
    if (name.find(".tmp-") != std::string::npos) SW_TRY(base::RemoveFile(Path(name)));
  }
  SW_TRY(ReadState());
  SW_TRY(RecoverSegments(names));
  return RecoverWals(names);
}

Status Partition::Verify() const {
  const std::lock_guard seal_lock(seal_mutex_);
  std::map<std::int64_t, Segment> segments;
  std::vector<std::pair<std::string, std::vector<WalFrame>>> wals;
  {
    const std::lock_guard lock(mutex_);
    segments = segments_;
    for (const std::shared_ptr<Wal>& wal : full_) wals.emplace_back(wal->path, wal->frames);
    if (active_) wals.emplace_back(active_->path, active_->frames);
  }
  for (const auto& [first, segment] : segments) SW_TRY(ReadSegment(folder_, segment));
  for (const auto& [path, frames] : wals) {
    SW_TRY(ForEachWalFrame(path, frames, kReadBytesMax, [](const WalRows&) { return Ok(); }));
  }
  return Ok();
}

}  // namespace sw::store
