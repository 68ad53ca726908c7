// Kernels of treelets. No standard template: compiled for CPUs that may be absent (see
// slice_bytes.inc). Pure.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sw::model {

inline constexpr std::size_t kTreeletRowBytes = 64;  // a row's ranks, and so the columns at most
inline constexpr std::size_t kTreeletsTogether = 256;  // trees or rows of a call at most
inline constexpr std::uint16_t kTreeletLeaf = 0x8000;  // in an exit: a leaf's number, not a treelet's

template <std::size_t kPlaces>
struct alignas(64) TreeletOf {
  std::uint8_t columns[kPlaces];  // of the heap's places from 1
  std::uint8_t cuts[kPlaces];     // rank > cut goes right
  std::uint16_t exits[kPlaces];   // from left to right
};
using Treelet = TreeletOf<16>;
using TreeletRoot = TreeletOf<64>;

#if defined(__x86_64__)
// The leaf of each tree; tree t's treelets below its root start at rest + first[t].
void TreeletLeavesOfTreesAvx512(const TreeletRoot* roots, const Treelet* rest, const std::uint32_t* first, std::size_t trees,
                                const std::uint8_t* ranks, std::uint16_t* leaves);
// The leaf of each row in one tree.
void TreeletLeavesOfRowsAvx512(const TreeletRoot& root, const Treelet* rest, std::size_t rows, const std::uint8_t* ranks,
                               std::uint16_t* leaves);
#endif

}  // namespace sw::model
