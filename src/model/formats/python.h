// A model that only Python can run, as a small JSON file that names where it lies:
//
//   {"python": {"environment": "churn", "folder": "churn/3", "entry": "pyfunc",
//               "content": "SHA-256 of the folder", "inputs": ["age", "plan"], "outputs": 1}}
//
// The file runs nothing by itself: environment and folder must be allowed by the server's own
// configuration (engines/python_engine.h). Hostile input.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sw::model {

inline constexpr std::size_t kPythonOutputsMax = 1000;

struct PythonModel {
  std::string environment;          // a name of the configuration
  std::string folder;               // within one of the configuration's folders
  std::string entry = "pyfunc";     // an MLflow model directory, or "module:Class" of the folder
  std::string content = {};         // FolderHash of the folder; "" when the file has none
  std::vector<std::string> inputs = {};  // columns; empty: those that the model itself names
  std::uint32_t outputs = 1;        // predictions a row
  bool operator==(const PythonModel&) const = default;
};

// INVALID_ARGUMENT names the member that is wrong.
Result<PythonModel> ParsePython(std::string_view text);

}  // namespace sw::model
