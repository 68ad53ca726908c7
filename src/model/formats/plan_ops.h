// Constants of a plan's stages. Internal to formats/plan.
#pragma once

#include "base/json.h"
#include "model/plan.h"

namespace sw::model {

// Reads the op that the stage names; UNIMPLEMENTED for one that this build does not know. Shapes are
// checked later, by CheckPlan.
Result<PlanOp> PlanOpFromJson(const Json& stage);

}  // namespace sw::model
