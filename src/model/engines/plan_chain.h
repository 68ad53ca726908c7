// Chain: what a column of a head's input does to one cell some stages before it. Internal to the
// pipeline engine; reads kernels that must outlive it.
//
// Either a monotone map of a number, or the values of each category of a cell, or neither (the chain
// is empty: the column itself).
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "model/engines/plan_lineage.h"

namespace sw::model {

struct Chain {
  enum class Kind : std::uint8_t { kNumber, kCategory };

  Kind kind = Kind::kNumber;
  PlanColumn source;                 // what it reads
  std::vector<PlanColumn> steps;     // from the source's next stage to the head's input
  // kCategory: the column whose kernel tells categories apart, and that kernel's own input.
  PlanColumn category, category_input;
};

class Chains {
 public:
  explicit Chains(const Lineage& lineage) : lineage_(lineage) {}

  // The longest that either kind allows. With `only_categories`, numbers are read where they are.
  Chain Trace(PlanColumn column, bool only_categories) const;
  // The cell at the end of the chain; refused when any stage refuses it.
  Cell Map(const Chain& chain, Cell cell) const;
  // About which number of the source the chain takes to `number`.
  double Unmap(const Chain& chain, double number) const;
  // Whether the whole map falls.
  bool IsFalling(const Chain& chain) const;
  const Categories& CategoriesOf(const Chain& chain) const;
  // Numbers that no stage of the chain refuses; empty when low > high.
  struct Range {
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();
    bool allows_missing = true;
  };
  Range Accepted(const Chain& chain) const;

 private:
  Chain TraceNumber(PlanColumn column) const;
  // -1, 0 or 1: refused as too low, accepted, refused as too high, as seen from the source.
  int Judge(const Chain& chain, double number) const;

  const Lineage& lineage_;
};

// The greatest number for which `passes`, which is true up to some number and false above it; none
// when it is false everywhere. By bisection over the bits of all numbers, outwards from `guess`.
std::optional<double> GreatestPassing(const std::function<bool(double)>& passes, double guess = 0);

}  // namespace sw::model
