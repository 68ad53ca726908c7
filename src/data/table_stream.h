// Tables in blocks of rows, for files that are larger than memory: read with TableReader, written
// with TableWriter. For a table that fits use data/readers.h.
//
//   auto reader = SW_TRY(OpenTable("rows.parquet", {.columns = {"hour", "wind"}}, 65'536));
//   auto writer = SW_TRY(CreateTable("scores.parquet", schema));
//   while (auto block = SW_TRY(reader->Next())) SW_TRY(writer->Append(Scored(*block)));
//   SW_TRY(writer->Finish());
//
// Parquet and Arrow files are held a block at a time (Parquet also one page a column, Arrow one
// record batch); CSV and JSON lines as a whole, since their columns' types follow from all of their
// rows. One owner.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "data/batch.h"
#include "data/readers.h"

namespace sw::data {

class TableReader {
 public:
  virtual ~TableReader() = default;
  // The next rows, never none; nothing at the end. Errors as ReadTable's.
  virtual Result<std::optional<Batch>> Next() = 0;
  virtual double fraction() const = 0;  // of the rows that were handed out, from 0 to 1
};

// Locations and errors as ReadTable's. Blocks have at most `block_rows` rows.
Result<std::unique_ptr<TableReader>> OpenTable(const std::string& location, const ReadOptions& options,
                                               std::size_t block_rows);

class TableWriter {
 public:
  virtual ~TableWriter() = default;
  virtual Status Append(Batch batch) = 0;  // of the schema
  // Publishes the file under its path, in place of what was there. Without it nothing is left.
  virtual Status Finish() = 0;
};

// A format that can be written follows from the path's extension: .parquet, .csv, .arrow or .feather;
// INVALID_ARGUMENT for any other. Doubles are printed so that they read back to the same bits.
Result<std::unique_ptr<TableWriter>> CreateTable(const std::string& path, const Schema& schema);

}  // namespace sw::data
