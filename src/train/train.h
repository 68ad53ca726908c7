// Train: a table of features and a recipe into a model package.
//
//   TrainOptions options{.worker = {"/proc/self/exe", "train-worker"}, .lineage = lineage};
//   model::PackageContent content = SW_TRY(Train(features, labels, recipe, options));
//   std::string id = SW_TRY(model::WritePackage(content, put));
//
// LightGBM runs in a child process with limits (worker.h), so that its aborts and its memory are
// not ours. Golden rows are rows of the table, drawn by the recipe's seed, as a request brings
// them, with what the library itself predicts. The same table, recipe, threads and library give the
// same package; another number of threads only changes a remark in it. Blocks until done: call it
// from a job. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "data/batch.h"
#include "model/package.h"
#include "train/recipe.h"

namespace sw::train {

inline constexpr std::size_t kGoldenRows = 200;
inline constexpr std::size_t kCategoriesMax = 10'000;  // distinct values of a text column

struct TrainOptions {
  std::vector<std::string> worker = {};  // argv of what calls TrainWorkerMain; lightgbm only
  std::string lightgbm_library = "lib_lightgbm.so";  // a path, or a name that the loader finds
  Json lineage = {};  // of the table: kept in the package, beside how it was trained
  int threads = 2;    // of LightGBM
  std::uint64_t memory_bytes_max = 4ull << 30;  // address space of the child; 0: no limit
  DurationUs time_max = 10 * base::kMinuteUs;
  std::function<void(double done)> progress = {};       // 0 to 1, on the calling thread
  std::function<void(std::string_view line)> log = {};  // what the library says
};

// `label` holds 0 or 1 (any number for LightGBM objectives other than binary), a row each; rows
// with a null label are left out. The package's inputs are the columns that the model uses: all of
// `features` for lightgbm, its numbers for logistic, none for constant. Report and threshold are
// the caller's to add. INVALID_ARGUMENT: no rows, lengths differ, a label that is no number, too
// many categories. FAILED_PRECONDITION: only one class, or the child failed (with its last words).
Result<model::PackageContent> Train(const data::Batch& features, const data::Column& label,
                                    const Recipe& recipe, const TrainOptions& options);

}  // namespace sw::train
