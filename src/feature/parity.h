// Parity: are the features that were served those that the logbook gives, bit for bit?
// Pure functions over values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "feature/feature_store.h"
#include "feature/plan.h"

namespace sw::feature {

struct BitDifferences {
  std::vector<AuditReport::Freshness> columns;
  std::vector<std::string> examples;  // at most AuditReport::kExamplesMax
};

// Compares every value of `recomputed` with the column of `served` by the same name. A missing column
// is NOT_FOUND, another number of rows INVALID_ARGUMENT; another type differs in every value. The
// examples name a row by the requests' column "id", if it has one, else by its number.
Result<BitDifferences> CompareBits(const data::Batch& requests, const data::Batch& served, const data::Batch& recomputed);

// The rows whose read is known and of the service as it is; the others are counted in `report`.
std::vector<std::size_t> RowsToAudit(const ServicePlan& service, const data::Batch& read, std::size_t rows, AuditReport& report);

}  // namespace sw::feature
