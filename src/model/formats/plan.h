// Our own JSON of a fitted pipeline (docs/plan-format.md), as python/seaworthy_export writes it, into
// a Plan. Hostile input: every shape, index and number is checked; memory is bounded by the text's
// size and by the limits of plan.h.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/plan.h"

namespace sw::model {

inline constexpr std::size_t kPlanBytesMax = 1ull << 29;

Result<Plan> ParsePlan(std::string_view text);

}  // namespace sw::model
