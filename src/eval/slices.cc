#include "eval/slices.h"

#include <algorithm>
#include <unordered_map>

#include "base/errors.h"

namespace sw::eval {

Result<std::vector<SliceRows>> SplitBySlice(const SliceColumn& slice, std::size_t rows) {
  if (slice.column == nullptr || slice.column->size() != rows) {
    return InvalidArgument("slice {}: {} values for {} rows", slice.name,
                           slice.column == nullptr ? 0 : slice.column->size(), rows);
  }
  std::vector<SliceRows> split;
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t row = 0; row < rows; ++row) {
    std::string value = slice.column->ToText(row);
    const auto [place, is_new] = places.try_emplace(value, split.size());
    if (is_new) split.push_back({std::move(value), {}});
    split[place->second].rows.push_back(row);
  }
  std::sort(split.begin(), split.end(), [](const SliceRows& a, const SliceRows& b) {
    return a.rows.size() != b.rows.size() ? a.rows.size() > b.rows.size() : a.value < b.value;
  });
  return split;
}

}  // namespace sw::eval
