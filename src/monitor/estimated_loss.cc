#include "monitor/estimated_loss.h"

#include <algorithm>
#include <cmath>

#include "stats/distributions.h"

namespace sw::monitor {

void EstimatedLoss::Predicted(TimeUs time, double score) {
  const double p = calibrator_.scores.empty() ? score : calibrator_.Apply(score);
  if (!std::isfinite(p) || p < 0 || p > 1) return;
  const double if_positive = (1 - score) * (1 - score);
  const double if_negative = score * score;
  const double gap = if_positive - if_negative;
  Sums& sums = sums_[time / block_];
  ++sums.rows;
  sums.loss += p * if_positive + (1 - p) * if_negative;
  sums.variance += p * (1 - p) * gap * gap;
}

std::vector<EstimatedBlock> EstimatedLoss::Blocks(std::span<const LossBlock> realised, double alpha) const {
  const double z = stats::NormalQuantile(1 - alpha / 2);
  std::vector<EstimatedBlock> blocks;
  double squares = 0;    // of residuals, less what the rows' own variance explains
  std::size_t residuals = 0;
  auto next = realised.begin();
  for (const auto& [index, sums] : sums_) {
    const auto rows = static_cast<double>(sums.rows);
    EstimatedBlock block{.from = index * block_, .to = (index + 1) * block_, .predictions = sums.rows,
                         .loss = sums.loss / rows, .interval = {}};
    const double own = sums.variance / (rows * rows);
    if (residuals >= kResidualsMin) {
      const double between = std::max(0.0, squares / static_cast<double>(residuals));
      const double half = z * std::sqrt(own + between);
      block.interval = stats::Interval{std::max(0.0, block.loss - half), std::min(1.0, block.loss + half)};
    }
    blocks.push_back(block);
    while (next != realised.end() && next->from < block.from) ++next;
    if (next == realised.end() || next->from != block.from || next->labelled == 0) continue;
    const double residual = next->loss - block.loss;
    squares += residual * residual - own;
    ++residuals;
  }
  return blocks;
}

}  // namespace sw::monitor
