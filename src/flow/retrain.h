// When a retraining is due: pure functions of the definition and the last time it ran.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "flow/config.h"

namespace sw::flow {

// The first moment after `last` at which the retraining is due: the next month's beginning in its
// time zone, or the next multiple of its period.
Result<TimeUs> NextRetrain(const RetrainDef& retrain, TimeUs last);

}  // namespace sw::flow
