// One function a file format, behind data/readers.h; inside this room only. Each reads one file and
// answers with a reason that does not repeat the path, since the caller puts that in front.
// Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/readers.h"
#include "data/table_stream.h"

namespace parquet {
class WriterProperties;
}  // namespace parquet

namespace sw::data {

struct Location {
  std::string_view format;  // "csv", "parquet", "jsonl" or "arrow"
  std::string path;
};
Result<Location> ParseLocation(const std::string& location);
// The files that the path names, in name order; * may stand in the last part only.
Result<std::vector<std::string>> FilesOf(const std::string& path);

Result<Batch> ReadParquetFile(const std::string& path, const ReadOptions& options);
Result<Schema> ReadParquetSchema(const std::string& path);
Result<Batch> ReadCsvFile(const std::string& path, const ReadOptions& options);
Result<Batch> ReadArrowFile(const std::string& path, const ReadOptions& options);
Result<Batch> ReadJsonLinesFile(const std::string& path, const ReadOptions& options);

// Rows in blocks, as data/table_stream.h has them.
Result<std::unique_ptr<TableReader>> OpenParquetBlocks(const std::string& path, const ReadOptions& options,
                                                       std::size_t block_rows);
Result<std::unique_ptr<TableReader>> OpenArrowBlocks(const std::string& path, const ReadOptions& options,
                                                     std::size_t block_rows);

// How a file is written whose rows are like those of `sample`.
std::shared_ptr<parquet::WriterProperties> ParquetProperties(const Batch& sample, int zstd_level);

void AppendCsvHeader(std::string& out, const Schema& schema);
void AppendCsvRows(std::string& out, const Batch& batch);

}  // namespace sw::data
