#include "model/load_need.h"

#include <algorithm>

namespace sw::model {
namespace {

constexpr std::uint64_t kMib = 1u << 20;

struct Factors {
  std::string_view format;
  std::uint64_t peak, held;  // bytes a byte of the model
  std::uint64_t always;      // bytes beside
};

// What was seen of models of some megabytes: LightGBM 2.4 to 5 at the peak and 1 after, XGBoost's JSON 10 to 13 and
// its UBJSON 5 to 8 (which a manifest does not tell apart), CatBoost 4 and 2, plans of trees 6 and 2.4, those of
// categories far more of a small file, ONNX weights 4.8 and 1.6, ONNX trees 18 and 7. A Python model's file only
// names a folder: its process was seen to take 100 to 200 MiB with scikit-learn, and counts as it is once it runs.
constexpr Factors kFactors[] = {{"lightgbm", 6, 2, kMib},   {"xgboost", 14, 3, kMib},      {"catboost", 8, 3, kMib},
                                {"plan", 8, 3, 32 * kMib},  {"onnx", 6, 2, 4 * kMib},      {"onnx_trees", 20, 8, 4 * kMib},
                                {"linear", 16, 4, kMib},    {"python", 1, 1, 192 * kMib},  {"graph", 16, 4, kMib}};
constexpr Factors kUnknown = {"", 16, 8, kMib};

}  // namespace

LoadNeed LoadNeed::Then(const LoadNeed& next) const { return {.peak = std::max(peak, held + next.peak), .held = held + next.held}; }

LoadNeed NeedOfModel(std::string_view format, std::uint64_t bytes) {
  const auto* found = std::ranges::find(kFactors, format, &Factors::format);
  const Factors& factors = found == std::end(kFactors) ? kUnknown : *found;
  return {.peak = factors.peak * bytes + factors.always, .held = factors.held * bytes + factors.always};
}

LoadNeed NeedOfPart(std::uint64_t bytes) { return {.peak = 8 * bytes, .held = 4 * bytes}; }

}  // namespace sw::model
