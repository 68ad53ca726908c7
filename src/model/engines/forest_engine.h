// ForestEngine: scores with trees, by whichever of several methods is fastest for the model and the
// number of rows. All have the same bits as reference.h.
//
//   auto engine = SW_TRY(ForestEngine::Make(std::move(forest)));
//   engine->ScoreCells(cells, Output::kRaw, scores);    // without a Batch
//
// The default rule: bit-sliced blocks for many rows, the table for one; where trees are too large for
// either, treelets if the CPU has what they need, else walks. Tune() times what is possible on this CPU and picks anew. Thread-safe.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "model/engine.h"
#include "model/engines/cells.h"
#include "model/engines/cpu.h"
#include "model/engines/forest_choice.h"
#include "model/explain.h"

namespace sw::model {

struct ForestOptions {
  Cpu cpu = DetectCpu();
};

// Sums of trees by each method; in float or double.
class ForestSums;

class ForestEngine final : public Engine {
 public:
  // INVALID_ARGUMENT for a forest that CheckForest() refuses.
  static Result<std::unique_ptr<ForestEngine>> Make(Forest forest, const ForestOptions& options = {});
  ~ForestEngine() override;

  const std::vector<std::string>& inputs() const override { return forest_.features; }
  Exactness exactness() const override { return Exactness::kExact; }
  Tolerance tolerance() const override;
  std::vector<InputProbe> Probes() const override;
  std::size_t outputs(Output output) const override;
  bool predicts_classes() const override { return PredictsClasses(forest_); }
  Status Score(const data::Batch& rows, Output output, std::span<double> scores) const override;
  Status Contribute(const data::Batch& rows, std::span<double> contributions) const override;
  Tuning tuning() const override;
  // For one row and for many; of one thread's CPU time, about 20 ms.
  Json Tune() const override;
  Status Choose(const Json& choice) const override;
  Json Describe() const override;

  const Forest& forest() const { return forest_; }
  // cells.rows * outputs(output) scores, row-major; cells has a column for each feature.
  void ScoreCells(const Cells& cells, Output output, std::span<double> scores) const;
  // Raw scores, all rows of the first output first.
  void ScoreColumns(const Cells& cells, std::span<double> raw) const;
  // As Contribute, of cells.
  Status ContributeCells(const Cells& cells, std::span<double> contributions) const;
  // As ScoreCells by a given method, for tests and timings; false when it cannot run this model.
  bool ScoreCellsBy(ForestMethod method, const Cells& cells, Output output, std::span<double> scores) const;

  // The forest, its compiled forms and, once somebody has asked for contributions, what those are computed by.
  std::size_t memory_bytes() const override;

 private:
  explicit ForestEngine(Forest forest);
  ForestMethod MethodFor(std::size_t rows) const;
  bool HasChoice() const;
  void Take(ForestChoice choice, Tuning tuning) const;

  Forest forest_;
  std::unique_ptr<ForestSums> sums_;
  // What scoring reads of choice_. One of a choice and one of the next may meet: any has the same bits.
  mutable std::atomic<ForestMethod> one_row_, many_rows_;
  mutable std::atomic<std::size_t> many_rows_from_;
  mutable std::mutex choice_mutex_;
  mutable ForestChoice choice_;                    // guarded by choice_mutex_, as the next
  mutable Tuning tuning_ = Tuning::kOnlyWay;
  mutable std::once_flag explained_once_;  // made when first asked for: most models are never explained
  mutable std::unique_ptr<const Result<Explainer>> explainer_;
  mutable std::atomic<std::size_t> explainer_bytes_ = 0;
};

}  // namespace sw::model
