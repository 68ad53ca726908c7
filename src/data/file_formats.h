// One function a file format, behind data/readers.h; inside this room only. Each reads one file and
// answers with a reason that does not repeat the path, since the caller puts that in front.
// Thread-safe.
#pragma once

#include <string>

#include "data/readers.h"

namespace sw::data {

Result<Batch> ReadParquetFile(const std::string& path, const ReadOptions& options);
Result<Schema> ReadParquetSchema(const std::string& path);
Result<Batch> ReadCsvFile(const std::string& path, const ReadOptions& options);
Result<Batch> ReadArrowFile(const std::string& path, const ReadOptions& options);
Result<Batch> ReadJsonLinesFile(const std::string& path, const ReadOptions& options);

}  // namespace sw::data
