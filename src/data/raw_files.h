// RawFiles: a Parquet file, or a folder of them, as one table that need not fit into memory.
//
//   RawFiles files = SW_TRY(RawFiles::Open("/data/stats"));
//   for (std::size_t part = 0; part < files.parts().size(); ++part) {
//     auto blocks = SW_TRY(files.Read(part, {"driver_id", "event_timestamp"}));
//     while (auto block = SW_TRY(blocks->Next())) ...          // rows first_row, first_row + 1, ... of the table
//   }
//
// Files stay open, so rows keep their numbers although somebody replaces a file meanwhile. Hostile input.
// Immutable; parts may be read by several threads.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/raw_table.h"

namespace sw::data {

class RawBlocks {
 public:
  virtual ~RawBlocks() = default;
  virtual Result<std::optional<RawTable>> Next() = 0;  // none: the end
};

class RawFiles {
 public:
  // A row group.
  struct Part {
    std::size_t file = 0;
    int group = 0;
    std::size_t first_row = 0;
    std::size_t rows = 0;
  };
  static constexpr std::size_t kFilesMax = 4'096, kBlockRows = 65'536;

  // Of a folder all files that end in .parquet, but not those whose name, or whose folder's name, begins with '.'
  // or '_'. NOT_FOUND; RESOURCE_EXHAUSTED beyond kFilesMax.
  static Result<RawFiles> Open(const std::string& path);

  const RawTable& no_rows() const;  // the columns: of all files, the wider types
  const std::vector<Part>& parts() const;
  std::size_t num_rows() const;

  // A column that the part's file lacks is missing in its blocks.
  Result<std::unique_ptr<RawBlocks>> Read(std::size_t part, const std::vector<std::string>& columns, std::size_t block_rows = kBlockRows) const;
  // Rows by number, ascending and each once. Reads only the parts that have some; on `threads`.
  Result<RawTable> Gather(const std::vector<std::string>& columns, std::span<const std::int64_t> rows, std::size_t threads) const;
  // The least and the greatest time of a part's column in microseconds, if its statistics tell: of a microsecond
  // that a time lies in.
  std::optional<std::pair<TimeUs, TimeUs>> TimeRange(std::size_t part, std::string_view column) const;

  struct Impl;  // room data's own
  explicit RawFiles(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<const Impl> impl_;
};

// Makes rows of `table` the first of the file, in the file's own types, or makes the file when there is none. The file
// is replaced as a whole; old rows are copied block by block. Of a folder: a new file in it.
Status PrependToParquet(const std::string& path, const RawTable& table);

// Writes `table` into a new file of the folder (made if missing), or of folders below it that are named by the values of
// `partition_by`, in order and without those columns. INVALID_ARGUMENT where such a value is no name of a folder.
Status AddToFolder(const std::string& folder, const RawTable& table, const std::vector<std::string>& partition_by);

// Runs work(thread) on each of so many threads, this one included; the first error.
Status OnThreads(std::size_t threads, const std::function<Status(std::size_t thread)>& work);

}  // namespace sw::data
