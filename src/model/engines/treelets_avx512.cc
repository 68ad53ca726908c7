// Treelets by AVX-512 (F, BW, VL, VBMI): a row's ranks are a register, in which the columns of a treelet
// are looked up. Compiled with those flags; includes no standard template (see slice_bytes.inc).
#include <immintrin.h>

#include "model/engines/treelet_kernels.h"

namespace sw::model {
namespace {

// From a heap's root down: at = 2 * at + bit `at` of `right`, for which compilers know no two instructions.
template <int kLevels>
inline std::uint64_t Descend(std::uint64_t right) {
  std::uint64_t at = 1;
#pragma GCC unroll 6
  for (int level = 0; level < kLevels; ++level) asm("bt %[at], %[right]\n\tadc %[at], %[at]" : [at] "+r"(at) : [right] "r"(right) : "cc");
  return at;
}

inline std::uint32_t Exit(const Treelet& treelet, __m512i ranks) {
  const __m512i columns = _mm512_castsi128_si512(_mm_load_si128(reinterpret_cast<const __m128i*>(treelet.columns)));
  const __m128i values = _mm512_castsi512_si128(_mm512_permutexvar_epi8(columns, ranks));
  const __m128i cuts = _mm_load_si128(reinterpret_cast<const __m128i*>(treelet.cuts));
  return treelet.exits[Descend<4>(_cvtmask16_u32(_mm_cmpgt_epu8_mask(values, cuts))) - 16];
}

inline std::uint32_t Exit(const TreeletRoot& root, __m512i ranks) {
  const __m512i values = _mm512_permutexvar_epi8(_mm512_load_si512(root.columns), ranks);
  return root.exits[Descend<6>(_cvtmask64_u64(_mm512_cmpgt_epu8_mask(values, _mm512_load_si512(root.cuts)))) - 64];
}

// Those still on their way: who (16 bits), then its treelet. Without a branch on whether one arrived.
struct OnTheWay {
  std::uint32_t entries[kTreeletsTogether];
  std::size_t count = 0;

  void Add(std::uint32_t who, std::uint32_t exit, std::uint16_t* leaves) {
    leaves[who] = static_cast<std::uint16_t>(exit & (kTreeletLeaf - 1U));
    entries[count] = who << 16 | exit;
    count += exit < kTreeletLeaf ? 1 : 0;
  }
};

// `exit_of(who, treelet)` takes one a step further.
template <typename ExitOf>
inline void GoOn(OnTheWay& all, std::uint16_t* leaves, const ExitOf& exit_of) {
  while (all.count != 0) {
    const std::size_t count = all.count;
    all.count = 0;  // entries are written no further than they were read
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t who = all.entries[i] >> 16;
      all.Add(who, exit_of(who, all.entries[i] & 0xffff), leaves);
    }
  }
}

}  // namespace

void TreeletLeavesOfTreesAvx512(const TreeletRoot* roots, const Treelet* rest, const std::uint32_t* first, std::size_t trees,
                                const std::uint8_t* ranks, std::uint16_t* leaves) {
  const __m512i row = _mm512_loadu_si512(ranks);
  OnTheWay all;
  for (std::uint32_t t = 0; t < trees; ++t) all.Add(t, Exit(roots[t], row), leaves);
  GoOn(all, leaves, [&](std::uint32_t tree, std::uint32_t treelet) { return Exit(rest[first[tree] + treelet], row); });
}

void TreeletLeavesOfRowsAvx512(const TreeletRoot& root, const Treelet* rest, std::size_t rows, const std::uint8_t* ranks,
                               std::uint16_t* leaves) {
  const auto ranks_of = [&](std::uint32_t row) { return _mm512_loadu_si512(ranks + row * kTreeletRowBytes); };
  OnTheWay all;
  for (std::uint32_t r = 0; r < rows; ++r) all.Add(r, Exit(root, ranks_of(r)), leaves);
  GoOn(all, leaves, [&](std::uint32_t row, std::uint32_t treelet) { return Exit(rest[treelet], ranks_of(row)); });
}

}  // namespace sw::model
