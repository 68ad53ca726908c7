#include "model/engines/plan_kernel.h"

namespace sw::model {
namespace {

// Heads need more than their op.
std::unique_ptr<Kernel> MakeKernel(const ForestOp&, const Shape&) { return nullptr; }
std::unique_ptr<Kernel> MakeKernel(const LinearOp&, const Shape&) { return nullptr; }

}  // namespace

std::unique_ptr<Kernel> MakePlainKernel(const PlanOp& op, const Shape& in) {
  return std::visit([&](const auto& own) -> std::unique_ptr<Kernel> { return MakeKernel(own, in); }, op);
}

}  // namespace sw::model
