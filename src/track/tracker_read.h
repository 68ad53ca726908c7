// Reads the tracker's tables within a caller's transaction or snapshot. Internal to this room.
// One owner.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "track/tracker.h"

namespace sw::track {

// NOT_FOUND when the workspace has no such run.
Result<Run> ReadRun(store::CatalogReader& reader, const std::string& workspace,
                    const std::string& run);
// Newest first, started before the run `after` (empty: from the newest).
Result<std::vector<Run>> ReadRuns(store::CatalogReader& reader, const std::string& workspace,
                                  const std::string& experiment, const std::string& after,
                                  std::size_t rows_max);
Result<std::vector<Metric>> ReadHistory(store::CatalogReader& reader, const std::string& run,
                                        const std::string& key);

}  // namespace sw::track
