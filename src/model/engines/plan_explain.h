// PlanExplainer: contributions of a pipeline that ends in trees, to its inputs. Internal to the
// pipeline engine.
//
// The raw score's trees read columns that preprocessing made; all columns that come from one input
// (its scaled self, its one-hot places, whether it is missing) are one player, so that the input's
// contribution is exact: a subset of inputs is known or not as a whole. Immutable; borrows the plan
// and its kernels.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model/engines/plan_inputs.h"
#include "model/engines/plan_lineage.h"
#include "model/engines/plan_program.h"
#include "model/explain.h"

namespace sw::model {

class PlanExplainer {
 public:
  // `steps`: all stages as the plan says. UNIMPLEMENTED when the raw score is not a sum of trees, when
  // a column that they test mixes several inputs, and as Explainer::Make.
  static Result<PlanExplainer> Make(const Plan& plan, const std::vector<Shape>& shapes, const Lineage& lineage,
                                    const std::vector<ProgramStep>& steps);

  // As Engine::Contribute; `columns` as FindPlanInputs gives them.
  Status Contribute(const std::vector<const data::Column*>& columns, std::size_t rows, std::span<double> contributions) const;

 private:
  PlanExplainer(const Plan& plan, Explainer explainer) : plan_(&plan), explainer_(std::move(explainer)) {}
  Status ContributeBlock(std::span<const Block> inputs, std::size_t rows, Scratch& scratch, double* contributions) const;

  const Plan* plan_;
  Explainer explainer_;
  std::vector<Program> sources_;        // one a value that the forest reads
  std::vector<std::uint32_t> players_;  // a feature's: the first feature that comes from the same input
  std::vector<std::uint32_t> inputs_;   // that a feature comes from; of unused ones: 0
  std::size_t block_rows_ = kBlockRows;
};

}  // namespace sw::model
