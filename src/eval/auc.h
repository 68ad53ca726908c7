// AUC with an interval for rows that come in clusters. Internal to this room.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "eval/report.h"
#include "stats/metrics.h"

namespace sw::eval {

// DeLong's structural components, summed by cluster (Obuchowski 1997, "Nonparametric analysis of
// clustered ROC curve data"), with Student's t of clusters - 1 degrees. With a cluster a row it is
// DeLong's interval. No keys: each row is its own. FAILED_PRECONDITION when only one class is
// there.
Result<Metric> ClusteredAuc(const stats::Scored& rows, std::span<const std::uint64_t> clusters,
                            double confidence);

}  // namespace sw::eval
