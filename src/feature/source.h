// From a source's table to its derived rows: reading, lookups, computed columns, filter.
//
//   const LookupTables lookups = SW_TRY(LoadLookups(source, "/data/tables"));
//   data::Batch raw = SW_TRY(ReadSourceTable(source, "/data/tables"));
//   data::Batch rows = SW_TRY(DeriveRows(source, raw, lookups));
//
// Pure but for the reading of files. LookupTables are values, immutable once loaded.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "data/table_stream.h"
#include "feature/definitions.h"

namespace sw::feature {

struct LookupTable {
  data::Batch columns;  // LookupDef::columns, a row a key
  data::Type key_type = data::Type::kString;
  std::unordered_map<std::string, std::size_t> row_of;  // by the key's text
};
using LookupTables = std::map<std::string, LookupTable>;  // by the lookup's name

// Reads the lookups' tables; the definition's own rows are added, and win. INVALID_ARGUMENT when a
// key comes twice in one of the two.
Result<LookupTables> LoadLookups(const SourceDef& source, const std::string& tables_folder);

// Reads the source's table. FAILED_PRECONDITION when it has none; a location outside of
// tables_folder is refused.
Result<data::Batch> ReadSourceTable(const SourceDef& source, const std::string& tables_folder);

// The same in blocks, of `columns` only (all when there are none); and the names and types of all.
Result<std::unique_ptr<data::TableReader>> OpenSourceTable(const SourceDef& source, const std::string& tables_folder,
                                                           const std::vector<std::string>& columns, std::size_t block_rows);
Result<data::Schema> ReadSourceSchema(const SourceDef& source, const std::string& tables_folder);

// The definition with only what `wanted` (derived columns), times, dedupe and where need of it, and the raw columns
// that this reads.
struct NarrowSource {
  SourceDef source;
  std::vector<std::string> raw_columns;
};
Result<NarrowSource> Narrow(const SourceDef& source, const data::Schema& raw, std::set<std::string> wanted);

// The raw columns, then the lookups', then the computed ones; rows for which `where` is not true are
// dropped. A key without a match gives nulls. INVALID_ARGUMENT when an expression fails, a time
// column is no timestamp, or a row of a source with time has no event time. Errors begin with the
// key: "source.flights.columns.landed: line 1, column 13: ...".
Result<data::Batch> DeriveRows(const SourceDef& source, data::Batch raw, const LookupTables& lookups);

// What DeriveRows makes of rows of this schema; the same errors, without any row.
Result<data::Schema> DeriveSchema(const SourceDef& source, const data::Schema& raw,
                                  const LookupTables& lookups);

// Checks what the definitions say about a source's columns against its derived schema: the columns of
// views, entity keys, and the training sets' times, labels and slices. INVALID_ARGUMENT with the key,
// what was expected and near misses.
Status CheckColumns(const Definitions& defined, const SourceDef& source,
                    const data::Schema& derived);

// Whether the file of the source's table is in the folder.
bool HasTable(const SourceDef& source, const std::string& tables_folder);

// DeriveSchema and CheckColumns for a source that has a table. Reads the table.
Status CheckTable(const Definitions& defined, const SourceDef& source, const std::string& tables_folder);
// The same for every source that has one.
Status CheckTables(const Definitions& defined, const std::string& tables_folder);

}  // namespace sw::feature
