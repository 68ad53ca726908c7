// Plan: a fitted pipeline (scikit-learn's, by python/seaworthy_export) as typed stages with exact
// constants. A value; immutable once built.
//
// The inputs are values 0 to n - 1, one column each; stage i computes value n + i from values before
// it, so that a plan always ends. A value is a matrix of doubles or of texts; NaN and a null text are
// missing. `engines/pipeline_engine.h` runs it, `formats/plan.h` reads it, docs/plan-format.md is
// the format. CheckPlan() proves what running relies on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "model/plan_ops.h"

namespace sw::model {

inline constexpr std::size_t kPlanInputsMax = 100'000;
inline constexpr std::size_t kPlanStagesMax = 20'000;
inline constexpr std::size_t kPlanWidthMax = 4'000'000;  // columns of all values together: 32 MB a row
inline constexpr std::size_t kPlanReadsMax = 8'000'000;  // columns that all stages read together
inline constexpr std::size_t kPlanDepthMax = 256;        // stages one after the other

struct PlanStage {
  std::string name;                // where it comes from: "preprocess/num/scaler"
  std::vector<std::uint32_t> in;   // values
  PlanOp op;
  // Golden rows' values as the library computed them, rows x width; empty when it never holds them.
  std::vector<double> golden_numbers = {};
  std::vector<std::optional<std::string>> golden_texts = {};
  bool operator==(const PlanStage&) const = default;
};

struct PlanInput {
  std::string name;
  data::Type type = data::Type::kFloat64;
  bool operator==(const PlanInput&) const = default;
};

struct Plan {
  std::string library;              // "scikit-learn 1.9.1"
  std::vector<PlanInput> inputs;
  std::vector<PlanStage> stages;
  std::uint32_t raw = 0;            // value that raw scores are
  std::uint32_t prediction = 0;     // value that predictions are
  std::vector<std::string> classes = {};  // labels as text; empty for a regressor
  data::Batch golden = {};          // golden rows; a column an input
  bool operator==(const Plan&) const = default;
};

// Shapes of all values, inputs first. Checks everything: INVALID_ARGUMENT names the stage,
// RESOURCE_EXHAUSTED the limit.
Result<std::vector<Shape>> CheckPlan(const Plan& plan);

}  // namespace sw::model
