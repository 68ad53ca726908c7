// Historical features: the point-in-time join of plain feature views with an entity table, and the pulls of a
// source that materialisation and saved data sets are made of.
//
//   RawTable training = SW_TRY(HistoricalFeatures(folders, {.views = views, .entities = entities}, {.threads = 2}));
//   // the entity table's columns, in its order of rows, and a column a feature
//
// For each row: of the rows with its keys whose event time is not after its own, and not older than the view's ttl,
// the newest (newest_rows.h); its values as they are, nulls too. No row is ever lost, a row without a match has
// nulls. Values are read last, and only of the chosen rows. On-demand views are not computed: what they read is a
// column like others. Pure but for reading.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/raw_files.h"
#include "feast/newest_rows.h"
#include "feast/project.h"
#include "feast/table_folders.h"

namespace sw::feast {

struct HistoryRequest {
  std::vector<WantedView> views;
  // None: each entity that the views know, as of `end`.
  std::optional<data::RawTable> entities = {};
  std::optional<TimeUs> start = {};   // without entities: rows before it do not count
  std::optional<TimeUs> end = {};     // none: now
  bool full_feature_names = false;    // "view__feature"
  bool filter_by_created_timestamp = false;
};

struct HistoryOptions {
  std::size_t threads = 1;
  TimeUs now = 0;
};

// INVALID_ARGUMENT where the entity table lacks a key or a time, or two columns would have one name; NOT_FOUND for a
// source's file, or a column in it.
Result<data::RawTable> HistoricalFeatures(const TableFolders& folders, const HistoryRequest& request, const HistoryOptions& options);

// What a pull asks for; names are the table's own.
struct PullRequest {
  std::string uri;
  std::vector<std::string> keys;      // none: a column __dummy_id is added, as Feast's entity-less views have it
  std::vector<std::string> features;  // none: all columns
  std::string event_time;
  std::string created = {};           // empty: none
  std::optional<TimeUs> start = {}, end = {};  // both included
};
// The newest row of each key. Rows with a null key or without an event time are left out.
Result<data::RawTable> PullLatest(const TableFolders& folders, const PullRequest& request, const HistoryOptions& options);
// All rows, the oldest first.
Result<data::RawTable> PullAll(const TableFolders& folders, const PullRequest& request, const HistoryOptions& options);

// What a name of the view is in the source's table, by the source's field mapping.
std::string SourceColumn(const BatchSource& source, const data::RawTable& table, const std::string& name);
// The column of an entity table that holds the moments: "event_timestamp", else the only one of times.
Result<std::string> MomentColumn(const data::RawTable& entities);

}  // namespace sw::feast
