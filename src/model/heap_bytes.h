// HeapBytes: what a value takes of the heap, beside its own sizeof: containers and what is in them, with what
// malloc adds to each block. Counted, not measured: spare capacity counts, what the allocator keeps back does not.
//
//   std::size_t bytes = sizeof(Forest) + HeapBytes(forest);
//
// A new container member of a value that is counted here belongs into its overload; memory_test.cc compares with
// what malloc says. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/json.h"
#include "data/batch.h"
#include "data/contract.h"
#include "data/profile.h"
#include "model/derived.h"
#include "model/encoding.h"
#include "model/engine.h"
#include "model/forest.h"
#include "model/golden_rows.h"
#include "model/plan.h"

namespace sw::model {

// A block of glibc's malloc that holds so many bytes; 0 for none.
constexpr std::size_t BlockBytes(std::size_t bytes) {
  if (bytes == 0) return 0;
  return bytes < 24 ? 32 : (bytes + 8 + 15) / 16 * 16;
}

std::size_t HeapBytes(const Json& json);
std::size_t HeapBytes(const data::Batch& batch);
std::size_t HeapBytes(const data::Contract& contract);
std::size_t HeapBytes(const data::Profile& profile);
std::size_t HeapBytes(const Dictionary& dictionary);
std::size_t HeapBytes(const LinearLeaf& leaf);
std::size_t HeapBytes(const Tree& tree);
std::size_t HeapBytes(const Forest& forest);
std::size_t HeapBytes(const DerivedInput& input);
std::size_t HeapBytes(const CategoryKey& key);
std::size_t HeapBytes(const DerivedFeature& feature);
std::size_t HeapBytes(const DerivedForest& forest);
std::size_t HeapBytes(const LinearModel::Term& term);
std::size_t HeapBytes(const Encoding& encoding);
std::size_t HeapBytes(const GoldenRows& golden);
std::size_t HeapBytes(const OneHotOp::Column& column);
std::size_t HeapBytes(const LookupOp::Column& column);
std::size_t HeapBytes(const InterpolateOp::Curve& curve);
std::size_t HeapBytes(const SplineOp::Column& column);
std::size_t HeapBytes(const PlanOp& op);
std::size_t HeapBytes(const PlanStage& stage);
std::size_t HeapBytes(const PlanInput& input);
std::size_t HeapBytes(const Plan& plan);
// What a kernel makes beside a copy of the op's constants, to find a category's place.
std::size_t IndexBytes(const PlanOp& op);

inline std::size_t HeapBytes(const std::string& text) { return text.capacity() < 16 ? 0 : BlockBytes(text.capacity() + 1); }
inline std::size_t HeapBytes(const std::vector<bool>& bits) { return BlockBytes(bits.capacity() / 8); }
template <typename T>
  requires std::is_trivially_copyable_v<T>
constexpr std::size_t HeapBytes(const T&) {
  return 0;
}
// All of them before the first body: one may hold any other.
template <typename T>
std::size_t HeapBytes(const std::optional<T>& value);
template <typename T>
std::size_t HeapBytes(const std::vector<T>& items);
template <typename K, typename V, typename Less>
std::size_t HeapBytes(const std::map<K, V, Less>& map);
template <typename K, typename V>
std::size_t HeapBytes(const std::unordered_map<K, V>& map);  // of keys and values without a heap

template <typename T>
std::size_t HeapBytes(const std::optional<T>& value) {
  return value ? HeapBytes(*value) : 0;
}
template <typename T>
std::size_t HeapBytes(const std::vector<T>& items) {
  std::size_t bytes = BlockBytes(items.capacity() * sizeof(T));
  if constexpr (!std::is_trivially_copyable_v<T>) {
    for (const T& item : items) bytes += HeapBytes(item);
  }
  return bytes;
}
template <typename K, typename V, typename Less>
std::size_t HeapBytes(const std::map<K, V, Less>& map) {
  constexpr std::size_t kLinks = 32;  // of a node of a red-black tree
  std::size_t bytes = map.size() * BlockBytes(kLinks + sizeof(std::pair<const K, V>));
  for (const auto& [key, value] : map) bytes += HeapBytes(key) + HeapBytes(value);
  return bytes;
}
template <typename K, typename V>
std::size_t HeapBytes(const std::unordered_map<K, V>& map) {
  return map.size() * BlockBytes(sizeof(void*) + sizeof(std::pair<const K, V>)) + BlockBytes(map.bucket_count() * sizeof(void*));
}

}  // namespace sw::model
