// LibraryScores: what a model's own library says of rows, asked in a child process of the user's
// Python (python/seaworthy_golden.py, which is built into the program).
//
//   auto scores = SW_TRY(ScoreWithLibrary({.python = "python3", .format = stored.format,
//                                          .model = stored.bytes, .inputs = &inputs, .probes = engine->Probes()}));
//   content.golden = std::move(scores.golden);
//
// Blocks until the child ends. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "data/batch.h"
#include "model/encoding.h"
#include "model/engine.h"
#include "model/golden_rows.h"

namespace sw::app {

struct LibraryJob {
  std::string python = "python3";  // a path, or a name that $PATH has; the library is installed there
  std::string format = {};         // "lightgbm", "xgboost", "catboost" or "onnx"
  std::string_view model = {};     // the file's bytes
  const data::Batch* inputs = nullptr;          // a column an input of the engine
  std::vector<model::InputProbe> probes = {};   // the engine's
  DurationUs time_max = 10 * base::kMinuteUs;
};

struct LibraryScores {
  model::GoldenRows golden;  // of the rows that the library takes
  std::string refused;       // what it said of one that it does not; "" when it takes all
};

// NOT_FOUND: no such interpreter; FAILED_PRECONDITION: what went wrong in it ("... has no lightgbm").
Result<LibraryScores> ScoreWithLibrary(const LibraryJob& job);

// A node of a graph that is a model.
struct LibraryMember {
  std::string node = {};
  std::string format = {};
  std::string model = {};                   // the file's bytes
  std::vector<std::string> inputs = {};     // its columns, in its order
  std::vector<model::InputProbe> probes = {};  // of them
  model::Encoding encoding = {};
  std::vector<std::string> output_names = {};
  model::Tolerance tolerance = {};
  bool raw = false;                         // the node answers its raw scores
  // What the library said of the rows before, where it cannot be asked again: a row's scores side by side.
  std::optional<std::vector<double>> stored = {};
  std::string stored_from = {};
};

struct GraphJob {
  std::string python = "python3";  // that has every member's library
  Json graph = {};                 // as a package keeps it
  std::vector<LibraryMember> members = {};
  const data::Batch* inputs = nullptr;  // the request's columns
  model::Tolerance tolerance = {};      // of the graph's engine
  DurationUs time_max = 10 * base::kMinuteUs;
};

// Likewise of a graph: each library scores its members, and the script composes them. Rows whose score a
// rounding within the tolerances may turn are left out.
Result<LibraryScores> ScoreGraphWithLibraries(const GraphJob& job);

}  // namespace sw::app
