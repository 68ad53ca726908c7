// Profile: what a table's columns look like. Shown to people, and kept in packages as reference.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "data/batch.h"

namespace sw::data {

struct ColumnProfile {
  std::string name;
  Type type = Type::kFloat64;
  std::uint64_t rows = 0;
  std::uint64_t nulls = 0;
  std::uint64_t nan_or_infinite = 0;
  std::uint64_t distinct = 0;       // exact up to 10,000, then a lower bound
  bool distinct_is_exact = true;
  double min = 0, max = 0, mean = 0, stddev = 0;  // numbers and timestamps
  std::vector<double> quantiles;    // at 0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999
  std::vector<std::pair<std::string, std::uint64_t>> top;  // the ten commonest values
  std::vector<std::string> findings;  // "one value at 999 lies 40 IQR above the rest", "constant", ...
  bool operator==(const ColumnProfile&) const = default;
};

inline constexpr double kProfileQuantiles[] = {0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999};

struct Profile {
  std::uint64_t rows = 0;
  std::vector<ColumnProfile> columns;
  Json ToJson() const;
  static Result<Profile> FromJson(const Json& json);
  const ColumnProfile* Find(std::string_view column) const;
  bool operator==(const Profile&) const = default;
};

Profile ProfileTable(const Batch& batch);

}  // namespace sw::data
