// A model as its library's file: told apart by content, compiled to an engine. Hostile input.
//
//   auto engine = SW_TRY(MakeEngine(SW_TRY(DetectFormat(bytes)), bytes));
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/engine.h"

namespace sw::model {

struct PythonHost;  // engines/python_engine.h

// "lightgbm", "linear", ...: the name of the format that the bytes are in. A pickle is refused by
// name; INVALID_ARGUMENT lists what is read.
Result<std::string> DetectFormat(std::string_view bytes);

struct EngineOptions {
  std::string onnxruntime;  // libonnxruntime.so; "": $SEAWORTHY_ONNXRUNTIME, then where it is usual
  // Names of the columns in the model's order; empty, or its own names in another order: its own
  // stand. A plan keeps its own always.
  std::vector<std::string> columns;
  std::shared_ptr<const PythonHost> python = {};  // without it Python models are refused
};

// UNIMPLEMENTED names a format that is not read.
Result<std::unique_ptr<Engine>> MakeEngine(std::string_view format, std::string_view bytes,
                                           const EngineOptions& options = {});

}  // namespace sw::model
