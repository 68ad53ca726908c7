// Parity: are the features that were served those that the logbook gives, bit for bit?
// A pure function over values.
#pragma once

#include "base/result.h"
#include "data/batch.h"
#include "feature/feature_store.h"

namespace sw::feature {

// Compares every value of `recomputed` with the column of `served` by the same name. A missing column
// is NOT_FOUND, another number of rows INVALID_ARGUMENT; another type differs in every value. The
// examples name a row by the requests' column "id", if it has one, else by its number.
Result<ParityReport> CompareBits(const data::Batch& requests, const data::Batch& served, const data::Batch& recomputed);

}  // namespace sw::feature
