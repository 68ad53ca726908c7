// Text of listings and objects for people. Inside this room only. Pure.
#pragma once

#include <string>

#include "base/json.h"
#include "cli/command.h"

namespace sw::cli {

// Rows as aligned columns under headings; "(none)" when there are no rows. Declared in command.h:
// TableText. Members of an object, one a line, objects and arrays below it indented.
std::string ObjectText(const Json& object, int indent = 0);

}  // namespace sw::cli
