// PipelineEngine: runs a Plan, a fitted pipeline without its library.
//
//   auto engine = SW_TRY(PipelineEngine::Make(std::move(plan)));
//   RowScorer scorer(*engine, Output::kPrediction);   // one row at a time, without a Batch
//   SW_TRY(scorer.Score(cells, scores));              // cells in the order of engine->inputs()
//
// Golden rows are replayed when it is made. Preprocessing that leads into a forest or a linear model
// is folded into it where that gives the same bits (plan_fusion.h). The engine is thread-safe; a
// RowScorer has one owner.
#pragma once

#include <limits>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "model/engine.h"
#include "model/plan.h"

namespace sw::model {

class CompiledPlan;  // pipeline_engine.cc
class PlanExplainer;

struct PipelineOptions {
  bool fuse = true;
};

class PipelineEngine final : public Engine {
 public:
  // INVALID_ARGUMENT for what CheckPlan() refuses; FAILED_PRECONDITION when a golden row differs: it
  // names the stage, the row, what was expected and what came out.
  static Result<std::unique_ptr<PipelineEngine>> Make(Plan plan, const PipelineOptions& options = {});
  ~PipelineEngine() override;

  const std::vector<std::string>& inputs() const override { return names_; }
  Exactness exactness() const override { return exactness_; }
  Tolerance tolerance() const override;
  std::size_t outputs(Output output) const override;
  std::vector<std::string> output_names() const override;
  bool predicts_classes() const override;
  // INVALID_ARGUMENT also names the first row that the library would refuse.
  Status Score(const data::Batch& rows, Output output, std::span<double> scores) const override;
  Status Contribute(const data::Batch& rows, std::span<double> contributions) const override;
  std::size_t memory_bytes() const override;
  // Of its forests: the first kForestsTunedMax of them.
  static constexpr std::size_t kForestsTunedMax = 16;
  Tuning tuning() const override;
  Json Tune() const override;
  Status Choose(const Json& choice) const override;
  Json Describe() const override;

 private:
  friend class RowScorer;
  PipelineEngine();

  std::vector<std::string> names_;
  std::unique_ptr<const CompiledPlan> compiled_;
  mutable std::once_flag explained_once_;  // made when first asked for
  mutable std::unique_ptr<const Result<PlanExplainer>> explainer_;
  Exactness exactness_ = Exactness::kBounded;
};

// A value of an input: a number (NaN: missing) or a text (without data: missing), as its type says.
struct RowCell {
  double number = std::numeric_limits<double>::quiet_NaN();
  std::string_view text = {};
};

// Scores one row after another, without looking up columns or taking memory. One owner; the engine
// must outlive it.
class RowScorer {
 public:
  RowScorer(const PipelineEngine& engine, Output output);
  ~RowScorer();
  // `cells` has one for each of engine.inputs(), `scores` engine.outputs(output) places.
  Status Score(std::span<const RowCell> cells, std::span<double> scores);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sw::model
