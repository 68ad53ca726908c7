// Reading and writing tables: Parquet, CSV, JSON lines, Arrow IPC. Arrow stays inside.
//
//   Batch flights = SW_TRY(ReadTable("csv:data/flights.csv", {.null_values = {"NA", ""}}));
//
// A location is "csv:PATH", "parquet:PATH", "jsonl:PATH", "arrow:PATH" or a path with one of the
// extensions .csv .parquet .jsonl .arrow .feather; PATH may hold * (files in name order, one schema).
// Files are hostile: a truncated or wrong one is INVALID_ARGUMENT with path and reason. Thread-safe.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "data/batch.h"

namespace sw::data {

struct ReadOptions {
  std::vector<std::string> columns;                // empty: all
  std::map<std::string, Type> types;               // overrides what is inferred (CSV, JSON lines)
  std::vector<std::string> null_values = {"", "NA", "null", "NULL"};
  char delimiter = ',';
  std::uint64_t rows_max = 200'000'000;            // RESOURCE_EXHAUSTED beyond
  bool allow_empty = false;                        // a table without rows is INVALID_ARGUMENT
};

// Integers become int64, other numbers float64, dates and times timestamps, the rest strings.
Result<Batch> ReadTable(const std::string& location, const ReadOptions& options = {});
Result<Schema> ReadSchema(const std::string& location, const ReadOptions& options = {});

struct WriteOptions {
  int zstd_level = 3;
  std::map<std::string, std::string> metadata;  // Parquet key-value metadata
};
Status WriteParquet(const Batch& batch, const std::string& path, const WriteOptions& options = {});
Status WriteCsv(const Batch& batch, const std::string& path);

// Parquet with all its rows to and from memory, for the logbook's segments.
Result<std::string> EncodeParquet(const Batch& batch, const WriteOptions& options = {});
Result<Batch> DecodeParquet(std::string_view bytes, const std::vector<std::string>& columns = {});
Result<std::map<std::string, std::string>> ParquetMetadata(std::string_view bytes);

}  // namespace sw::data
