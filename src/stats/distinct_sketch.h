// DistinctSketch: about how many different values there were, from their hashes, in 4 KiB.
//
//   DistinctSketch sketch;
//   for (std::string_view user : users) sketch.AddHash(base::Hash64(user));
//   double distinct = sketch.Estimate();        // standard error 1.6 %
//
// HyperLogLog with 4,096 registers (Flajolet et al. 2007) and the estimator of Ertl 2017, "New
// cardinality estimation algorithms for HyperLogLog sketches", algorithm 6, which needs no table of
// corrections. It depends on the set of hashes alone: order, repetition and grouping cannot change a
// bit of it. A value; externally synchronised.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sw::stats {

class DistinctSketch {
 public:
  static constexpr int kIndexBits = 12;
  static constexpr std::size_t kRegisters = 1u << kIndexBits;

  void AddHash(std::uint64_t hash);  // of a good 64-bit hash
  void Merge(const DistinctSketch& other);
  double Estimate() const;

  std::string Encode() const { return {registers_.begin(), registers_.end()}; }
  static Result<DistinctSketch> Decode(std::string_view bytes);  // hostile input
  bool operator==(const DistinctSketch&) const = default;

 private:
  std::array<std::uint8_t, kRegisters> registers_{};
};

}  // namespace sw::stats
