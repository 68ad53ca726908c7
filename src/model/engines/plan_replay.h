// Replays a plan's golden rows, stage by stage. Internal to the pipeline engine.
#pragma once

#include <memory>
#include <vector>

#include "model/engines/plan_kernel.h"

namespace sw::model {

// Each stage reads what the library's own stages before it wrote, so that one that differs is found
// where it differs. Exact kernels must give the same bits, others stay within their bound.
// FAILED_PRECONDITION names stage, row, column, what was expected and what came out.
Status ReplayGolden(const Plan& plan, const std::vector<Shape>& shapes,
                    const std::vector<std::unique_ptr<const Kernel>>& kernels);

}  // namespace sw::model
