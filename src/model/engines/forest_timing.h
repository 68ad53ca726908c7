// Which method of a forest engine is the fastest on this machine. Internal to the engines.
#pragma once

#include "model/engines/forest_engine.h"

namespace sw::model {

// The methods among which there may be a choice: what would be called slow is not timed.
inline constexpr ForestMethod kTimedMethods[] = {ForestMethod::kSlice, ForestMethod::kTable, ForestMethod::kTreelets, ForestMethod::kWalk};

// Times each method that can run on made-up rows, for about 20 ms of this thread's CPU time. What there
// was no time for stays as `rule` has it.
ForestChoice TimeMethods(const ForestEngine& engine, const ForestChoice& rule);

}  // namespace sw::model
