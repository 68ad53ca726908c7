// TableFolders: which files the sources of a Feast project may name, for reading and for writing.
//
//   TableFolders folders = SW_TRY(TableFolders::Make("/srv/repo", {"/data/warehouse"}));
//   std::string path = SW_TRY(folders.Find("data/stats.parquet"));     // /srv/repo/data/stats.parquet
//
// A registry comes from who may apply: a path in it reads and writes nothing outside the repository's folder and
// the folders that the operator allows. Symbolic links are followed first. Immutable.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sw::feast {

class TableFolders {
 public:
  // NOT_FOUND for a folder that does not exist. The repository's own is always allowed.
  static Result<TableFolders> Make(const std::string& repository, const std::vector<std::string>& allowed);

  // The real path of "file:///path", "/path" or "path", the last below the repository; it need not exist.
  // PERMISSION_DENIED outside the folders; UNIMPLEMENTED for another scheme.
  Result<std::string> Find(std::string_view uri) const;

 private:
  std::string repository_;
  std::vector<std::string> folders_;  // canonical
};

}  // namespace sw::feast
