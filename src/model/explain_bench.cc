// Contributions of a forest against LightGBM's own pred_contrib: the same model, rows and machine,
// one thread each. Prints how many times LightGBM's time ours is, and how far the values lie apart.
#include <benchmark/benchmark.h>
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "base/random.h"
#include "model/explain.h"
#include "model/formats/lightgbm.h"

namespace sw::model {
namespace {

constexpr std::size_t kFeatures = 12;

std::string LightGbmPath() {
  const std::string folder = std::string(SW_SOURCE_DIR) + "/.deps/venv/lib";
  std::error_code absent;
  for (const auto& entry : std::filesystem::directory_iterator(folder, absent)) {
    const std::string path = entry.path() / "site-packages/lightgbm/lib/lib_lightgbm.so";
    if (std::filesystem::exists(path)) return path;
  }
  return "";
}

// The functions of LightGBM's C API that are needed here (c_api.h).
class LightGbm {
 public:
  LightGbm() : library_(dlopen(LightGbmPath().c_str(), RTLD_NOW)) {}
  bool is_there() const { return library_ != nullptr; }

  void Train(const std::vector<double>& rows, const std::vector<float>& labels, const std::string& parameters, int rounds) {
    void* data = nullptr;
    const auto count = static_cast<std::int32_t>(labels.size());
    Get<int (*)(const void*, int, std::int32_t, std::int32_t, int, const char*, void*, void**)>("LGBM_DatasetCreateFromMat")(
        rows.data(), 1, count, kFeatures, 1, parameters.c_str(), nullptr, &data);
    Get<int (*)(void*, const char*, const void*, int, int)>("LGBM_DatasetSetField")(data, "label", labels.data(), count, 0);
    Get<int (*)(void*, const char*, void**)>("LGBM_BoosterCreate")(data, parameters.c_str(), &booster_);
    int is_finished = 0;
    for (int i = 0; i < rounds; ++i) Get<int (*)(void*, int*)>("LGBM_BoosterUpdateOneIter")(booster_, &is_finished);
  }

  std::string Text() const {
    std::string text(64u << 20, '\0');
    std::int64_t length = 0;
    Get<int (*)(void*, int, int, int, std::int64_t, std::int64_t*, char*)>("LGBM_BoosterSaveModelToString")(
        booster_, 0, -1, 0, static_cast<std::int64_t>(text.size()), &length, text.data());
    text.resize(static_cast<std::size_t>(std::max<std::int64_t>(length - 1, 0)));
    return text;
  }

  void Contribute(const double* rows, std::size_t count, double* out) const {
    std::int64_t length = 0;
    Get<int (*)(void*, const void*, int, std::int32_t, std::int32_t, int, int, int, int, const char*, std::int64_t*, double*)>(
        "LGBM_BoosterPredictForMat")(booster_, rows, 1, static_cast<std::int32_t>(count), kFeatures, 1, 3, 0, -1,
                                     "num_threads=1", &length, out);
  }

 private:
  template <typename Function>
  Function Get(const char* name) const {
    return reinterpret_cast<Function>(dlsym(library_, name));
  }

  void* library_;
  void* booster_ = nullptr;
};

std::vector<double> MakeRows(std::size_t count, base::Random& random) {
  std::vector<double> rows(count * kFeatures);
  for (double& cell : rows) {
    const double value = static_cast<double>(random.Below(1u << 20)) / (1u << 20);
    cell = random.Below(20) == 0 ? std::numeric_limits<double>::quiet_NaN() : value;
  }
  return rows;
}

struct Subject {
  LightGbm theirs;
  Forest forest;
  std::vector<double> rows;  // 4,096 distinct ones

  explicit Subject(int leaves) {
    if (!theirs.is_there()) return;
    base::Random random(1);
    const std::vector<double> train = MakeRows(30000, random);
    std::vector<float> labels;
    for (std::size_t r = 0; r < train.size(); r += kFeatures) {
      double sum = 0;
      for (std::size_t c = 0; c < kFeatures; ++c) sum += std::isnan(train[r + c]) ? 0.3 : std::sin(static_cast<double>(3 + c) * train[r + c]);
      labels.push_back(sum + static_cast<double>(random.Below(100)) / 50 > 2.5 ? 1 : 0);
    }
    theirs.Train(train, labels, "objective=binary verbose=-1 num_threads=1 num_leaves=" + std::to_string(leaves), 100);
    forest = ParseLightGbm(theirs.Text()).value();
    rows = MakeRows(4096, random);
  }
};

double Seconds(const auto& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// leaves of a tree, rows a call.
void Contributions(benchmark::State& state) {
  const Subject subject(static_cast<int>(state.range(0)));
  if (!subject.theirs.is_there()) {
    state.SkipWithError("absent: LightGBM's library, which ./dev setup installs");
    return;
  }
  const auto batch = static_cast<std::size_t>(state.range(1));
  const std::size_t width = kFeatures + 1;
  std::vector<double> ours(batch * width), theirs(batch * width);
  const Explainer explainer = Explainer::Make(subject.forest).value();
  double our_s = std::numeric_limits<double>::infinity(), their_s = our_s, apart = 0;
  std::size_t at = 0;
  for (auto _ : state) {
    const double* rows = subject.rows.data() + at * kFeatures;
    at = (at + batch) % 4096;
    std::vector<const double*> columns;
    for (std::size_t c = 0; c < kFeatures; ++c) columns.push_back(rows + c);
    our_s = std::min(our_s, Seconds([&] { explainer.Contribute({.columns = columns, .stride = kFeatures, .rows = batch}, ours); }));
    their_s = std::min(their_s, Seconds([&] { subject.theirs.Contribute(rows, batch, theirs.data()); }));
    for (std::size_t i = 0; i < ours.size(); ++i) apart = std::max(apart, std::abs(ours[i] - theirs[i]));
  }
  const auto count = static_cast<double>(batch);
  state.counters["us_per_row"] = our_s * 1e6 / count;
  state.counters["LightGBM_us_per_row"] = their_s * 1e6 / count;
  state.counters["ratio"] = their_s / our_s;
  state.counters["largest_difference"] = apart;
}
BENCHMARK(Contributions)->Args({31, 4096})->Args({31, 64})->Args({31, 1})->Args({255, 1024})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sw::model
