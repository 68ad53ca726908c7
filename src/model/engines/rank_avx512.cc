// Ranks by AVX-512: two steps of 16 comparisons each, counted in mask registers. Compiled with those
// flags; includes no standard template (see slice_bytes.inc).
#include <immintrin.h>

#include "model/engines/rank_kernels.h"

namespace sw::model {
namespace {

inline unsigned CountBelow(__m512d low, __m512d high, __m512d value) {
  const __mmask8 below_low = _mm512_cmp_pd_mask(low, value, _CMP_LT_OQ);
  const __mmask8 below_high = _mm512_cmp_pd_mask(high, value, _CMP_LT_OQ);
  return static_cast<unsigned>(__builtin_popcount(static_cast<unsigned>(_mm512_kunpackb(below_high, below_low))));
}

}  // namespace

void RankBytesAvx512(const RankTable& table, const double* values, std::size_t stride, std::size_t rows,
                     std::uint8_t missing, std::uint8_t* ranks) {
  const __m512d pivots_low = _mm512_loadu_pd(table.pivots), pivots_high = _mm512_loadu_pd(table.pivots + 8);
#pragma GCC unroll 4
  for (std::size_t r = 0; r < rows; ++r) {
    const double x = values[r * stride];
    const __m512d value = _mm512_set1_pd(x);
    const unsigned group = CountBelow(pivots_low, pivots_high, value);
    const double* cuts = table.cuts + group * 16;
    const unsigned within = CountBelow(_mm512_loadu_pd(cuts), _mm512_loadu_pd(cuts + 8), value);
    const auto rank = static_cast<std::uint8_t>(group * 16 + within);
    ranks[r] = x != x ? missing : rank;
  }
}

}  // namespace sw::model
