#include "store/data_folder.h"

#include <unistd.h>

#include <algorithm>

#include "base/errors.h"
#include "base/format_version.h"

namespace sw::store {
namespace {

const base::FormatVersion kFormat{"seaworthy/data", 0, 0};
constexpr std::size_t kDrainRows = 1'000;
constexpr std::string_view kOutboxProducer = "catalog";

std::string MarkerPath(const std::string& folder) {
  return base::JoinPath(base::JoinPath(folder, "online"), "CLEAN_SHUTDOWN");
}

Result<base::File> TakeLock(const std::string& folder, std::string_view purpose) {
  const std::string path = base::JoinPath(folder, "LOCK");
  base::File lock = SW_TRY(base::File::OpenForAppend(path));
  if (const Status locked = lock.Lock(); !locked) {
    if (locked.error().code != ErrorCode::kFailedPrecondition) return std::unexpected(locked.error());
    std::string holder = base::ReadFile(path, 4096).value_or("");
    holder.resize(std::min(holder.find('\n'), holder.size()));
    if (holder.empty()) holder = "another process";
    return FailedPrecondition("the data folder {} is in use by {}; stop it, or talk to its server", folder, holder);
  }
  SW_TRY(lock.Truncate(0));
  SW_TRY(lock.Append(fmt::format("process {} (seaworthy {})\n", ::getpid(), purpose)));
  return lock;
}

// A folder without FORMAT must be empty: a mistyped --data must not sprinkle files over a home.
Status CheckUnused(const std::string& folder) {
  for (const std::string& name : SW_TRY(base::ListFolder(folder))) {
    if (name == "LOCK" || name.starts_with("FORMAT.tmp-")) continue;  // of a start that was cut short
    if (base::Exists(base::JoinPath(folder, "FORMAT"))) return Ok();  // another process came first
    return FailedPrecondition("{} is no data folder of seaworthy and holds {}; name an empty or a new folder", folder,
                              name);
  }
  return Ok();
}

// Without the marker LMDB's file may be torn, as it was not synced: it is not even opened.
Result<bool> TakeOnlineMarker(const std::string& folder, bool is_new) {
  if (base::Exists(MarkerPath(folder))) {
    SW_TRY(base::RemoveFile(MarkerPath(folder)));
    SW_TRY(base::SyncFolder(base::JoinPath(folder, "online")));
    return false;
  }
  const std::string online = base::JoinPath(folder, "online");
  if (base::Exists(online)) SW_TRY(base::RemoveFolder(online));
  return !is_new;
}

Status AppendToLogbook(Logbook& logbook, OutboxRow row) {
  AppendRequest request{row.stream, 0, std::string(kOutboxProducer), row.sequence, {}};
  request.rows.event_time.push_back(row.event_time);
  request.rows.id.push_back(std::move(row.id));
  request.rows.columns = std::move(row.row);
  auto appended = logbook.Append(request, Durability::kBuffered);
  if (!appended && appended.error().code == ErrorCode::kNotFound) {
    // An event must not be stuck for ever because nobody declared its stream.
    StreamSpec spec;
    spec.name = row.stream;
    SW_TRY(logbook.Declare(spec));
    appended = logbook.Append(std::move(request), Durability::kBuffered);
  }
  SW_TRY(std::move(appended));
  return Ok();
}

}  // namespace

Result<std::unique_ptr<DataFolder>> DataFolder::Open(const std::string& folder, const base::Clock& clock,
                                                     base::Counters& counters, std::string_view purpose) {
  std::unique_ptr<DataFolder> data(new DataFolder());
  data->path_ = folder;
  SW_TRY(base::MakeFolders(folder));
  const std::string format = base::JoinPath(folder, "FORMAT");
  if (!base::Exists(format)) SW_TRY(CheckUnused(folder));
  data->lock_ = SW_TRY(TakeLock(folder, purpose));
  // Names that a killed process left here may not be on disk yet, and what follows relies on them.
  SW_TRY(base::SyncFolder(folder));
  const bool is_new = !base::Exists(format);
  SW_TRY(base::OpenFormat(folder, kFormat));
  data->catalog_ = SW_TRY(OpenSqliteCatalog({.path = base::JoinPath(folder, "catalog.sqlite"), .clock = &clock}));
  data->blobs_ = SW_TRY(OpenDiskBlobs(base::JoinPath(folder, "blobs"), clock));
  FileLogbookOptions logbook;
  logbook.folder = base::JoinPath(folder, "logbook");
  logbook.clock = &clock;
  logbook.counters = &counters;
  logbook.sync_every = 40 * base::kMillisecondUs;  // a sync takes the disk 0.2 ms, and Durability::kBuffered promises 50
  data->logbook_ = SW_TRY(OpenFileLogbook(logbook));
  data->online_was_lost_ = SW_TRY(TakeOnlineMarker(folder, is_new));
  data->online_ = SW_TRY(OpenLmdbOnline({.folder = base::JoinPath(folder, "online")}));
  SW_TRY(data->DrainOutbox());
  return data;
}

DataFolder::~DataFolder() {
  if (!online_) return;
  // The logbook first: what the online store holds must never be newer than what can rebuild it.
  const bool synced = logbook_->Sync().has_value() && online_->Sync().has_value();
  online_.reset();
  // No marker is always safe: the next start rebuilds.
  if (synced && !online_was_lost_) static_cast<void>(base::WriteFileAtomic(MarkerPath(path_), "clean\n"));
}

Status DataFolder::DrainOutbox() {
  const std::lock_guard lock(drain_mutex_);  // the logbook takes one append of a producer at a time
  while (true) {
    std::vector<OutboxRow> rows = SW_TRY(catalog_->Outbox(kDrainRows));
    if (rows.empty()) return Ok();
    const std::int64_t last = rows.back().sequence;
    for (OutboxRow& row : rows) SW_TRY(AppendToLogbook(*logbook_, std::move(row)));
    SW_TRY(logbook_->Sync());
    SW_TRY(catalog_->DropOutbox(last));
  }
}

}  // namespace sw::store
