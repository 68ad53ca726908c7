// EstimatedLoss: the mean squared error that the scores themselves let one expect, before any label.
//
//   EstimatedLoss estimated(reference.calibrator);
//   estimated.Predicted(time, score);                                    // each prediction
//   for (const EstimatedBlock& day : estimated.Blocks(realised.blocks(), 0.05)) ...
//
// A row with score s is positive with probability p, the calibrator's answer, and then costs
// (1 - s)^2, else s^2: p (1 - s)^2 + (1 - p) s^2 is expected (confidence-based performance
// estimation). It is right while the scores stay calibrated, and says nothing of a change in what the
// labels mean: a gap between estimate and realised loss is such a change. The interval holds the
// block's realised loss with 1 - alpha, approximately: the rows' own variance, and the variance of
// whole blocks around their estimates, measured on the blocks that were labelled before. One owner.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "monitor/realised_loss.h"
#include "stats/calibration.h"
#include "stats/interval.h"

namespace sw::monitor {

struct EstimatedBlock {
  TimeUs from = 0, to = 0;
  std::uint64_t predictions = 0;
  double loss = 0;
  std::optional<stats::Interval> interval;  // none before kResidualsMin blocks were labelled
};

class EstimatedLoss {
 public:
  static constexpr std::size_t kResidualsMin = 5;

  // Without points, scores are taken for probabilities.
  EstimatedLoss(DurationUs block, stats::IsotonicCalibrator calibrator)
      : block_(block), calibrator_(std::move(calibrator)) {}

  void Predicted(TimeUs time, double score);
  // Another version went live: what is predicted from now on is calibrated by `calibrator`.
  void Replace(stats::IsotonicCalibrator calibrator) { calibrator_ = std::move(calibrator); }
  // In order of time. `realised`: the closed blocks of the same length.
  std::vector<EstimatedBlock> Blocks(std::span<const LossBlock> realised, double alpha) const;

 private:
  struct Sums {
    std::uint64_t rows = 0;
    double loss = 0;
    double variance = 0;  // of the sum of losses, the scores given
  };
  DurationUs block_;
  stats::IsotonicCalibrator calibrator_;
  std::map<std::int64_t, Sums> sums_;  // by time / block_
};

}  // namespace sw::monitor
