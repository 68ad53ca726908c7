// Lineage: which column of which value a plan's column comes from. Internal to the pipeline engine.
// Immutable; reads `plan` and `kernels`, which must outlive it.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "model/engines/plan_kernel.h"

namespace sw::model {

struct PlanColumn {
  std::uint32_t value = 0;
  std::uint32_t column = 0;
  bool operator==(const PlanColumn&) const = default;
};

class Lineage {
 public:
  // `kernels` has one for each stage that is asked about.
  Lineage(const Plan& plan, const std::vector<Shape>& shapes, const std::vector<std::unique_ptr<const Kernel>>& kernels)
      : plan_(plan), shapes_(shapes), kernels_(kernels) {}

  // The only column that `of` depends on, one stage before; none for inputs and for kernels that mix
  // columns.
  std::optional<PlanColumn> Parent(PlanColumn of) const;
  // The kernel that computes it; null for inputs.
  const Kernel* KernelOf(PlanColumn of) const;
  // Ends of runs of a value's columns that come from one column by one encoder: the order of a linear
  // model's sum (docs/plan-format.md).
  std::vector<std::uint32_t> Groups(std::uint32_t value) const;

 private:
  // The value that the last encoder before `of` gave, and which column that encoder read; none for a
  // number.
  std::optional<PlanColumn> Encoding(PlanColumn of) const;

  const Plan& plan_;
  const std::vector<Shape>& shapes_;
  const std::vector<std::unique_ptr<const Kernel>>& kernels_;
};

}  // namespace sw::model
