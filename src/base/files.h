// Files, with durability spelled out. All paths are UTF-8; errors name the path and errno's text.
//
// WriteFileAtomic is the way to publish a small file: a reader sees the old bytes or the new ones,
// also after a crash. File is for appending and reading at offsets. Thread-safe unless said.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sw::base {

// An open descriptor. One owner.
class File {
 public:
  File() = default;
  ~File();
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;

  static Result<File> OpenForRead(const std::string& path);
  static Result<File> OpenForAppend(const std::string& path);  // created with mode 0600 when absent
  static Result<File> OpenForReadWrite(const std::string& path);
  static Result<File> OpenWithin(const std::string& folder, std::string_view relative_path);

  Status Append(std::string_view bytes);  // all or error; continues after short writes
  Status WriteAt(std::uint64_t offset, std::string_view bytes);
  Result<std::size_t> ReadAt(std::uint64_t offset, char* into, std::size_t bytes_max) const;
  Result<std::uint64_t> Size() const;
  Status Truncate(std::uint64_t size);
  Status Sync();  // fdatasync
  // Writes the file's bytes over themselves, and syncs. After a sync that failed, the system's cache
  // holds bytes that are not on disk and that no later sync writes: whoever relies on what an earlier
  // process left there rewrites it.
  Status Rewrite();
  // Takes an exclusive lock that other processes respect; FAILED_PRECONDITION when held elsewhere.
  Status Lock();
  bool IsOpen() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  const std::string& path() const { return path_; }

 private:
  int fd_ = -1;
  std::string path_;
};

Result<std::string> ReadFile(const std::string& path, std::uint64_t bytes_max = 1ull << 32);
// A plain file below `folder`, by a path that came from outside: INVALID_ARGUMENT when it is absolute,
// has an empty part, "." or "..", goes through a symbolic link or ends at what is no plain file.
Result<std::string> ReadFileWithin(const std::string& folder, std::string_view relative_path,
                                   std::uint64_t bytes_max);
// Writes path.tmp-<unique>, syncs it, renames it over path, syncs the folder.
Status WriteFileAtomic(const std::string& path, std::string_view bytes);
// Syncs the file `temp`, renames it over `path` and syncs the folder; both lie in one folder.
Status PublishFile(const std::string& temp, const std::string& path);
Status SyncFolder(const std::string& path);
Status MakeFolders(const std::string& path);  // mode 0700; syncs each parent that it changed
Result<std::vector<std::string>> ListFolder(const std::string& path);  // names, sorted
bool Exists(const std::string& path);
Status RemoveFile(const std::string& path);
Status RemoveFolder(const std::string& path);  // with all that is in it
std::string JoinPath(std::string_view folder, std::string_view name);
// A new empty folder below $TMPDIR, for tests and scratch work.
Result<std::string> MakeTempFolder(std::string_view prefix);

}  // namespace sw::base
