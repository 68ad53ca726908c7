// HistoryFile: a training table from tables, without a server: the features of each label as they were known at
// its moment.
//
//   const Json done = SW_TRY(HistoryToFile(settings, {.service = "late_v1", .labels = "labels.parquet",
//                                                     .out = "train.parquet"}, {}));
//
// The definitions are those of the file that the setting `config` names; tables lie in the folder `tables`, or
// beside that file. Thread-safe.
#pragma once

#include <string>

#include "app/client.h"
#include "app/settings.h"
#include "base/json.h"
#include "base/result.h"

namespace sw::app {

struct HistoryFileRequest {
  std::string service;
  std::string labels;              // as data::ReadTable takes it: entity keys, request inputs, a time, whatever else
  std::string out;                 // .parquet, .csv, .arrow or .feather
  std::string moment;              // the labels' column of times; empty: their only one
  bool ignore_availability = false;  // as we know it now, in place of as it was known then
};

// Writes the labels' columns, then the service's features, a row a label, in the labels' order. Answers {"rows",
// "features", "service_hash", "as": "known then" | "known now", "sources": {name: rows}, "warnings"}: where more
// than 1 % of a view's labels see nothing of what had happened, for want of availability, a warning says so.
Result<Json> HistoryToFile(const Settings& settings, const HistoryFileRequest& request, const OnProgress& on_progress);

}  // namespace sw::app
