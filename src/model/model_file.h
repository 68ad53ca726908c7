// A model as its library's file: told apart by content, compiled to an engine. Hostile input.
//
//   auto engine = SW_TRY(MakeEngine(SW_TRY(DetectFormat(bytes)), bytes));
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/engine.h"

namespace sw::model {

// "lightgbm", "linear", ...: the name of the format that the bytes are in. A pickle is refused by
// name; INVALID_ARGUMENT lists what is read.
Result<std::string> DetectFormat(std::string_view bytes);

// UNIMPLEMENTED names a format that is not read.
Result<std::unique_ptr<Engine>> MakeEngine(std::string_view format, std::string_view bytes);

}  // namespace sw::model
