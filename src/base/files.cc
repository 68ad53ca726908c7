#include "base/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/errors.h"

namespace sw::base {
namespace {

std::unexpected<Error> ErrnoError(std::string_view what, const std::string& path, int error) {
  ErrorCode code = ErrorCode::kInternal;
  if (error == ENOENT || error == ENOTDIR) code = ErrorCode::kNotFound;
  if (error == EEXIST || error == ENOTEMPTY) code = ErrorCode::kAlreadyExists;
  if (error == EACCES || error == EPERM || error == EROFS) code = ErrorCode::kPermissionDenied;
  if (error == ENOSPC || error == EDQUOT || error == EMFILE || error == ENFILE) {
    code = ErrorCode::kResourceExhausted;
  }
  if (error == EIO) code = ErrorCode::kDataLoss;
  if (error == EISDIR || error == ENAMETOOLONG || error == EINVAL)
    code = ErrorCode::kInvalidArgument;
  return MakeError(code, fmt::format("{} {}: {}", what, path, std::strerror(error)));
}

Result<int> OpenDescriptor(const std::string& path, int flags) {
  int fd = -1;
  do {
    fd = open(path.c_str(), flags | O_CLOEXEC, 0600);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return ErrnoError("opening", path, errno);
  return fd;
}

// Opens one part of a path in an open folder; no link is followed, no pipe waited for.
Result<int> OpenPart(int folder, const std::string& part, bool is_last, const std::string& path) {
  if (part.empty() || part == "." || part == "..") {
    return InvalidArgument("a path that leaves its folder or has an empty part: {}", path);
  }
  const int kind = is_last ? O_NONBLOCK : O_DIRECTORY;
  const int fd = openat(folder, part.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | kind);
  if (fd >= 0) return fd;
  const bool is_link = errno == ELOOP || errno == ENOTDIR;
  if (is_link)
    return InvalidArgument("not followed: {} is a symbolic link or no folder in {}", part, path);
  return ErrnoError("opening", path, errno);
}

std::string ParentOf(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Closes and removes a temporary file unless it was published.
class TempFile {
 public:
  TempFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  ~TempFile() {
    if (fd_ >= 0) close(fd_);
    if (!published_) unlink(path_.c_str());
  }

  Status WriteAll(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t wrote = write(fd_, bytes.data(), bytes.size());
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return ErrnoError("writing", path_, errno);
      bytes.remove_prefix(static_cast<std::size_t>(wrote));
    }
    if (fdatasync(fd_) != 0) return ErrnoError("syncing", path_, errno);
    return Ok();
  }

  Status PublishAs(const std::string& path) {
    if (rename(path_.c_str(), path.c_str()) != 0) return ErrnoError("renaming to", path, errno);
    published_ = true;
    return Ok();
  }

 private:
  int fd_;
  std::string path_;
  bool published_ = false;
};

Status MakeOneFolder(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0) return SyncFolder(ParentOf(path));
  if (errno != EEXIST) return ErrnoError("making folder", path, errno);
  struct stat info{};
  if (stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return Ok();
  return AlreadyExists("making folder {}: a file has that name", path);
}

}  // namespace

File::~File() {
  if (fd_ >= 0) close(fd_);
}

File::File(File&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

File& File::operator=(File&& other) noexcept {
  if (this == &other) return *this;
  if (fd_ >= 0) close(fd_);
  fd_ = std::exchange(other.fd_, -1);
  path_ = std::move(other.path_);
  return *this;
}

Result<File> File::OpenWithin(const std::string& folder, std::string_view relative_path) {
  File at;
  at.path_ = JoinPath(folder, relative_path);
  if (relative_path.find('\0') != relative_path.npos)
    return InvalidArgument("a path with a 0 byte: {}", at.path_);
  at.fd_ = SW_TRY(OpenDescriptor(folder, O_RDONLY | O_DIRECTORY));
  for (bool is_last = false; !is_last;) {
    const std::size_t slash = relative_path.find('/');
    is_last = slash == relative_path.npos;
    const std::string part(relative_path.substr(0, slash));
    const int next = SW_TRY(OpenPart(at.fd_, part, is_last, at.path_));
    close(std::exchange(at.fd_, next));
    if (!is_last) relative_path.remove_prefix(slash + 1);
  }
  struct stat info{};
  if (fstat(at.fd_, &info) != 0) return ErrnoError("asking about", at.path_, errno);
  if (!S_ISREG(info.st_mode)) return InvalidArgument("not a plain file: {}", at.path_);
  return at;
}

Result<File> File::OpenForRead(const std::string& path) {
  File file;
  file.fd_ = SW_TRY(OpenDescriptor(path, O_RDONLY));
  file.path_ = path;
  return file;
}

Result<File> File::OpenForAppend(const std::string& path) {
  File file;
  file.fd_ = SW_TRY(OpenDescriptor(path, O_WRONLY | O_APPEND | O_CREAT));
  file.path_ = path;
  return file;
}

Result<File> File::OpenForReadWrite(const std::string& path) {
  File file;
  file.fd_ = SW_TRY(OpenDescriptor(path, O_RDWR | O_CREAT));
  file.path_ = path;
  return file;
}

Status File::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = write(fd_, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return ErrnoError("appending to", path_, errno);
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return Ok();
}

Status File::WriteAt(std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return ErrnoError("writing", path_, errno);
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
    offset += static_cast<std::uint64_t>(wrote);
  }
  return Ok();
}

Result<std::size_t> File::ReadAt(std::uint64_t offset, char* into, std::size_t bytes_max) const {
  std::size_t total = 0;
  while (total < bytes_max) {
    const ssize_t got =
        pread(fd_, into + total, bytes_max - total, static_cast<off_t>(offset + total));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoError("reading", path_, errno);
    if (got == 0) break;
    total += static_cast<std::size_t>(got);
  }
  return total;
}

Result<std::uint64_t> File::Size() const {
  struct stat info{};
  if (fstat(fd_, &info) != 0) return ErrnoError("asking the size of", path_, errno);
  return static_cast<std::uint64_t>(info.st_size);
}

Status File::Truncate(std::uint64_t size) {
  if (ftruncate(fd_, static_cast<off_t>(size)) != 0) return ErrnoError("truncating", path_, errno);
  return Ok();
}

Status File::Sync() {
  if (fdatasync(fd_) != 0) return ErrnoError("syncing", path_, errno);
  return Ok();
}

Status File::Rewrite() {
  std::string chunk(std::size_t{1} << 20, '\0');
  std::uint64_t offset = 0;
  while (true) {
    const std::size_t got = SW_TRY(ReadAt(offset, chunk.data(), chunk.size()));
    if (got == 0) return Sync();
    SW_TRY(WriteAt(offset, std::string_view(chunk).substr(0, got)));
    offset += got;
  }
}

Status File::Lock() {
  if (flock(fd_, LOCK_EX | LOCK_NB) == 0) return Ok();
  if (errno != EWOULDBLOCK) return ErrnoError("locking", path_, errno);
  return FailedPrecondition("locked by another process: {}; stop it or use another folder", path_);
}

namespace {

Result<std::string> ReadAll(const File& file, std::uint64_t bytes_max) {
  const std::string& path = file.path();
  const std::uint64_t size = SW_TRY(file.Size());
  if (size > bytes_max) {
    return ResourceExhausted("file is too large: {} has {} bytes, at most {} are taken", path, size,
                             bytes_max);
  }
  // Reads to the end and not to `size`: files below /proc claim to be empty.
  std::string bytes;
  std::size_t chunk = static_cast<std::size_t>(std::min(size, bytes_max)) + 1;
  while (true) {
    const std::size_t before = bytes.size();
    bytes.resize(before + chunk);
    const std::size_t got = SW_TRY(file.ReadAt(before, bytes.data() + before, chunk));
    bytes.resize(before + got);
    if (bytes.size() > bytes_max) {
      return ResourceExhausted("file is too large: {}, at most {} bytes are taken", path,
                               bytes_max);
    }
    if (got < chunk) return bytes;
    chunk = std::size_t{64} << 10;
  }
}

}  // namespace

Result<std::string> ReadFile(const std::string& path, std::uint64_t bytes_max) {
  return ReadAll(SW_TRY(File::OpenForRead(path)), bytes_max);
}

Result<std::string> ReadFileWithin(const std::string& folder, std::string_view relative_path,
                                   std::uint64_t bytes_max) {
  return ReadAll(SW_TRY(File::OpenWithin(folder, relative_path)), bytes_max);
}

Status WriteFileAtomic(const std::string& path, std::string_view bytes) {
  std::string temp_path = path + ".tmp-XXXXXX";
  const int fd = mkostemp(temp_path.data(), O_CLOEXEC);  // mode 0600
  if (fd < 0) return ErrnoError("creating", temp_path, errno);
  TempFile temp(fd, temp_path);
  SW_TRY(temp.WriteAll(bytes));
  SW_TRY(temp.PublishAs(path));
  return SyncFolder(ParentOf(path));
}

Status PublishFile(const std::string& temp, const std::string& path) {
  File file = SW_TRY(File::OpenForRead(temp));
  if (fdatasync(file.fd()) != 0) return ErrnoError("syncing", temp, errno);
  if (rename(temp.c_str(), path.c_str()) != 0) return ErrnoError("renaming to", path, errno);
  return SyncFolder(ParentOf(path));
}

Status SyncFolder(const std::string& path) {
  File folder = SW_TRY(File::OpenForRead(path));
  if (fsync(folder.fd()) != 0) return ErrnoError("syncing folder", path, errno);
  return Ok();
}

Status MakeFolders(const std::string& path) {
  if (path.empty()) return InvalidArgument("making folder: the path is empty");
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    if (!Exists(parent)) SW_TRY(MakeOneFolder(parent));
  }
  if (path.ends_with('/')) return Ok();
  return MakeOneFolder(path);
}

Result<std::vector<std::string>> ListFolder(const std::string& path) {
  std::error_code code;
  std::vector<std::string> names;
  std::filesystem::directory_iterator entry(path, code);
  for (; !code && entry != std::filesystem::directory_iterator(); entry.increment(code)) {
    names.push_back(entry->path().filename().string());
  }
  if (code) return ErrnoError("listing folder", path, code.value());
  std::ranges::sort(names);
  return names;
}

bool Exists(const std::string& path) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0;
}

Status RemoveFile(const std::string& path) {
  if (unlink(path.c_str()) != 0) return ErrnoError("removing", path, errno);
  return Ok();
}

Status RemoveFolder(const std::string& path) {
  std::error_code code;
  std::filesystem::remove_all(path, code);
  if (code) return ErrnoError("removing folder", path, code.value());
  return Ok();
}

std::string JoinPath(std::string_view folder, std::string_view name) {
  std::string path(folder);
  if (!path.empty() && !path.ends_with('/')) path += '/';
  path += name;
  return path;
}

Result<std::string> MakeTempFolder(std::string_view prefix) {
  const char* base = std::getenv("TMPDIR");
  std::string path = JoinPath(base != nullptr && *base != '\0' ? base : "/tmp", prefix);
  path += "-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) return ErrnoError("making folder", path, errno);
  return path;
}

}  // namespace sw::base
