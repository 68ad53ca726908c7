#include "feast/table_folders.h"

#include <algorithm>
#include <filesystem>

#include "base/errors.h"

namespace sw::feast {
namespace {

namespace fs = std::filesystem;

bool IsWithin(const fs::path& path, const fs::path& folder) {
  const auto [in_folder, in_path] = std::ranges::mismatch(folder, path);
  return in_folder == folder.end();
}

}  // namespace

Result<TableFolders> TableFolders::Make(const std::string& repository, const std::vector<std::string>& allowed) {
  TableFolders made;
  std::vector<std::string> all{repository};
  all.insert(all.end(), allowed.begin(), allowed.end());
  for (const std::string& folder : all) {
    std::error_code failed;
    const fs::path real = fs::canonical(folder, failed);
    if (failed || !fs::is_directory(real, failed)) return NotFound("there is no folder {}", folder);
    made.folders_.push_back(real.string());
  }
  made.repository_ = made.folders_.front();
  return made;
}

Result<std::string> TableFolders::Find(std::string_view uri) const {
  constexpr std::string_view kFile = "file://";
  std::string_view path = uri;
  if (path.starts_with(kFile)) path.remove_prefix(kFile.size());
  if (path.find("://") != path.npos) return Unimplemented("{} is no file of this machine; only Parquet files and folders of them are read here", uri);
  if (path.empty() || path.find('\0') != path.npos) return InvalidArgument("a data source needs a path");
  std::error_code failed;
  const fs::path real = fs::weakly_canonical(fs::path(repository_) / fs::path(path), failed);
  if (failed) return InvalidArgument("{}: {}", uri, failed.message());
  const bool is_allowed = std::ranges::any_of(folders_, [&](const std::string& folder) { return IsWithin(real, folder); });
  if (!is_allowed) return PermissionDenied("{} is outside the folders of tables: {}; the operator may allow more of them", real.string(), fmt::join(folders_, ", "));
  return real.string();
}

}  // namespace sw::feast
