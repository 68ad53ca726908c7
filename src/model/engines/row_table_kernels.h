// Kernels of the row table. No standard template: compiled for CPUs that may be absent (see
// slice_bytes.inc). Pure.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sw::model {

// What kernels read. Trees are padded to a multiple of 16; a tree has a place for each bit of Mask
// in `leaves`.
template <typename Real, typename Mask>
struct RowTableView {
  const Mask* const* rows;  // one a ranked feature: the masks of all trees at the row's rank
  std::size_t features, trees;
  const Real* leaves;
};

// sum + the leaves of all trees, in order; for one output.
double RowSumAvx512(const RowTableView<double, std::uint32_t>& table, double sum);
double RowSumAvx512(const RowTableView<double, std::uint64_t>& table, double sum);
float RowSumAvx512(const RowTableView<float, std::uint32_t>& table, float sum);
float RowSumAvx512(const RowTableView<float, std::uint64_t>& table, float sum);

}  // namespace sw::model
