// Predict: scores a table's file with a model, without a server.
//
//   const Json done = SW_TRY(PredictFile(settings, {.model = "model.txt", .in = "rows.parquet",
//                                                   .out = "scores.csv"}, {}));
//
// Rows are read, scored and written a block at a time. Thread-safe.
#pragma once

#include <string>

#include "app/client.h"
#include "app/settings.h"
#include "base/json.h"
#include "base/result.h"

namespace sw::app {

struct PredictFileRequest {
  std::string model;           // as LoadModel takes it (app/model_source.h)
  std::string in;              // as data::ReadTable takes it
  std::string out;             // .parquet, .csv, .arrow or .feather
  bool raw = false;            // margins in place of predictions
  bool contributions = false;  // also what each input adds to the raw score
};

// Writes `prediction`, or prediction_0, prediction_1, ... for a model of several outputs; with
// contributions also contribution_COLUMN for each input and contribution_bias, for several raw
// outputs contribution_K_COLUMN and contribution_K_bias. All float64. Answers {"rows", "outputs",
// "engine"}. `on_progress` may be empty.
Result<Json> PredictFile(const Settings& settings, const PredictFileRequest& request, const OnProgress& on_progress);

}  // namespace sw::app
