// Link: from raw sums to predictions, with our own exp and log. Pure.
//
// Within 2 ulp of the library's (in float where the library computes in float), and the same bits
// for any batch size, thread count and CPU.
#pragma once

#include <span>

#include "model/forest.h"

namespace sw::model {

// One row: `raw` has forest.outputs values, `predictions` PredictionCount(forest) places.
void ApplyLink(const Forest& forest, std::span<const double> raw, std::span<double> predictions);
// Row after row.
void ApplyLinks(const Forest& forest, std::span<const double> raw, std::span<double> predictions);

}  // namespace sw::model
