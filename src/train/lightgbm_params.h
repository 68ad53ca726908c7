// The parameters of LightGBM that a recipe may set. Internal to this room.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"

namespace sw::train {

// Checks a recipe's params, and prints them as LightGBM's "key=value key=value". Refused: names
// that are not in the list (anything about files, networks, devices or threads), and values that
// could bring in another key.
Result<std::string> LightGbmParameters(const Json& params);

}  // namespace sw::train
