// The bit-sliced kernel for AVX-512 (F, BW, DQ, VL, VBMI): row masks are 64-bit mask registers, and
// leaf values are looked up inside registers. Compiled with those flags; call it only where the CPU
// has them. Includes no standard template (see slice_bytes.inc).
#include <immintrin.h>

#include "model/engines/slice.h"

namespace sw::model {
namespace {

constexpr std::size_t kWords = kSliceRows / 64;

struct alignas(32) RowMasks {
  std::uint64_t words[kWords];
};

// Bits of a 256-bit set at 64 ranks.
inline __mmask64 TestSet(const std::uint64_t* set, __m512i ranks) {
  const __m512i table = _mm512_castsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(set)));
  const __m512i byte_index = _mm512_and_si512(_mm512_srli_epi16(ranks, 3), _mm512_set1_epi8(31));
  const __m512i bytes = _mm512_permutexvar_epi8(byte_index, table);
  const __m512i bit_table = _mm512_set1_epi64(static_cast<long long>(0x8040201008040201ULL));
  const __m512i bits = _mm512_shuffle_epi8(bit_table, _mm512_and_si512(ranks, _mm512_set1_epi8(7)));
  return _mm512_test_epi8_mask(bytes, bits);
}

// Which of the rows at op `i` go right, 64 at a time: they skip the leaves on the left. `pass_on(word, parent,
// right)` does with the masks what else is to be done; storing them is half of an op's work.
template <typename Real, typename PassOn>
inline void ForEachWord(const SliceView<Real>& program, const SliceTree& tree, std::uint32_t i, const std::uint8_t* ranks,
                        RowMasks* masks, __m512i* id, const PassOn& pass_on) {
  const SliceOp op = program.ops[tree.first_op + i];
  const __m512i add = _mm512_set1_epi8(static_cast<char>(op.add));
  const std::uint8_t* x = ranks + static_cast<std::size_t>(op.column & 0x7fff) * kSliceRows;
  const bool is_set = (op.column & kSliceSetFlag) != 0;
  const std::uint64_t* set = is_set ? program.sets + 4 * static_cast<std::size_t>(program.op_sets[tree.first_op + i]) : nullptr;
  const __m512i cut = _mm512_set1_epi8(static_cast<char>(op.cut));
#pragma GCC unroll 4
  for (std::size_t w = 0; w < kWords; ++w) {
    const __mmask64 parent = _load_mask64(reinterpret_cast<__mmask64*>(&masks[i].words[w]));
    const __m512i values = _mm512_load_si512(x + w * 64);
    const __mmask64 right = is_set ? _kand_mask64(parent, TestSet(set, values))
                                   : _mm512_mask_cmpgt_epu8_mask(parent, values, cut);
    id[w] = _mm512_mask_add_epi8(id[w], right, id[w], add);
    pass_on(w, parent, right);
  }
}

template <typename Real>
inline void LeafNumbers(const SliceView<Real>& program, const SliceTree& tree, const std::uint8_t* ranks,
                        RowMasks* masks, __m512i* id) {
  for (std::size_t w = 0; w < kWords; ++w) {
    id[w] = _mm512_setzero_si512();
    masks[0].words[w] = ~0ULL;
  }
  const SliceOp* ops = program.ops + tree.first_op;
  std::uint32_t i = 0;
  for (; i < tree.inner; ++i) {
    ForEachWord(program, tree, i, ranks, masks, id, [&](std::size_t w, __mmask64 parent, __mmask64 right) {
      _store_mask64(reinterpret_cast<__mmask64*>(&masks[ops[i].right].words[w]), right);
      _store_mask64(reinterpret_cast<__mmask64*>(&masks[ops[i].left].words[w]), _kandn_mask64(right, parent));
    });
  }
  for (; i < tree.ops; ++i) ForEachWord(program, tree, i, ranks, masks, id, [](std::size_t, __mmask64, __mmask64) {});
}

// Up to 32 doubles: four registers hold all leaves of the tree.
inline void AddLeaves32(const double* leaves, const std::uint8_t* numbers, double* sums) {
  const __m512d l0 = _mm512_loadu_pd(leaves), l1 = _mm512_loadu_pd(leaves + 8);
  const __m512d l2 = _mm512_loadu_pd(leaves + 16), l3 = _mm512_loadu_pd(leaves + 24);
  for (std::size_t r = 0; r < kSliceRows; r += 8) {
    const __m512i index = _mm512_cvtepu8_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(numbers + r)));
    const __m512d low = _mm512_permutex2var_pd(l0, index, l1);
    const __m512d high = _mm512_permutex2var_pd(l2, index, l3);
    const __mmask8 is_high = _mm512_test_epi64_mask(index, _mm512_set1_epi64(16));
    _mm512_store_pd(sums + r, _mm512_add_pd(_mm512_load_pd(sums + r), _mm512_mask_blend_pd(is_high, low, high)));
  }
}

// Up to 64 floats: four registers likewise.
inline void AddLeaves64(const float* leaves, const std::uint8_t* numbers, float* sums) {
  const __m512 l0 = _mm512_loadu_ps(leaves), l1 = _mm512_loadu_ps(leaves + 16);
  const __m512 l2 = _mm512_loadu_ps(leaves + 32), l3 = _mm512_loadu_ps(leaves + 48);
  for (std::size_t r = 0; r < kSliceRows; r += 16) {
    const __m512i index = _mm512_cvtepu8_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(numbers + r)));
    const __m512 low = _mm512_permutex2var_ps(l0, index, l1);
    const __m512 high = _mm512_permutex2var_ps(l2, index, l3);
    const __mmask16 is_high = _mm512_test_epi32_mask(index, _mm512_set1_epi32(32));
    _mm512_store_ps(sums + r, _mm512_add_ps(_mm512_load_ps(sums + r), _mm512_mask_blend_ps(is_high, low, high)));
  }
}

template <typename Real>
inline void AddLeavesPlainly(const Real* leaves, std::size_t width, std::size_t outputs, const std::uint8_t* numbers, Real* sums) {
  for (std::size_t output = 0; output < outputs; ++output) {
    Real* sum = sums + output * kSliceRows;
    for (std::size_t r = 0; r < kSliceRows; ++r) sum[r] += leaves[numbers[r] * width + output];
  }
}

inline void AddLeaves(const SliceView<double>& program, const SliceTree& tree, const std::uint8_t* numbers, double* sums) {
  const double* leaves = program.leaves + static_cast<std::size_t>(tree.first_leaf) * program.leaf_width;
  sums += static_cast<std::size_t>(tree.output) * kSliceRows;
  if (program.leaf_width == 1 && tree.leaves <= 32) return AddLeaves32(leaves, numbers, sums);
  AddLeavesPlainly(leaves, program.leaf_width, program.leaf_width, numbers, sums);
}

inline void AddLeaves(const SliceView<float>& program, const SliceTree& tree, const std::uint8_t* numbers, float* sums) {
  const float* leaves = program.leaves + static_cast<std::size_t>(tree.first_leaf) * program.leaf_width;
  sums += static_cast<std::size_t>(tree.output) * kSliceRows;
  if (program.leaf_width == 1 && tree.leaves <= 64) return AddLeaves64(leaves, numbers, sums);
  AddLeavesPlainly(leaves, program.leaf_width, program.leaf_width, numbers, sums);
}

template <typename Real>
inline void SliceSum(const SliceView<Real>& program, const std::uint8_t* ranks, Real* sums) {
  RowMasks masks[kSliceLeavesMax + 1];
  alignas(64) std::uint8_t numbers[kSliceRows];
  for (std::size_t t = 0; t < program.tree_count; ++t) {
    __m512i id[kWords];
    LeafNumbers(program, program.trees[t], ranks, masks, id);
    for (std::size_t w = 0; w < kWords; ++w) _mm512_store_si512(numbers + w * 64, id[w]);
    AddLeaves(program, program.trees[t], numbers, sums);
  }
}

}  // namespace

void SliceSumAvx512(const SliceView<double>& program, const std::uint8_t* ranks, double* sums) {
  SliceSum(program, ranks, sums);
}
void SliceSumAvx512(const SliceView<float>& program, const std::uint8_t* ranks, float* sums) {
  SliceSum(program, ranks, sums);
}

}  // namespace sw::model
