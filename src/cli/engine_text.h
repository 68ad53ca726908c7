// What scores a version, in words. Inside this room only. Pure.
#pragma once

#include "base/json.h"

namespace sw::cli {

// The `engine` that GET .../versions/{version} answers, as an object with a line for people a member.
Json EngineLines(const Json& engine);

}  // namespace sw::cli
