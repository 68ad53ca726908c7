// RankedForest: a Forest whose tests are on small integers.
//
// Each feature gets the sorted cuts at which any test of it can change its mind; a value's rank is
// the number of cuts below it. Every test of the forest (rounding to float, kinds of comparison,
// zero and missing rules, category codes) becomes "rank > cut goes right" or membership of a set of
// ranks, with the same answer for every double. Cuts are found by bisecting the literal test
// (reference.h) over the order of doubles, so this file knows no library's rules.
//
// A missing value's rank is 0 in a column whose tests send it left, and above all others in a
// column whose tests send it right (or, where a byte would not hold that, the highest of a value);
// a feature with both kinds of tests has two columns.
// Immutable.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/engines/cells.h"
#include "model/forest.h"

namespace sw::model {

struct RankColumn {
  std::uint32_t feature = 0;     // index into RankedForest::cuts and Forest::features
  std::uint32_t missing_rank = 0;
};

struct RankNode {
  static constexpr std::uint32_t kNoSet = 0xffffffff;
  std::uint32_t column = 0;
  std::uint32_t cut = 0;          // rank > cut goes right
  std::uint32_t set = kNoSet;     // else: ranks in this set go left
  std::int32_t left = 0, right = 0;  // as in Forest
};

struct RankTree {
  std::vector<RankNode> nodes;
};

struct RankedForest {
  std::vector<std::vector<double>> cuts;     // one a feature, ascending; empty: the feature is unused
  std::vector<RankColumn> columns;
  std::vector<RankTree> trees;
  std::vector<std::vector<bool>> sets;       // ranks that go left
  std::uint32_t rank_max = 0;                // of any column, missing included
};

// Requires CheckForest(forest).
RankedForest RankForest(const Forest& forest);

// The number of cuts below `value`, which is not NaN.
inline std::uint32_t RankOf(std::span<const double> cuts, double value) {
  const double* base = cuts.data();
  std::size_t count = cuts.size();
  if (count == 0) return 0;
  while (count > 1) {  // without branches: the compiler makes conditional moves of it
    const std::size_t half = count / 2;
    base += base[half - 1] < value ? half : 0;
    count -= half;
  }
  return static_cast<std::uint32_t>(base - cuts.data()) + (*base < value ? 1 : 0);
}

}  // namespace sw::model
