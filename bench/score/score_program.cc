// Times one scoring engine over rows of doubles, in one thread: one row a call, and 4,096 rows a call.
//
//   score_program KIND MODEL LIBRARY ROWS COLUMNS OUTPUTS OUT
//
// KIND is seaworthy, lightgbm, xgboost (their C libraries), or lleaves, tl2cgen, tl2cgen-float (LIBRARY is
// the shared object that they made of the model). ROWS is a file of row-major doubles; OUT gets the raw
// scores of the batch as doubles, OUTPUTS a row. Prints {"one_row_ns": ..., "batch_ns": ...,
// "one_row_equal": ...}: the least CPU time a row of several passes over all rows, and whether both ways
// gave the same bits.
#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "model/engines/forest_engine.h"
#include "model/model_file.h"
#include "timing.h"

namespace {

using bench_score::Fail;
using bench_score::kBatch;

struct Rows {
  std::vector<double> cells;
  std::size_t columns, count, outputs;  // a row's
  const double* row(std::size_t index) const { return cells.data() + index * columns; }
};

// Scores `count` rows from `first` on; `out` is the first one's.
using Scorer = std::function<void(std::size_t first, std::size_t count, double* out)>;

template <typename Function>
Function Symbol(void* library, const char* name) {
  void* found = dlsym(library, name);
  if (found == nullptr) Fail(std::string("no symbol ") + name);
  return reinterpret_cast<Function>(found);
}

void* Open(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) Fail(dlerror());
  return library;
}

Scorer Seaworthy(const std::string& model, const Rows& rows) {
  const std::string bytes = sw::base::ReadFile(model).value();
  const auto format = sw::model::DetectFormat(bytes).value();
  auto parsed = sw::model::MakeEngine(format, bytes);
  if (!parsed) Fail(parsed.error().message);
  std::shared_ptr<sw::model::Engine> engine = *std::move(parsed);
  auto* forest = dynamic_cast<sw::model::ForestEngine*>(engine.get());
  if (forest == nullptr) Fail("not a forest");
  if (forest->outputs(sw::model::Output::kRaw) != rows.outputs) Fail("it has another number of outputs");
  forest->Tune();
  std::fprintf(stderr, "%s, %zu bytes compiled\n", forest->Describe().Dump().c_str(), forest->bytes());
  auto columns = std::make_shared<std::vector<const double*>>(rows.columns);
  return [engine, forest, columns, &rows](std::size_t first, std::size_t count, double* out) {
    for (std::size_t c = 0; c < rows.columns; ++c) (*columns)[c] = rows.row(first) + c;
    forest->ScoreCells({.columns = *columns, .stride = rows.columns, .rows = count}, sw::model::Output::kRaw, {out, count * rows.outputs});
  };
}

Scorer LightGbm(const std::string& model, const std::string& path, const Rows& rows) {
  void* library = Open(path);
  auto create = Symbol<int (*)(const char*, int*, void**)>(library, "LGBM_BoosterCreateFromModelfile");
  auto batch = Symbol<int (*)(void*, const void*, int, int, int, int, int, int, int, const char*, std::int64_t*, double*)>(library, "LGBM_BoosterPredictForMat");
  auto fast_init = Symbol<int (*)(void*, int, int, int, int, int, const char*, void**)>(library, "LGBM_BoosterPredictForMatSingleRowFastInit");
  auto fast = Symbol<int (*)(void*, const void*, std::int64_t*, double*)>(library, "LGBM_BoosterPredictForMatSingleRowFast");
  constexpr int kFloat64 = 1, kRaw = 1;
  void* booster = nullptr;
  void* one = nullptr;
  int iterations = 0;
  if (create(model.c_str(), &iterations, &booster) != 0) Fail("LightGBM did not read the model");
  const int columns = static_cast<int>(rows.columns);
  if (fast_init(booster, kRaw, 0, -1, kFloat64, columns, "num_threads=1", &one) != 0) Fail("LightGBM: FastInit");
  return [=, &rows](std::size_t first, std::size_t count, double* out) {
    std::int64_t length = 0;
    if (count == 1) fast(one, rows.row(first), &length, out);
    else batch(booster, rows.row(first), kFloat64, static_cast<int>(count), columns, 1, kRaw, 0, -1, "num_threads=1", &length, out);
  };
}

Scorer XgBoost(const std::string& model, const std::string& path, const Rows& rows) {
  void* library = Open(path);
  auto create = Symbol<int (*)(void*, std::uint64_t, void**)>(library, "XGBoosterCreate");
  auto load = Symbol<int (*)(void*, const char*)>(library, "XGBoosterLoadModel");
  auto set = Symbol<int (*)(void*, const char*, const char*)>(library, "XGBoosterSetParam");
  auto predict = Symbol<int (*)(void*, const char*, const char*, void*, const std::uint64_t**, std::uint64_t*, const float**)>(library, "XGBoosterPredictFromDense");
  void* booster = nullptr;
  create(nullptr, 0, &booster);
  if (load(booster, model.c_str()) != 0) Fail("XGBoost did not read the model");
  set(booster, "nthread", "1");
  return [=, &rows](std::size_t first, std::size_t count, double* out) {
    char array[256];
    std::snprintf(array, sizeof array, R"({"data": [%zu, true], "shape": [%zu, %zu], "typestr": "<f8", "version": 3})",
                  reinterpret_cast<std::size_t>(rows.row(first)), count, rows.columns);
    const std::uint64_t* shape = nullptr;
    std::uint64_t dimensions = 0;
    const float* result = nullptr;
    if (predict(booster, array, R"({"type": 1, "training": false, "iteration_begin": 0, "iteration_end": 0, "strict_shape": false, "missing": NaN, "cache_id": 0})",
                nullptr, &shape, &dimensions, &result) != 0) Fail("XGBoost: PredictFromDense");
    std::copy_n(result, count * rows.outputs, out);
  };
}

// lleaves: double data[], double out[], first row, last row.
Scorer Lleaves(const std::string& path, const Rows& rows) {
  auto root = Symbol<void (*)(const double*, double*, int, int)>(Open(path), "forest_root");
  return [=, &rows](std::size_t first, std::size_t count, double* out) { root(rows.row(first), out, 0, static_cast<int>(count)); };
}

// tl2cgen: one row a call; a missing value is marked, not NaN.
template <typename Real>
Scorer Tl2cgen(const std::string& path, const Rows& rows) {
  union Entry { int missing; Real value; };
  auto predict = Symbol<void (*)(Entry*, int, Real*)>(Open(path), "predict");
  auto entries = std::make_shared<std::vector<Entry>>(rows.columns);
  auto score = std::make_shared<std::vector<Real>>(rows.outputs);
  return [=, &rows](std::size_t first, std::size_t count, double* out) {
    for (std::size_t r = 0; r < count; ++r) {
      const double* row = rows.row(first + r);
      for (std::size_t c = 0; c < rows.columns; ++c) {
        if (std::isnan(row[c])) (*entries)[c].missing = -1;
        else (*entries)[c].value = static_cast<Real>(row[c]);
      }
      std::fill(score->begin(), score->end(), Real{0});
      predict(entries->data(), 1, score->data());
      std::copy(score->begin(), score->end(), out + r * rows.outputs);
    }
  };
}

double NanosecondsPerRow(const Scorer& scorer, const Rows& rows, std::size_t batch, int passes, std::vector<double>& out) {
  return bench_score::LeastTime(passes, rows.count, [&] {
    for (std::size_t from = 0; from < rows.count; from += batch) {
      scorer(from, std::min(batch, rows.count - from), out.data() + from * rows.outputs);
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 8) Fail("usage: score_program KIND MODEL LIBRARY ROWS COLUMNS OUTPUTS OUT");
  const std::string kind = argv[1], model = argv[2], library = argv[3];
  const std::string bytes = sw::base::ReadFile(argv[4]).value();
  Rows rows{.cells = std::vector<double>(bytes.size() / sizeof(double)), .columns = std::strtoul(argv[5], nullptr, 10),
            .count = 0, .outputs = std::strtoul(argv[6], nullptr, 10)};
  std::memcpy(rows.cells.data(), bytes.data(), rows.cells.size() * sizeof(double));
  rows.count = rows.cells.size() / rows.columns;
  Scorer scorer;
  if (kind == "seaworthy") scorer = Seaworthy(model, rows);
  else if (kind == "lightgbm") scorer = LightGbm(model, library, rows);
  else if (kind == "xgboost") scorer = XgBoost(model, library, rows);
  else if (kind == "lleaves") scorer = Lleaves(library, rows);
  else if (kind == "tl2cgen") scorer = Tl2cgen<double>(library, rows);
  else if (kind == "tl2cgen-float") scorer = Tl2cgen<float>(library, rows);
  else Fail("unknown kind " + kind);
  std::vector<double> batch(rows.count * rows.outputs), one(batch.size());
  const double batch_ns = NanosecondsPerRow(scorer, rows, kBatch, 5, batch);
  const double one_ns = NanosecondsPerRow(scorer, rows, 1, 3, one);
  const bool equal = std::memcmp(batch.data(), one.data(), batch.size() * sizeof(double)) == 0;
  if (!sw::base::WriteFileAtomic(argv[7], {reinterpret_cast<const char*>(batch.data()), batch.size() * sizeof(double)})) Fail("cannot write OUT");
  bench_score::PrintFigures(one_ns, batch_ns, equal);
}
