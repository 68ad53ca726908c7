// FeatureRanker: values to ranks, for one row or a block. Immutable.
#pragma once

#include <cstdint>
#include <vector>

#include "model/engines/cells.h"
#include "model/engines/cpu.h"

namespace sw::model {

class FeatureRanker {
 public:
  FeatureRanker() = default;
  // `cuts`: one list a feature, ascending; features without cuts are not ranked.
  FeatureRanker(std::vector<std::vector<double>> cuts, const Cpu& cpu);

  std::size_t size() const { return features_.size(); }  // ranked features
  // The rank that stands for a missing value of the ranked feature `place`.
  std::uint32_t missing(std::size_t place) const { return features_[place].count + 1; }

  // One rank a ranked feature.
  void RankRow(const Cells& cells, std::size_t row, std::uint32_t* ranks) const;
  // `rows` bytes of a feature (at `place` among the ranked); a missing value gets `missing_rank`.
  // Ranks must fit a byte.
  void RankBytes(const Cells& cells, std::size_t feature, std::size_t place, std::uint32_t missing_rank,
                 std::size_t from, std::size_t rows, std::uint8_t* ranks) const;
  std::size_t bytes() const { return cuts_.size() * sizeof(double) + features_.size() * sizeof(Feature); }

 private:
  struct Feature {
    std::uint32_t feature;
    std::uint32_t first;   // into cuts_
    std::uint32_t count;   // of cuts; padded with +infinity to a power of two less one
    std::uint32_t levels;  // of the search
  };

  std::uint32_t Search(const Feature& feature, double value) const {
    const double* cuts = cuts_.data() + feature.first;
    std::uint32_t rank = 0;
    for (std::uint32_t half = 1U << feature.levels >> 1; half != 0; half >>= 1) {
      rank += cuts[rank + half - 1] < value ? half : 0;
    }
    return rank;
  }

  std::vector<Feature> features_;
  std::vector<double> cuts_;
};

}  // namespace sw::model
