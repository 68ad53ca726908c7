// LightGbm: the original library, loaded at run time. Only the train worker's process does that.
// Internal to this room.
//
//   LightGbm library = SW_TRY(LightGbm::Load("lib_lightgbm.so"));
//   TrainedModel model = SW_TRY(library.Train(job, progress));
//
// The functions of its C interface are declared here by hand, as its wheel carries no headers;
// those used have had the same form since LightGBM 3.0. One owner.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace sw::train {

struct LightGbmJob {
  std::string parameters;  // "key=value key=value"
  int rounds = 0;
  std::vector<std::string> names;   // of the columns
  std::vector<double> matrix;       // row after row; NaN is missing
  std::vector<float> labels;        // one a row
  std::vector<std::size_t> golden;  // rows to predict with the trained model
};

struct TrainedModel {
  std::string text;                      // LightGBM's text form
  std::vector<double> predictions = {};  // of the golden rows
};

class LightGbm {
 public:
  // NOT_FOUND when the library or one of its functions is not there.
  static Result<LightGbm> Load(const std::string& path);

  // Tells how many rounds are done. The library's own words go to standard error.
  Result<TrainedModel> Train(const LightGbmJob& job,
                             const std::function<void(int round)>& progress) const;

 private:
  using Handle = void*;
  class Owned;

  Status Check(int code, const char* what) const;
  Result<Owned> MakeDataset(const LightGbmJob& job) const;
  Result<std::string> ModelText(Handle booster) const;
  Result<std::vector<double>> Predict(Handle booster, const LightGbmJob& job) const;

  const char* (*last_error_)() = nullptr;
  int (*register_log_)(void (*)(const char*)) = nullptr;
  int (*dataset_from_mat_)(const void*, int, std::int32_t, std::int32_t, int, const char*, Handle,
                           Handle*) = nullptr;
  int (*dataset_set_names_)(Handle, const char**, int) = nullptr;
  int (*dataset_set_field_)(Handle, const char*, const void*, int, int) = nullptr;
  int (*dataset_free_)(Handle) = nullptr;
  int (*booster_create_)(Handle, const char*, Handle*) = nullptr;
  int (*booster_update_)(Handle, int*) = nullptr;
  int (*booster_to_string_)(Handle, int, int, int, std::int64_t, std::int64_t*, char*) = nullptr;
  int (*booster_predict_)(Handle, const void*, int, std::int32_t, std::int32_t, int, int, int, int,
                          const char*, std::int64_t*, double*) = nullptr;
  int (*booster_free_)(Handle) = nullptr;
};

}  // namespace sw::train
