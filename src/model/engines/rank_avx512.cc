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

inline unsigned Rank(const double* cuts, __m512d pivots_low, __m512d pivots_high, __m512d value) {
  const double* group = cuts + 16 * CountBelow(pivots_low, pivots_high, value);
  return static_cast<unsigned>(group - cuts) + CountBelow(_mm512_loadu_pd(group), _mm512_loadu_pd(group + 8), value);
}

}  // namespace

void RankBytesAvx512(const RankTable& table, const double* values, std::size_t stride, std::size_t rows,
                     std::uint8_t missing, std::uint8_t* ranks) {
  const __m512d pivots_low = _mm512_loadu_pd(table.pivots), pivots_high = _mm512_loadu_pd(table.pivots + 8);
#pragma GCC unroll 4
  for (std::size_t r = 0; r < rows; ++r) {
    const double x = values[r * stride];
    const auto rank = static_cast<std::uint8_t>(Rank(table.cuts, pivots_low, pivots_high, _mm512_set1_pd(x)));
    ranks[r] = x != x ? missing : rank;
  }
}

void RankRowAvx512(const RankTables& tables, const double* const* columns, std::size_t offset, std::uint32_t* ranks) {
#pragma GCC unroll 2
  for (std::size_t place = 0; place < tables.size; ++place) {
    const RankFeature feature = tables.features[place];
    const double* pivots = tables.pivots + place * 16;
    const double x = columns[feature.feature][offset];
    const unsigned rank = Rank(tables.cuts + feature.first, _mm512_loadu_pd(pivots), _mm512_loadu_pd(pivots + 8), _mm512_set1_pd(x));
    ranks[place] = x != x ? feature.count + 1 : rank;
  }
}

}  // namespace sw::model
