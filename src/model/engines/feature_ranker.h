// FeatureRanker: values to ranks, for one row or a block. Immutable.
#pragma once

#include <cstdint>
#include <vector>

#include "model/engines/cells.h"
#include "model/engines/cpu.h"
#include "model/engines/rank_kernels.h"
#include "model/heap_bytes.h"

namespace sw::model {

class FeatureRanker {
 public:
  FeatureRanker() = default;
  // `cuts`: one list a feature, ascending; features without cuts are not ranked.
  FeatureRanker(const std::vector<std::vector<double>>& cuts, const Cpu& cpu);

  std::size_t size() const { return features_.size(); }  // ranked features
  // The rank that stands for a missing value of the ranked feature `place`.
  std::uint32_t missing(std::size_t place) const { return features_[place].count + 1; }

  // One rank a ranked feature.
  void RankRow(const Cells& cells, std::size_t row, std::uint32_t* ranks) const;
  // `rows` bytes of the ranked feature `place`; a missing value gets `missing_rank`. Ranks must fit
  // a byte.
  void RankBytes(const Cells& cells, std::size_t place, std::uint32_t missing_rank, std::size_t from,
                 std::size_t rows, std::uint8_t* ranks) const;
  std::size_t memory_bytes() const {  // beside itself
    return HeapBytes(features_) + HeapBytes(cuts_) + HeapBytes(pivots_);
  }

 private:
  RankTable Table(std::size_t place) const {
    return {cuts_.data() + features_[place].first, pivots_.data() + place * 16, features_[place].levels};
  }

  std::vector<RankFeature> features_;
  std::vector<double> cuts_, pivots_;
  RankKernel kernel_ = RankBytesPlainly;
  RankRowKernel row_kernel_ = RankRowPlainly;
};

}  // namespace sw::model
