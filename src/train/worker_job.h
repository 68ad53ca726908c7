// What travels between Train and its worker: one line of JSON, then (in a job) the encoded table.
// Internal to this room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "train/lightgbm_library.h"

namespace sw::train {

struct WorkerJob {
  std::string library = {};  // lib_lightgbm.so
  std::string parameters = {};
  int rounds = 0;
  std::vector<std::string> names = {};  // of the features, as LightGBM takes them
  std::vector<std::size_t> golden = {};
  data::Batch table = {};  // float64: the features, then the label
};

std::string EncodeJob(const WorkerJob& job);
Result<WorkerJob> DecodeJob(std::string_view bytes);
// Lays the table out as LightGBM wants it.
Result<LightGbmJob> ToLightGbmJob(WorkerJob job);

std::string EncodeAnswer(const TrainedModel& model);
Result<TrainedModel> DecodeAnswer(std::string_view bytes);

// A line of the worker's standard error that tells its progress, and the share it tells; negative
// for any other line.
std::string ProgressLine(int done, int rounds);
double ParseProgressLine(std::string_view line);

}  // namespace sw::train
