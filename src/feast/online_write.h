// Rows of a data frame as a client sends it, {"column": [values]}, into a view's online rows.
//
//   SW_TRY(WriteFrame(rows, *project, *view, request_body_df));
//
// Columns are named as in the view's table, or as its field mapping names them. A frame without rows writes nothing;
// all of its rows are written, or none. Thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "feast/entity_key.h"
#include "feast/online_rows.h"
#include "feast/project.h"

namespace sw::feast {

// INVALID_ARGUMENT: a column that is missing, too short, or holds what its type does not. FAILED_PRECONDITION: a view
// whose rows are not stored.
Status WriteFrame(OnlineRows& rows, const Project& project, const View& view, const Json& frame);

// The frame's records, sorted by key. For tests, and for whoever writes more than one frame at once.
Result<std::vector<store::OnlineWrite>> RecordsOf(const Project& project, const View& view, const Json& frame);

// A view whose rows are written and read here: no on-demand view.
Status CheckStored(const View& view);

}  // namespace sw::feast
