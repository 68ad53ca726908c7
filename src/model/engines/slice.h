// Bit-sliced trees: every node of a tree is evaluated for 256 rows at once.
//
// A row's leaf is found without a walk: each node splits its parent's row mask, and going right adds
// the number of the left subtree's leaves to a byte, so that the in-order number of the leaf falls
// out. The cost of a tree is that of its nodes, whatever the rows. For trees of up to 256 leaves and
// ranks of a byte. The program is plain data, so that kernels for several CPUs can share it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sw::model {

inline constexpr std::size_t kSliceRows = 256;      // rows a block
inline constexpr std::size_t kSliceLeavesMax = 256;  // a leaf's number is a byte
inline constexpr std::uint16_t kSliceSetFlag = 0x8000;  // in SliceOp::column: the test is a set

struct SliceOp {
  std::uint16_t column;  // of ranks
  std::uint8_t cut;      // rank > cut goes right
  std::uint8_t add;      // leaves of the left subtree
  std::uint16_t left;    // the op (of this tree) that reads the mask of rows going left
  std::uint16_t right;
};

struct SliceTree {
  std::uint32_t first_op, ops;
  std::uint32_t inner;  // the first ops; the rest have two leaves, whose masks nobody reads
  std::uint32_t first_leaf, leaves;  // leaf values start at first_leaf * leaf_width
  std::uint32_t output;
};

// Leaf values are followed by 64 values of padding.
template <typename Real>
struct SliceView {
  const SliceOp* ops;
  const std::uint32_t* op_sets;   // of ops with kSliceSetFlag: index into sets
  const std::uint64_t* sets;      // 4 words a set: the ranks that go right
  const SliceTree* trees;
  std::size_t tree_count;
  const Real* leaves;             // in order, leaf_width values each
  std::size_t leaf_width;
};

// Adds every tree, in order, to sums[output * kSliceRows + row]. `ranks` holds kSliceRows bytes a
// column, 64-byte aligned; `sums` likewise.
template <typename Real>
using SliceKernel = void (*)(const SliceView<Real>& program, const std::uint8_t* ranks, Real* sums);

void SliceSumAvx512(const SliceView<double>& program, const std::uint8_t* ranks, double* sums);
void SliceSumAvx512(const SliceView<float>& program, const std::uint8_t* ranks, float* sums);
void SliceSumAvx2(const SliceView<double>& program, const std::uint8_t* ranks, double* sums);
void SliceSumAvx2(const SliceView<float>& program, const std::uint8_t* ranks, float* sums);
void SliceSumBaseline(const SliceView<double>& program, const std::uint8_t* ranks, double* sums);
void SliceSumBaseline(const SliceView<float>& program, const std::uint8_t* ranks, float* sums);

}  // namespace sw::model
