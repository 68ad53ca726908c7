// OfflineWrites: what Feast's offline store writes, into the files that sources and destinations name.
//
//   OfflineWrites writes(folders);
//   SW_TRY(writes.AppendToView(view, table));                     // write_to_offline_store, push to=offline
//   SW_TRY(writes.WriteLog(*project, "fraud_v1", logs));          // write_logged_features
//   SW_TRY(writes.Persist(*project, "saved", false, table));      // a saved data set
//
// One write at a time; a file changes as a whole and is on disk when it has. Thread-safe.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "data/raw_table.h"
#include "feast/project.h"
#include "feast/table_folders.h"

namespace sw::feast {

class OfflineWrites {
 public:
  explicit OfflineWrites(TableFolders folders) : folders_(std::move(folders)) {}

  // Columns are those of the source's file, in any order; its types are kept. A file that is missing is made.
  // INVALID_ARGUMENT where they are others, or a value does not fit.
  Status AppendToView(const View& view, const data::RawTable& rows);
  // FAILED_PRECONDITION for a service without a destination of logs.
  Status WriteLog(const Project& project, std::string_view service, const data::RawTable& rows);
  // ALREADY_EXISTS (SavedDatasetLocationAlreadyExists).
  Status Persist(const Project& project, std::string_view data_source, bool allow_overwrite, const data::RawTable& rows);

  const TableFolders& folders() const { return folders_; }

 private:
  const TableFolders folders_;
  std::mutex mutex_;
};

// A registered source of files, by its name: also one that only a view or a log's destination holds.
// NOT_FOUND: DataSourceObjectNotFoundException. UNIMPLEMENTED: it is no file.
Result<std::string> FileOfSource(const Project& project, std::string_view data_source);

}  // namespace sw::feast
