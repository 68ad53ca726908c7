#include "train/lightgbm_library.h"

#include <dlfcn.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "base/errors.h"

namespace sw::train {
namespace {

// From LightGBM's c_api.h.
constexpr int kFloat32 = 0;
constexpr int kFloat64 = 1;
constexpr int kRowMajor = 1;
constexpr int kPredictNormal = 0;
constexpr int kAllRounds = -1;
constexpr int kSplitImportance = 0;

// LightGBM writes to standard output, where our answer goes, unless it is told not to.
void LogToStderr(const char* text) { std::fputs(text, stderr); }

template <typename Function>
Status Find(void* library, const std::string& path, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (function != nullptr) return Ok();
  return NotFound("{} has no function {}; LightGBM 4 is needed", path, name);
}

}  // namespace

// A dataset or a booster, freed by the function that it came with.
class LightGbm::Owned {
 public:
  Owned(Handle handle, int (*free)(Handle)) : handle_(handle), free_(free) {}
  Owned(Owned&& other) noexcept
      : handle_(std::exchange(other.handle_, nullptr)), free_(other.free_) {}
  Owned& operator=(Owned&&) = delete;
  ~Owned() {
    if (handle_ != nullptr) free_(handle_);
  }
  Handle get() const { return handle_; }

 private:
  Handle handle_;
  int (*free_)(Handle);
};

Result<LightGbm> LightGbm::Load(const std::string& path) {
  void* library =
      dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);  // stays mapped: unloading OpenMP is unsafe
  if (library == nullptr) return NotFound("cannot load LightGBM: {}", dlerror());
  LightGbm made;
  SW_TRY(Find(library, path, "LGBM_GetLastError", made.last_error_));
  SW_TRY(Find(library, path, "LGBM_RegisterLogCallback", made.register_log_));
  SW_TRY(Find(library, path, "LGBM_DatasetCreateFromMat", made.dataset_from_mat_));
  SW_TRY(Find(library, path, "LGBM_DatasetSetFeatureNames", made.dataset_set_names_));
  SW_TRY(Find(library, path, "LGBM_DatasetSetField", made.dataset_set_field_));
  SW_TRY(Find(library, path, "LGBM_DatasetFree", made.dataset_free_));
  SW_TRY(Find(library, path, "LGBM_BoosterCreate", made.booster_create_));
  SW_TRY(Find(library, path, "LGBM_BoosterUpdateOneIter", made.booster_update_));
  SW_TRY(Find(library, path, "LGBM_BoosterSaveModelToString", made.booster_to_string_));
  SW_TRY(Find(library, path, "LGBM_BoosterPredictForMat", made.booster_predict_));
  SW_TRY(Find(library, path, "LGBM_BoosterFree", made.booster_free_));
  SW_TRY(made.Check(made.register_log_(&LogToStderr), "log"));
  return made;
}

Status LightGbm::Check(int code, const char* what) const {
  if (code == 0) return Ok();
  return FailedPrecondition("LightGBM refused ({}): {}", what, last_error_());
}

Result<LightGbm::Owned> LightGbm::MakeDataset(const LightGbmJob& job) const {
  Handle handle = nullptr;
  SW_TRY(Check(
      dataset_from_mat_(job.matrix.data(), kFloat64, static_cast<std::int32_t>(job.labels.size()),
                        static_cast<std::int32_t>(job.names.size()), kRowMajor,
                        job.parameters.c_str(), nullptr, &handle),
      "table"));
  Owned dataset(handle, dataset_free_);
  std::vector<const char*> names;
  for (const std::string& name : job.names) names.push_back(name.c_str());
  SW_TRY(Check(dataset_set_names_(handle, names.data(), static_cast<int>(names.size())), "names"));
  SW_TRY(Check(dataset_set_field_(handle, "label", job.labels.data(),
                                  static_cast<int>(job.labels.size()), kFloat32),
               "label"));
  return dataset;
}

Result<std::string> LightGbm::ModelText(Handle booster) const {
  std::string text;
  std::int64_t bytes = 0;
  // The first call tells the length, its closing zero included.
  SW_TRY(Check(booster_to_string_(booster, 0, kAllRounds, kSplitImportance, 0, &bytes, text.data()),
               "model"));
  text.resize(static_cast<std::size_t>(bytes));
  SW_TRY(Check(
      booster_to_string_(booster, 0, kAllRounds, kSplitImportance, bytes, &bytes, text.data()),
      "model"));
  text.resize(text.find('\0') == std::string::npos ? text.size() : text.find('\0'));
  return text;
}

Result<std::vector<double>> LightGbm::Predict(Handle booster, const LightGbmJob& job) const {
  const std::size_t width = job.names.size();
  std::vector<double> rows;
  for (const std::size_t row : job.golden) {
    const auto from = job.matrix.begin() + static_cast<std::ptrdiff_t>(row * width);
    rows.insert(rows.end(), from, from + static_cast<std::ptrdiff_t>(width));
  }
  std::vector<double> predictions(job.golden.size());
  if (predictions.empty()) return predictions;
  std::int64_t count = 0;
  SW_TRY(Check(
      booster_predict_(booster, rows.data(), kFloat64, static_cast<std::int32_t>(job.golden.size()),
                       static_cast<std::int32_t>(width), kRowMajor, kPredictNormal, 0, kAllRounds,
                       "", &count, predictions.data()),
      "golden rows"));
  if (static_cast<std::size_t>(count) == predictions.size()) return predictions;
  return FailedPrecondition("LightGBM gave {} predictions for {} rows; one a row is needed", count,
                            predictions.size());
}

Result<TrainedModel> LightGbm::Train(const LightGbmJob& job,
                                     const std::function<void(int)>& progress) const {
  const Owned dataset = SW_TRY(MakeDataset(job));
  Handle handle = nullptr;
  SW_TRY(Check(booster_create_(dataset.get(), job.parameters.c_str(), &handle), "parameters"));
  const Owned booster(handle, booster_free_);
  int is_finished = 0;  // set when no tree can be split further
  for (int round = 0; round < job.rounds && is_finished == 0; ++round) {
    SW_TRY(Check(booster_update_(booster.get(), &is_finished), "round"));
    progress(round + 1);
  }
  return TrainedModel{.text = SW_TRY(ModelText(booster.get())),
                      .predictions = SW_TRY(Predict(booster.get(), job))};
}

}  // namespace sw::train
