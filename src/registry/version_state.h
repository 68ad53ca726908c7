// StateFrom: the state of a version as it follows from the verdicts about it. Pure.
//
//   VersionState state = StateFrom(verdicts, archived);
#pragma once

#include <span>

#include "registry/registry.h"

namespace sw::registry {

// `verdicts` oldest first. The last gate or override decides; a failed shadow or canary refuses as a
// failed gate does, and one that passed changes nothing. A monitor's verdict is about traffic, whose
// fault need not be the version's: it changes nothing. An override approves what was judged before
// it, not what is judged after.
VersionState StateFrom(std::span<const VerdictRecord> verdicts, bool archived);

}  // namespace sw::registry
