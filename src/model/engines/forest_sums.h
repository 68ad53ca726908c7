// ForestSums: the raw sums of a forest by each method that can run it. Immutable. Internal to the
// engines; ForestEngine chooses among the methods.
#pragma once

#include <memory>
#include <span>

#include "model/engines/cells.h"
#include "model/engines/forest_engine.h"
#include "model/forest.h"

namespace sw::model {

class ForestSums {
 public:
  virtual ~ForestSums() = default;
  virtual bool Can(ForestMethod method) const = 0;
  // Raw scores (base, scale and divisor applied): cells.rows * forest.outputs. Requires Can(method).
  virtual void Raw(ForestMethod method, const Cells& cells, std::span<double> raw) const = 0;
  virtual std::size_t memory_bytes() const = 0;
};

// `forest` outlives what is made of it. Requires CheckForest(forest).
std::unique_ptr<ForestSums> MakeForestSums(const Forest& forest, const ForestOptions& options);

}  // namespace sw::model
