// Forest as JSON, inside a plan. Internal to formats/plan.
#pragma once

#include "base/json.h"
#include "model/forest.h"

namespace sw::model {

// The caller runs CheckForest.
Result<Forest> ForestFromJson(const Json& json);

}  // namespace sw::model
