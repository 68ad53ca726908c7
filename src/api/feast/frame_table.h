// A data frame that came as JSON, as a table with the types of the view's file: for pushes to the offline store.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "data/raw_table.h"
#include "feast/project.h"
#include "feast/table_folders.h"

namespace sw::feast {

// INVALID_ARGUMENT: a column that the view's source does not have, or lacks, or whose value does not fit. Columns of
// lists and maps cannot be pushed as JSON: UNIMPLEMENTED.
Result<data::RawTable> TableOfFrame(const TableFolders& folders, const View& view, const Json& frame);

}  // namespace sw::feast
