// Every method of the forest engine against the reference, without a test framework: built for
// another processor and run under emulation (neon_test.sh).
#include <bit>
#include <cstdio>

#include "model/engines/forest_fakes.h"
#include "model/engines/forest_sums.h"
#include "model/reference.h"

namespace {

using sw::model::Forest;
using sw::model::ForestMethod;

// How many raw scores differ from the reference's bits.
std::size_t Differing(const Forest& forest, ForestMethod method, std::size_t& compared) {
  const auto sums = sw::model::MakeForestSums(forest, {.cpu = {}});
  if (!sums->Can(method)) return 0;
  const std::vector<double> values = sw::model::Values(forest);
  const std::size_t width = forest.features.size(), rows = std::min<std::size_t>(values.size(), 700);
  std::vector<double> cells;
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < width; ++c) cells.push_back(values[(r + c * 7) % values.size()]);
  }
  std::vector<const double*> columns;
  for (std::size_t c = 0; c < width; ++c) columns.push_back(cells.data() + c);
  std::vector<double> found(rows * forest.outputs), expected(forest.outputs);
  sums->Raw(method, {.columns = columns, .stride = width, .rows = rows}, found);
  std::size_t differing = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    ReferenceRaw(forest, {cells.data() + r * width, width}, expected);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      differing += std::bit_cast<std::uint64_t>(expected[i]) != std::bit_cast<std::uint64_t>(found[r * forest.outputs + i]);
    }
  }
  compared += found.size();
  return differing;
}

}  // namespace

int main() {
  const Forest forests[] = {
      sw::model::RandomForest({.leaves = 31}, 1),
      sw::model::RandomForest({.leaves = 256}, 2),
      sw::model::RandomForest({.leaves = 64, .is_float = true, .test = sw::model::NodeTest::kBelow}, 3),
      sw::model::RandomForest({.has_sets = true}, 4),
      sw::model::RandomForest({.trees = 10, .outputs = 3, .leaf_width = 3}, 5),
      sw::model::RandomForest({.trees = 3, .leaves = 3000, .is_rounded = false}, 6),
  };
  std::size_t differing = 0, compared = 0;
  for (const Forest& forest : forests) {
    for (const ForestMethod method : {ForestMethod::kWalk, ForestMethod::kTable, ForestMethod::kSlice}) {
      differing += Differing(forest, method, compared);
    }
  }
  std::printf("%zu raw scores compared, %zu differ\n", compared, differing);
  return compared > 5000 && differing == 0 ? 0 : 1;
}
