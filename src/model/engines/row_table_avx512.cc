// The row table by AVX-512: the masks of 16 trees a register (of 8, when they have 64 bits).
// Compiled with those flags; includes no standard template (see slice_bytes.inc).
#include <immintrin.h>

#include "model/engines/row_table_kernels.h"

namespace sw::model {
namespace {

// Adds the leaves that `numbers` name, in order: the chain of additions is what a row costs at least.
template <std::size_t kBits, typename Real>
inline Real AddLeaves(const Real* leaves, const std::uint32_t* numbers, std::size_t count, Real sum) {
  if (count >= 16) {
#pragma GCC unroll 16
    for (std::size_t k = 0; k < 16; ++k) sum += leaves[k * kBits + numbers[k]];
    return sum;
  }
  for (std::size_t k = 0; k < count; ++k) sum += leaves[k * kBits + numbers[k]];
  return sum;
}

// The number of the lowest bit of each lane.
inline __m512i LowestBits(__m512i possible) {
  const __m512i lowest = _mm512_and_si512(possible, _mm512_sub_epi32(_mm512_setzero_si512(), possible));
  return _mm512_sub_epi32(_mm512_set1_epi32(31), _mm512_lzcnt_epi32(lowest));
}
inline __m256i LowestBits64(__m512i possible) {
  const __m512i lowest = _mm512_and_si512(possible, _mm512_sub_epi64(_mm512_setzero_si512(), possible));
  return _mm512_cvtepi64_epi32(_mm512_sub_epi64(_mm512_set1_epi64(63), _mm512_lzcnt_epi64(lowest)));
}

template <typename Real>
inline Real Sum(const RowTableView<Real, std::uint32_t>& table, Real sum) {
  alignas(64) std::uint32_t numbers[16];
  for (std::size_t from = 0; from < table.trees; from += 16) {
    __m512i possible = _mm512_set1_epi32(-1);
    for (std::size_t f = 0; f < table.features; ++f) {
      possible = _mm512_and_si512(possible, _mm512_loadu_si512(table.rows[f] + from));
    }
    _mm512_store_si512(numbers, LowestBits(possible));
    const std::size_t left = table.trees - from;
    sum = AddLeaves<32>(table.leaves + from * 32, numbers, left, sum);
  }
  return sum;
}

template <typename Real>
inline Real Sum(const RowTableView<Real, std::uint64_t>& table, Real sum) {
  alignas(64) std::uint32_t numbers[16];
  for (std::size_t from = 0; from < table.trees; from += 16) {
    __m512i low = _mm512_set1_epi64(-1), high = low;
    for (std::size_t f = 0; f < table.features; ++f) {
      low = _mm512_and_si512(low, _mm512_loadu_si512(table.rows[f] + from));
      high = _mm512_and_si512(high, _mm512_loadu_si512(table.rows[f] + from + 8));
    }
    _mm256_store_si256(reinterpret_cast<__m256i*>(numbers), LowestBits64(low));
    _mm256_store_si256(reinterpret_cast<__m256i*>(numbers + 8), LowestBits64(high));
    sum = AddLeaves<64>(table.leaves + from * 64, numbers, table.trees - from, sum);
  }
  return sum;
}

}  // namespace

double RowSumAvx512(const RowTableView<double, std::uint32_t>& table, double sum) { return Sum(table, sum); }
double RowSumAvx512(const RowTableView<double, std::uint64_t>& table, double sum) { return Sum(table, sum); }
float RowSumAvx512(const RowTableView<float, std::uint32_t>& table, float sum) { return Sum(table, sum); }
float RowSumAvx512(const RowTableView<float, std::uint64_t>& table, float sum) { return Sum(table, sum); }

}  // namespace sw::model
