// The point-in-time join straight from the sources' tables, without a server, a logbook or an online store:
// what a training set needs on a machine that has the tables.
//
//   TableJoin joined = SW_TRY(JoinFromTables(definitions, "late_v1", labels, moments, {.tables_folder = "data"}));
//   joined.features                       // a row a label, in the labels' order; none is ever dropped
//
// Rows count as a server that had loaded the whole table would count them (feature_store.h): each id once, the
// first of the table; hidden until they are available; the same kernel, and so the same bits. Tables of
// Parquet and Arrow are read in blocks, only the columns that are needed, and rows spread by their entity
// (clustered_rows.h), on disk where they are many; then parts are joined: on up to eight threads. Where a view's features are
// all of a newest row, none is spread or kept (newest_slots.h).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "feature/definitions.h"

namespace sw::feature {

struct TableJoinOptions {
  std::string tables_folder = {};
  bool ignore_availability = false;                // as we know it now: rows count from their event on. Leaks
  std::size_t memory_bytes_max = std::size_t{128} << 20;  // of rows of one view, before they are written to files
  std::size_t block_rows = 65'536;                 // of a table, read at once by a thread
  std::string spill_folder = {};                   // of those; empty: the system's folder of temporary files
  std::function<void(double done)> progress = {};  // 0 to 1
};

struct TableJoin {
  // Of one view: labels whose entity has a row that happened by the moment, and how many of them see none
  // because none had become known.
  struct Matches {
    std::size_t happened = 0;
    std::size_t hidden = 0;
  };
  data::Batch features;
  std::map<std::string, std::size_t> source_rows;
  std::map<std::string, Matches> matches;  // by view
};

// `labels` hold the entity keys and the request inputs. NOT_FOUND for a service; INVALID_ARGUMENT where a table
// does not fit its definition, with the key.
Result<TableJoin> JoinFromTables(std::shared_ptr<const Definitions> definitions, std::string_view service, const data::Batch& labels,
                                 const std::vector<TimeUs>& moments, const TableJoinOptions& options);

}  // namespace sw::feature
