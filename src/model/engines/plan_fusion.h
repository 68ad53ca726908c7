// Folds preprocessing into the forest or linear model that it leads to, where that gives the same
// bits. Internal to the pipeline engine.
//
// For a forest: a test of a scaled, imputed, clipped number becomes a test of the raw number against
// the greatest raw number that passes (the maps are monotone in IEEE arithmetic, step by step); a test
// of a one-hot or otherwise encoded category becomes membership of a set of categories. For a linear
// model: a category's columns become one entry of a table, numbers are mapped as they are summed. What
// the library refuses makes the fused kernel give up, and the stages run one by one to say why.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "model/engines/plan_chain.h"

namespace sw::model {

// A fused kernel in place of the head stage `head`, and the values that it reads.
struct Fused {
  std::unique_ptr<const Kernel> kernel;
  std::vector<std::uint32_t> in;
};

// None where nothing is gained, or where a stage that would be left out may refuse a row that the
// fused kernel could not tell. `lineage` outlives the kernel.
Result<std::optional<Fused>> FuseHead(const Plan& plan, const std::vector<Shape>& shapes, const Lineage& lineage,
                                      std::uint32_t head);

}  // namespace sw::model
