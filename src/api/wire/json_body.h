// JSON bodies as Python's json module writes them: with bare NaN, Infinity and -Infinity. MLflow's
// client sends those, and TensorFlow Serving reads them. Hostile input. Pure.
#pragma once

#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace sw::wire {

// NaN becomes null, which is missing; the infinities become the texts "Infinity" and "-Infinity", which
// a column of numbers reads. Inside a text nothing changes.
Result<Json> ParseJsonBody(std::string_view body);

}  // namespace sw::wire
