#include "feast/registry.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"

namespace sw::feast {
namespace {

using Objects = ::feast::core::Registry;

constexpr std::string_view kSchemaVersion = "1";  // Feast's REGISTRY_SCHEMA_VERSION
constexpr int kReadsMax = 10;                     // of a file that changes while it is read
constexpr int kChangesMax = 5;                    // of one change, against others who replace the file
constexpr std::int64_t kPauseNs = 2'000'000;      // between reads of a file that is being written
// A file younger than this may change again within one tick of the file system's clock, unseen by Mark.
constexpr std::int64_t kYoungNs = 100'000'000;

// What tells a file from the one that was read.
struct Mark {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t modified_ns = 0;
  mode_t mode = 0644;
  uid_t owner = 0;
  gid_t group = 0;
  bool is_plain = true;
  bool IsSameFile(const Mark& other) const {
    return device == other.device && inode == other.inode && size == other.size && modified_ns == other.modified_ns;
  }
};

Mark MarkOf(const struct stat& found) {
  return {found.st_dev,           found.st_ino, found.st_size, found.st_mtim.tv_sec * 1'000'000'000LL + found.st_mtim.tv_nsec,
          found.st_mode & 07777u, found.st_uid, found.st_gid, S_ISREG(found.st_mode)};
}

// None: there is no file.
std::optional<Mark> MarkOfFile(const std::string& path) {
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) return std::nullopt;
  return MarkOf(found);
}

// The kernel's clock, which stamps files; a manual clock says nothing about them.
bool IsYoung(const Mark& mark) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec - mark.modified_ns < kYoungNs;
}

// The file behind a link is replaced, not the link.
std::string ResolveLinks(const std::string& path) {
  char* resolved = realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return path;
  std::string file(resolved);
  std::free(resolved);
  return file;
}

std::string FolderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
}

// A snapshot and the projects that were asked for of it.
struct Loaded {
  RegistrySnapshot snapshot;
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<const Project>, std::less<>> projects;  // guarded by mutex
};

class FileRegistry final : public Registry {
 public:
  FileRegistry(std::string path, const base::Clock& clock, base::IdGenerator& ids) : path_(std::move(path)), clock_(clock), ids_(ids) {}

  Result<RegistrySnapshot> Snapshot() const override { return SW_TRY(Load())->snapshot; }
  Status Change(const std::function<Status(Objects&)>& change) override;
  Result<std::shared_ptr<const Project>> Find(std::string_view project) const override;

 private:
  Result<std::shared_ptr<Loaded>> Load() const;
  Result<std::shared_ptr<Loaded>> ReadAgain() const;
  std::shared_ptr<Loaded> Take(RegistrySnapshot snapshot, const std::optional<Mark>& mark, std::uint64_t hash) const;
  Result<bool> Replace(const std::optional<Mark>& expected, RegistrySnapshot objects);

  const std::string path_;
  const base::Clock& clock_;
  base::IdGenerator& ids_;
  std::mutex change_mutex_;  // one change at a time; taken before mutex_
  mutable std::mutex mutex_;
  mutable std::shared_ptr<Loaded> loaded_;  // guarded by mutex_, as what follows; null: nothing could be read yet
  mutable std::optional<Mark> mark_;        // of the file in loaded_; none: there was no file
  mutable std::uint64_t hash_ = 0;          // of its bytes
  mutable bool is_settled_ = false;         // mark_ tells of every further change
};

Result<std::shared_ptr<Loaded>> FileRegistry::Load() const {
  const std::scoped_lock lock(mutex_);
  const std::optional<Mark> now = MarkOfFile(path_);
  if (!now) return Take(std::make_shared<Objects>(), now, 0);
  if (loaded_ && is_settled_ && mark_ && mark_->IsSameFile(*now)) return loaded_;
  Result<std::shared_ptr<Loaded>> read = ReadAgain();
  if (!read) is_settled_ = false;
  return read;
}

// Feast truncates the file, then writes it: what was caught in between is read again.
Result<std::shared_ptr<Loaded>> FileRegistry::ReadAgain() const {
  std::unexpected<Error> problem = Unavailable("{} changes all the time; retry", path_);
  for (int read = 0; read < kReadsMax; ++read) {
    if (read > 0) {
      const timespec pause{.tv_sec = 0, .tv_nsec = kPauseNs};
      nanosleep(&pause, nullptr);
    }
    const std::optional<Mark> before = MarkOfFile(path_);
    if (!before) return Take(std::make_shared<Objects>(), before, 0);
    if (!before->is_plain) return FailedPrecondition("{} is no plain file; name the registry's file", path_);
    const bool is_young = IsYoung(*before);
    const std::string bytes = SW_TRY(base::ReadFile(path_, kRegistryBytesMax));
    const std::optional<Mark> after = MarkOfFile(path_);
    if (!after || !after->IsSameFile(*before) || static_cast<off_t>(bytes.size()) != before->size) continue;
    const bool had_objects = loaded_ && mark_ && mark_->size > 0;
    if (bytes.empty() && had_objects) {
      problem = Unavailable("{} is empty, as while it is written; Feast never leaves it so: restore it, or remove it to begin anew", path_);
      continue;
    }
    const std::uint64_t hash = base::Hash64(bytes);
    if (loaded_ && mark_ && mark_->size == before->size && hash_ == hash) {
      mark_ = before;
      is_settled_ = !is_young;
      return loaded_;
    }
    Result<RegistrySnapshot> snapshot = ReadRegistry(bytes);
    if (snapshot) {
      std::shared_ptr<Loaded> loaded = Take(*std::move(snapshot), before, hash);
      is_settled_ = !is_young;
      return loaded;
    }
    problem = std::unexpected(std::move(snapshot).error().Within(path_));
    if (!is_young) break;
  }
  return problem;
}

std::shared_ptr<Loaded> FileRegistry::Take(RegistrySnapshot snapshot, const std::optional<Mark>& mark, std::uint64_t hash) const {
  const bool was_missing = loaded_ && !mark_;
  if (was_missing && !mark) return loaded_;
  loaded_ = std::make_shared<Loaded>();
  loaded_->snapshot = std::move(snapshot);
  mark_ = mark;
  hash_ = hash;
  is_settled_ = true;
  return loaded_;
}

// Writes a file beside the old one and renames it over that. False: someone else has replaced the old one.
Result<bool> FileRegistry::Replace(const std::optional<Mark>& expected, RegistrySnapshot objects) {
  const std::string bytes = objects->SerializeAsString();
  if (bytes.size() > kRegistryBytesMax) {
    return ResourceExhausted("the registry would have {} bytes; it may have {}. Delete what is not used", bytes.size(), kRegistryBytesMax);
  }
  const std::string file = ResolveLinks(path_);
  SW_TRY(base::MakeFolders(FolderOf(file)));
  const std::string temp = fmt::format("{}.tmp-{}", file, ids_.NewUuid());
  const auto write = [&]() -> Result<bool> {
    base::File out = SW_TRY(base::File::OpenForAppend(temp));
    SW_TRY(out.Append(bytes));
    // It belongs to whom the old one did, where we may give it away.
    if (fchmod(out.fd(), expected ? expected->mode : 0644) != 0) return Unavailable("changing the mode of {}", temp);
    if (expected) static_cast<void>(fchown(out.fd(), expected->owner, expected->group) == 0);
    SW_TRY(out.Sync());
    struct stat found {};
    if (fstat(out.fd(), &found) != 0) return Unavailable("looking at {}", temp);
    const std::scoped_lock lock(mutex_);
    const std::optional<Mark> now = MarkOfFile(file);
    if (now.has_value() != expected.has_value() || (now && !now->IsSameFile(*expected))) return false;
    SW_TRY(base::PublishFile(temp, file));
    Take(std::move(objects), MarkOf(found), base::Hash64(bytes));
    is_settled_ = false;  // its own stamp is young
    return true;
  };
  const Result<bool> written = write();
  if (!written || !*written) static_cast<void>(base::RemoveFile(temp));
  return written;
}

Status FileRegistry::Change(const std::function<Status(Objects&)>& change) {
  const std::scoped_lock one_at_a_time(change_mutex_);
  for (int attempt = 0; attempt < kChangesMax; ++attempt) {
    const std::shared_ptr<Loaded> loaded = SW_TRY(Load());
    std::optional<Mark> mark;
    {
      const std::scoped_lock lock(mutex_);
      if (loaded != loaded_) continue;
      mark = mark_;
    }
    auto objects = std::make_shared<Objects>(*loaded->snapshot);
    SW_TRY(change(*objects));
    if (objects->registry_schema_version().empty()) objects->set_registry_schema_version(std::string(kSchemaVersion));
    objects->set_version_id(ids_.NewUuid());
    const TimeUs now = clock_.Now();
    objects->mutable_last_updated()->set_seconds(now / base::kSecondUs);
    objects->mutable_last_updated()->set_nanos(static_cast<std::int32_t>(now % base::kSecondUs) * 1000);
    if (SW_TRY(Replace(mark, std::move(objects)))) return Ok();
  }
  return Unavailable("others keep replacing {}; retry", path_);
}

Result<std::shared_ptr<const Project>> FileRegistry::Find(std::string_view project) const {
  const std::shared_ptr<Loaded> loaded = SW_TRY(Load());
  const std::scoped_lock lock(loaded->mutex);
  const auto found = loaded->projects.find(project);
  if (found != loaded->projects.end()) return found->second;
  std::shared_ptr<const Project> made = SW_TRY(Project::Make(loaded->snapshot, project));
  loaded->projects.emplace(std::string(project), made);
  return made;
}

}  // namespace

Result<RegistrySnapshot> ReadRegistry(std::string_view bytes) {
  if (bytes.size() > kRegistryBytesMax) return ResourceExhausted("a registry of {} bytes; it may have {}", bytes.size(), kRegistryBytesMax);
  auto objects = std::make_shared<Objects>();
  if (!objects->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return DataLoss("these {} bytes are no Feast registry; restore the file, or remove it to begin anew", bytes.size());
  }
  std::set<std::string_view> known;
  for (const auto& project : objects->projects()) known.insert(project.spec().name());
  for (const auto& metadata : objects->project_metadata()) {
    if (metadata.project().empty() || !known.insert(metadata.project()).second) continue;
    objects->add_projects()->mutable_spec()->set_name(metadata.project());
  }
  return objects;
}

Result<std::unique_ptr<Registry>> Registry::Open(const std::string& path, const base::Clock& clock, base::IdGenerator& ids) {
  if (path.empty()) return InvalidArgument("the registry has no path");
  std::unique_ptr<Registry> registry = std::make_unique<FileRegistry>(path, clock, ids);
  SW_TRY(registry->Snapshot());
  return registry;
}

}  // namespace sw::feast
