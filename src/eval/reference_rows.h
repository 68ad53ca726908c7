// The 240 rows of reference_values.py, for tests: two scores, labels, and six days of 40 rows.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "data/batch.h"

namespace sw::eval {

struct ReferenceRows {
  std::vector<double> scores, other;
  std::vector<std::uint8_t> labels;
  std::vector<std::uint64_t> days;
  data::Column origin{data::Type::kString};

  ReferenceRows() {
    for (int i = 0; i < 240; ++i) {
      scores.push_back(std::round(i * 37 % 101 / 101.0 * 100) / 100);
      other.push_back(std::round(i * 53 % 97 / 97.0 * 100) / 100);
      labels.push_back(i * 37 % 101 + i * 29 % 83 + 6 * (i / 40) > 105 ? 1 : 0);
      days.push_back(static_cast<std::uint64_t>(i / 40));
      origin.AppendString(i % 4 == 0 ? "EWR" : i % 4 == 3 ? "LGA" : "JFK");
    }
  }
};

}  // namespace sw::eval
