// Kernels that turn values into ranks. No standard template: compiled for CPUs that may be absent
// (see slice_bytes.inc). Pure.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sw::model {

// A feature's cuts as kernels read them: ascending, filled with +infinity to a power of two, at
// least 16; and every 16th of them.
struct RankTable {
  const double* cuts;
  const double* pivots;   // 16: cuts[15], cuts[31], ...
  std::uint32_t levels;   // 2^levels cuts
};

// Ranks of `rows` values that lie `stride` doubles apart, by 256 cuts at most; NaN gets `missing`.
using RankKernel = void (*)(const RankTable& table, const double* values, std::size_t stride, std::size_t rows,
                            std::uint8_t missing, std::uint8_t* ranks);
void RankBytesAvx512(const RankTable& table, const double* values, std::size_t stride, std::size_t rows,
                     std::uint8_t missing, std::uint8_t* ranks);
void RankBytesPlainly(const RankTable& table, const double* values, std::size_t stride, std::size_t rows,
                      std::uint8_t missing, std::uint8_t* ranks);

struct RankFeature {
  std::uint32_t feature;  // of Cells
  std::uint32_t first;    // into the cuts of all features
  std::uint32_t count;    // of cuts
  std::uint32_t levels;   // as in RankTable
};

struct RankTables {
  const RankFeature* features;
  std::size_t size;
  const double* cuts;
  const double* pivots;  // 16 a feature
};

// One row's ranks, one a feature: of columns[feature][offset]; NaN gets the number of cuts plus 1.
using RankRowKernel = void (*)(const RankTables& tables, const double* const* columns, std::size_t offset, std::uint32_t* ranks);
void RankRowAvx512(const RankTables& tables, const double* const* columns, std::size_t offset, std::uint32_t* ranks);  // by 255 cuts at most
void RankRowPlainly(const RankTables& tables, const double* const* columns, std::size_t offset, std::uint32_t* ranks);

}  // namespace sw::model
