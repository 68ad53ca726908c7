// The literal meaning of a Forest: one row, one node at a time. Slow and obvious; what every engine
// is tested against, bit for bit, and what explains a mismatch. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "model/forest.h"

namespace sw::model {

// Values within +-kTinyMax are zero to LightGBM: its kZeroThreshold, a float widened to double.
inline constexpr double kTinyMax = static_cast<double>(1e-35F);

// Raw sums of one row into `raw`, which has forest.outputs places. `row` has a value for each
// feature, NaN where it is missing. Requires CheckForest(forest).
void ReferenceRaw(const Forest& forest, std::span<const double> row, std::span<double> raw);

// Whether a cell sends a row to the node's left child; NaN is missing.
bool ReferenceGoesLeft(const Forest& forest, const Tree& tree, const Node& node, double cell);

// The same in two steps: the value that tests see, and what a test says of it.
double ReferenceSeen(const Forest& forest, double cell);
bool ReferenceTest(const Forest& forest, const Tree& tree, const Node& node, double seen);

// The category code of a cell that is not NaN; none where it is no code.
std::optional<std::uint32_t> ReferenceCode(const Forest& forest, double cell);

// The leaf of a tree that the row falls into.
std::size_t ReferenceLeaf(const Forest& forest, const Tree& tree, std::span<const double> row);

}  // namespace sw::model
