#include "model/engines/feature_ranker.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace sw::model {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::uint32_t kLevelsMin = 4;

// The number of cuts below `value`, without branches; 0 for NaN.
std::uint32_t Search(const RankTable& table, double value) {
  std::uint32_t rank = 0;
  for (std::uint32_t half = 1U << table.levels >> 1; half != 0; half >>= 1) {
    rank += half & (0U - static_cast<std::uint32_t>(table.cuts[rank + half - 1] < value));
  }
  return rank;
}

}  // namespace

void RankBytesPlainly(const RankTable& table, const double* values, std::size_t stride, std::size_t rows,
                      std::uint8_t missing, std::uint8_t* ranks) {
  constexpr std::size_t kTogether = 8;  // searches whose loads overlap
  for (std::size_t r = 0; r < rows; r += kTogether) {
    double x[kTogether];
    std::uint32_t rank[kTogether] = {};
    for (std::size_t k = 0; k < kTogether; ++k) x[k] = values[std::min(r + k, rows - 1) * stride];
    for (std::uint32_t half = 1U << table.levels >> 1; half != 0; half >>= 1) {
      for (std::size_t k = 0; k < kTogether; ++k) {
        rank[k] += half & (0U - static_cast<std::uint32_t>(table.cuts[rank[k] + half - 1] < x[k]));
      }
    }
    for (std::size_t k = 0; k < std::min(kTogether, rows - r); ++k) {
      ranks[r + k] = std::isnan(x[k]) ? missing : static_cast<std::uint8_t>(rank[k]);
    }
  }
}

void RankRowPlainly(const RankTables& tables, const double* const* columns, std::size_t offset, std::uint32_t* ranks) {
  for (std::size_t place = 0; place < tables.size; ++place) {
    const RankFeature& feature = tables.features[place];
    const double value = columns[feature.feature][offset];
    const RankTable table{tables.cuts + feature.first, tables.pivots + place * 16, feature.levels};
    ranks[place] = std::isnan(value) ? feature.count + 1 : Search(table, value);
  }
}

FeatureRanker::FeatureRanker(const std::vector<std::vector<double>>& cuts, const Cpu& cpu) {
  bool all_fit_bytes = true;
  for (std::size_t f = 0; f < cuts.size(); ++f) {
    if (cuts[f].empty()) continue;
    const auto count = static_cast<std::uint32_t>(cuts[f].size());
    const auto levels = std::max(kLevelsMin, static_cast<std::uint32_t>(std::bit_width(count)));
    const auto first = static_cast<std::uint32_t>(cuts_.size());
    features_.push_back({.feature = static_cast<std::uint32_t>(f), .first = first, .count = count, .levels = levels});
    cuts_.insert(cuts_.end(), cuts[f].begin(), cuts[f].end());
    cuts_.resize(first + (std::size_t{1} << levels), kInfinity);
    for (std::size_t i = 0; i < 16; ++i) {
      const std::size_t at = i * 16 + 15;
      pivots_.push_back(at < count ? cuts[f][at] : kInfinity);
    }
    all_fit_bytes = all_fit_bytes && count <= 255;
  }
#if defined(__x86_64__)
  if (cpu.avx512) kernel_ = RankBytesAvx512;
  if (cpu.avx512 && all_fit_bytes) row_kernel_ = RankRowAvx512;
#else
  static_cast<void>(cpu), static_cast<void>(all_fit_bytes);
#endif
}

void FeatureRanker::RankRow(const Cells& cells, std::size_t row, std::uint32_t* ranks) const {
  const RankTables tables{.features = features_.data(), .size = features_.size(), .cuts = cuts_.data(), .pivots = pivots_.data()};
  row_kernel_(tables, cells.columns.data(), row * cells.stride, ranks);
}

void FeatureRanker::RankBytes(const Cells& cells, std::size_t place, std::uint32_t missing_rank, std::size_t from,
                              std::size_t rows, std::uint8_t* ranks) const {
  const double* values = cells.columns[features_[place].feature] + from * cells.stride;
  kernel_(Table(place), values, cells.stride, rows, static_cast<std::uint8_t>(missing_rank), ranks);
}

}  // namespace sw::model
