// Blobs on local disk: blobs/ab/cdef... is the content whose SHA-256 is abcdef...
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>

#include "base/errors.h"
#include "base/files.h"
#include "base/format_version.h"
#include "base/hash.h"
#include "store/blobs.h"

namespace sw::store {
namespace {

const base::FormatVersion kFormat{"seaworthy/blobs", 0, 0};
constexpr std::size_t kChunkBytes = 1u << 20;
constexpr std::size_t kHashDigits = 64;

bool IsLowerHex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Status CheckHash(std::string_view hash) {
  if (hash.size() == kHashDigits && IsLowerHex(hash)) return Ok();
  return InvalidArgument("a blob is named by 64 lower-case hex digits, not by '{}'", hash.substr(0, 80));
}

Status SetWritten(const std::string& path, TimeUs written) {
  timespec time{};
  time.tv_sec = static_cast<time_t>(written / base::kSecondUs);
  time.tv_nsec = static_cast<long>(written % base::kSecondUs) * 1'000;
  const std::array times = {time, time};
  if (::utimensat(AT_FDCWD, path.c_str(), times.data(), 0) == 0) return Ok();
  return Unavailable("{}: setting its time: {}", path, std::strerror(errno));
}

struct BlobStat {
  std::uint64_t bytes = 0;
  TimeUs written = 0;
};

Result<BlobStat> StatBlob(const std::string& path, std::string_view hash) {
  struct stat found{};
  if (::stat(path.c_str(), &found) == 0) {
    return BlobStat{static_cast<std::uint64_t>(found.st_size),
                    TimeUs{found.st_mtim.tv_sec} * base::kSecondUs + found.st_mtim.tv_nsec / 1'000};
  }
  if (errno == ENOENT) return NotFound("no blob {}", hash);
  return Unavailable("{}: {}", path, std::strerror(errno));
}

class DiskBlobs final : public Blobs {
 public:
  DiskBlobs(std::string folder, const base::Clock& clock) : folder_(std::move(folder)), clock_(clock) {}

  Status Open();
  Result<std::unique_ptr<BlobWriter>> NewWriter() override;
  Result<bool> Has(std::string_view hash) const override;
  Result<std::uint64_t> Size(std::string_view hash) const override;
  Result<std::string> Read(std::string_view hash, std::uint64_t offset, std::uint64_t bytes_max) const override;
  Result<std::string> LocalPath(std::string_view hash) const override;
  Status ForEach(const std::function<Status(std::string_view, std::uint64_t, TimeUs)>& visit) const override;
  Result<std::uint64_t> Sweep(const std::set<std::string>& marked, DurationUs grace) override;
  Status Verify() const override;

  // Makes the synced file `tmp` the blob `hash`; on disk when it returns.
  Status Adopt(const std::string& tmp, const std::string& hash);

 private:
  std::string ShardPath(std::string_view hash) const { return base::JoinPath(folder_, hash.substr(0, 2)); }
  std::string PathOf(std::string_view hash) const { return base::JoinPath(ShardPath(hash), hash.substr(2)); }
  std::string TmpFolder() const { return base::JoinPath(folder_, "tmp"); }
  Status MakeShard(std::string_view hash);
  void NoteChange(std::string_view hash);
  Status Settle(std::string_view hash) const;
  Result<BlobStat> Find(std::string_view hash) const;

  const std::string folder_;
  const base::Clock& clock_;
  std::atomic<std::uint64_t> next_tmp_{0};
  // Held while a blob appears, is touched or is swept, so that Sweep never removes what a Commit
  // has just found to exist.
  std::mutex names_mutex_;
  std::set<std::string, std::less<>> synced_shards_;

  struct Shard {
    std::uint64_t changes = 1;  // of names; what an earlier process left counts as one
    std::uint64_t synced = 0;   // how many of them are on disk
  };
  mutable std::mutex shards_mutex_;
  mutable std::map<std::string, Shard, std::less<>> shards_;
};

class DiskBlobWriter final : public BlobWriter {
 public:
  DiskBlobWriter(DiskBlobs& blobs, base::File file) : blobs_(blobs), file_(std::move(file)) {}
  ~DiskBlobWriter() override {
    // A file that stays behind is removed at the next start.
    if (!adopted_) static_cast<void>(base::RemoveFile(file_.path()));
  }

  Status Write(std::string_view bytes) override {
    if (done_) return FailedPrecondition("the blob is committed; begin another writer");
    if (failed_) return FailedPrecondition("an earlier write of this blob failed; begin another writer");
    Status status = file_.Append(bytes);
    failed_ = !status;
    hash_.Update(bytes);
    return status;
  }
  Result<std::string> Commit() override { return Finish({}); }
  Status CommitAs(std::string_view expected_hash) override {
    SW_TRY(CheckHash(expected_hash));
    SW_TRY(Finish(expected_hash));
    return Ok();
  }

 private:
  Result<std::string> Finish(std::string_view expected) {
    if (done_ || failed_) return FailedPrecondition("the blob is committed or its write failed; begin another writer");
    done_ = true;
    std::string hash = hash_.FinishHex();
    if (!expected.empty() && hash != expected) {
      return DataLoss("blob: the content's hash is {}, {} was expected; send it again", hash, expected);
    }
    SW_TRY(file_.Sync());
    SW_TRY(blobs_.Adopt(file_.path(), hash));
    adopted_ = true;
    return hash;
  }

  DiskBlobs& blobs_;
  base::File file_;
  base::Sha256 hash_;
  bool failed_ = false;
  bool done_ = false;
  bool adopted_ = false;
};

Status DiskBlobs::Open() {
  SW_TRY(base::MakeFolders(folder_));
  SW_TRY(base::OpenFormat(folder_, kFormat));
  SW_TRY(base::MakeFolders(TmpFolder()));
  // Unfinished writes of a process that died: the data folder's lock says that none is alive.
  for (const std::string& name : SW_TRY(base::ListFolder(TmpFolder()))) {
    SW_TRY(base::RemoveFile(base::JoinPath(TmpFolder(), name)));
  }
  return Ok();
}

Result<std::unique_ptr<BlobWriter>> DiskBlobs::NewWriter() {
  const std::string path = base::JoinPath(TmpFolder(), std::to_string(next_tmp_.fetch_add(1)));
  return std::make_unique<DiskBlobWriter>(*this, SW_TRY(base::File::OpenForAppend(path)));
}

Status DiskBlobs::MakeShard(std::string_view hash) {
  const std::string_view shard = hash.substr(0, 2);
  if (synced_shards_.contains(shard)) return Ok();
  const std::string path = ShardPath(hash);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return Unavailable("{}: {}", path, std::strerror(errno));
  SW_TRY(base::SyncFolder(folder_));
  synced_shards_.emplace(shard);
  return Ok();
}

Status DiskBlobs::Adopt(const std::string& tmp, const std::string& hash) {
  const std::string path = PathOf(hash);
  {
    const std::lock_guard lock(names_mutex_);
    SW_TRY(MakeShard(hash));
    if (base::Exists(path)) {
      // Its grace time begins again: the caller is about to refer to it.
      SW_TRY(SetWritten(path, clock_.Now()));
      SW_TRY(base::RemoveFile(tmp));
    } else {
      SW_TRY(SetWritten(tmp, clock_.Now()));
      // Counted before, so that whoever finds the blob syncs, and after, so that a sync between
      // the two is not taken for one of this name.
      NoteChange(hash);
      if (std::rename(tmp.c_str(), path.c_str()) != 0) return Unavailable("{}: {}", path, std::strerror(errno));
      NoteChange(hash);
    }
  }
  return Settle(hash);
}

void DiskBlobs::NoteChange(std::string_view hash) {
  const std::lock_guard lock(shards_mutex_);
  ++shards_[std::string(hash.substr(0, 2))].changes;
}

// Returns when the blob's name is on disk. Whoever finds a blob may rely on it, even though the
// writer that made it has not synced its folder yet, could not, or was killed before.
Status DiskBlobs::Settle(std::string_view hash) const {
  std::uint64_t changes = 0;
  {
    const std::lock_guard lock(shards_mutex_);
    const Shard& shard = shards_[std::string(hash.substr(0, 2))];
    if (shard.synced == shard.changes) return Ok();
    changes = shard.changes;
  }
  SW_TRY(base::SyncFolder(ShardPath(hash)));
  const std::lock_guard lock(shards_mutex_);
  Shard& shard = shards_[std::string(hash.substr(0, 2))];
  shard.synced = std::max(shard.synced, changes);
  return Ok();
}

Result<BlobStat> DiskBlobs::Find(std::string_view hash) const {
  SW_TRY(CheckHash(hash));
  const BlobStat found = SW_TRY(StatBlob(PathOf(hash), hash));
  SW_TRY(Settle(hash));
  return found;
}

Result<bool> DiskBlobs::Has(std::string_view hash) const {
  const auto found = Find(hash);
  if (found) return true;
  if (found.error().code == ErrorCode::kNotFound) return false;
  return std::unexpected(found.error());
}

Result<std::uint64_t> DiskBlobs::Size(std::string_view hash) const { return SW_TRY(Find(hash)).bytes; }

Result<std::string> DiskBlobs::Read(std::string_view hash, std::uint64_t offset, std::uint64_t bytes_max) const {
  const std::uint64_t size = SW_TRY(Size(hash));
  if (offset >= size) return std::string();
  std::string bytes(std::min(bytes_max, size - offset), '\0');
  const base::File file = SW_TRY(base::File::OpenForRead(PathOf(hash)));
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const std::size_t got = SW_TRY(file.ReadAt(offset + filled, bytes.data() + filled, bytes.size() - filled));
    if (got == 0) return DataLoss("blob {}: ends at byte {}, {} were expected", hash, offset + filled, size);
    filled += got;
  }
  return bytes;
}

Result<std::string> DiskBlobs::LocalPath(std::string_view hash) const {
  SW_TRY(Size(hash));
  return PathOf(hash);
}

Status DiskBlobs::ForEach(const std::function<Status(std::string_view, std::uint64_t, TimeUs)>& visit) const {
  for (const std::string& shard : SW_TRY(base::ListFolder(folder_))) {
    if (shard.size() != 2 || !IsLowerHex(shard)) continue;
    for (const std::string& name : SW_TRY(base::ListFolder(base::JoinPath(folder_, shard)))) {
      const std::string hash = shard + name;
      if (!CheckHash(hash)) continue;  // not ours: left alone
      const auto found = StatBlob(PathOf(hash), hash);
      if (!found && found.error().code == ErrorCode::kNotFound) continue;  // swept meanwhile
      const BlobStat stat = SW_TRY(found);
      SW_TRY(visit(hash, stat.bytes, stat.written));
    }
  }
  return Ok();
}

Result<std::uint64_t> DiskBlobs::Sweep(const std::set<std::string>& marked, DurationUs grace) {
  std::uint64_t freed = 0;
  SW_TRY(ForEach([&](std::string_view hash, std::uint64_t, TimeUs) -> Status {
    if (marked.contains(std::string(hash))) return Ok();
    const std::lock_guard lock(names_mutex_);
    if (!base::Exists(PathOf(hash))) return Ok();                // another Sweep was faster
    const BlobStat stat = SW_TRY(StatBlob(PathOf(hash), hash));  // again: it may have been touched
    if (clock_.Now() - stat.written <= grace) return Ok();
    SW_TRY(base::RemoveFile(PathOf(hash)));
    freed += stat.bytes;
    return Ok();
  }));
  return freed;
}

Status DiskBlobs::Verify() const {
  return ForEach([&](std::string_view hash, std::uint64_t bytes, TimeUs) -> Status {
    base::Sha256 sha256;
    for (std::uint64_t offset = 0; offset < bytes; offset += kChunkBytes) {
      sha256.Update(SW_TRY(Read(hash, offset, kChunkBytes)));
    }
    if (sha256.FinishHex() == hash) return Ok();
    return DataLoss("blob {}: {} does not hold what its name says; restore it from a backup", hash, PathOf(hash));
  });
}

}  // namespace

Result<std::unique_ptr<Blobs>> OpenDiskBlobs(const std::string& folder, const base::Clock& clock) {
  auto blobs = std::make_unique<DiskBlobs>(folder, clock);
  SW_TRY(blobs->Open());
  return blobs;
}

}  // namespace sw::store
