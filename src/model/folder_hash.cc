#include "model/folder_hash.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <vector>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"

namespace sw::model {
namespace {

namespace fs = std::filesystem;

Result<std::vector<std::string>> FilesBelow(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const std::string path = entry->path().lexically_relative(folder).generic_string();
    const fs::file_status status = entry->symlink_status(error);
    if (error) break;
    if (fs::is_directory(status)) {
      if (entry->path().filename() == "__pycache__") entry.disable_recursion_pending();
      continue;
    }
    if (!fs::is_regular_file(status)) return InvalidArgument("{} in {} is no plain file; copy what it stands for", path, folder);
    if (path.contains('\n')) return InvalidArgument("a file's name in {} has a line break", folder);
    if (paths.size() == kFolderFilesMax) return ResourceExhausted("{} has more files than the limit folder_files_max, {}", folder, kFolderFilesMax);
    paths.push_back(path);
  }
  if (error) return NotFound("reading {}: {}", folder, error.message());
  std::ranges::sort(paths);
  return paths;
}

Result<std::string> FileHash(const std::string& path) {
  const base::File file = SW_TRY(base::File::OpenForRead(path));
  base::Sha256 hash;
  std::vector<char> chunk(1 << 20);
  for (std::uint64_t offset = 0;;) {
    const std::size_t got = SW_TRY(file.ReadAt(offset, chunk.data(), chunk.size()));
    if (got == 0) return hash.FinishHex();
    hash.Update({chunk.data(), got});
    offset += got;
  }
}

}  // namespace

Result<std::string> FolderHash(const std::string& folder) {
  base::Sha256 hash;
  for (const std::string& path : SW_TRY(FilesBelow(folder))) {
    hash.Update(SW_TRY(FileHash(folder + "/" + path)) + " " + path + "\n");
  }
  return hash.FinishHex();
}

}  // namespace sw::model
