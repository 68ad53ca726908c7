#include "model/engines/rank_kernels.h"

#include <bit>
#include <cmath>
#include <limits>

namespace sw::model {

FeatureRanker::FeatureRanker(std::vector<std::vector<double>> cuts, const Cpu&) {
  for (std::size_t f = 0; f < cuts.size(); ++f) {
    if (cuts[f].empty()) continue;
    const auto count = static_cast<std::uint32_t>(cuts[f].size());
    const auto levels = static_cast<std::uint32_t>(std::bit_width(count));
    features_.push_back({.feature = static_cast<std::uint32_t>(f), .first = static_cast<std::uint32_t>(cuts_.size()),
                         .count = count, .levels = levels});
    cuts_.insert(cuts_.end(), cuts[f].begin(), cuts[f].end());
    cuts_.resize(features_.back().first + (std::size_t{1} << levels) - 1, std::numeric_limits<double>::infinity());
  }
}

void FeatureRanker::RankRow(const Cells& cells, std::size_t row, std::uint32_t* ranks) const {
  for (std::size_t place = 0; place < features_.size(); ++place) {
    const Feature& feature = features_[place];
    const double value = cells.columns[feature.feature][row * cells.stride];
    const std::uint32_t rank = Search(feature, value);
    ranks[place] = std::isnan(value) ? feature.count + 1 : rank;
  }
}

void FeatureRanker::RankBytes(const Cells& cells, std::size_t feature, std::size_t place, std::uint32_t missing_rank,
                              std::size_t from, std::size_t rows, std::uint8_t* ranks) const {
  constexpr std::size_t kTogether = 8;  // searches whose loads overlap
  const Feature& found = features_[place];
  const double* cuts = cuts_.data() + found.first;
  const double* values = cells.columns[feature] + from * cells.stride;
  for (std::size_t r = 0; r < rows; r += kTogether) {
    double x[kTogether];
    std::uint32_t rank[kTogether] = {};
    for (std::size_t k = 0; k < kTogether; ++k) x[k] = values[(r + k < rows ? r + k : rows - 1) * cells.stride];
    for (std::uint32_t half = 1U << found.levels >> 1; half != 0; half >>= 1) {
      for (std::size_t k = 0; k < kTogether; ++k) rank[k] += cuts[rank[k] + half - 1] < x[k] ? half : 0;
    }
    for (std::size_t k = 0; k < kTogether; ++k) {
      ranks[r + k] = static_cast<std::uint8_t>(std::isnan(x[k]) ? missing_rank : rank[k]);
    }
  }
}

}  // namespace sw::model
