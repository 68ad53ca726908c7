// Constants of a plan's stages. Internal to formats/plan.
#pragma once

#include <optional>
#include <string_view>

#include "base/json.h"
#include "model/plan.h"

namespace sw::model {

// Reads the op that the stage names; UNIMPLEMENTED for one that this build does not know. Shapes are
// checked later, by CheckPlan.
Result<PlanOp> PlanOpFromJson(const Json& stage);

// The ops that are read in plan_model_ops.cc; none for another name.
std::optional<Result<PlanOp>> MoreOpFromJson(std::string_view op, const Json& stage);

}  // namespace sw::model
