// RealisedLoss: the mean squared error of what was served, once the labels are in.
//
// Predictions are taken in the order in which they were made, in blocks of time (rows of one day
// depend on each other): a block is closed when each of its predictions is labelled or given up, so
// that quick labels do not speak for slow ones. An e-detector watches the blocks' means against
// reference + tolerance: while the mean given the past stays at or below that, it alarms on average
// no sooner than after 1 / alpha blocks. One owner.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "monitor/policy.h"
#include "stats/betting.h"

namespace sw::monitor {

struct LossBlock {
  TimeUs from = 0, to = 0;      // of the predictions
  std::uint64_t predictions = 0;
  std::uint64_t labelled = 0;
  std::uint64_t censored = 0;
  double loss = 0;              // mean over the labelled
  double log_e = 0;             // of the detector after this block
};

class RealisedLoss {
 public:
  static Result<RealisedLoss> Create(const MonitorPolicy& policy, double reference_loss);

  // In order of time; a repeated id is ignored.
  void Predicted(std::string_view id, TimeUs time, double score);
  // False when the id is unknown, given up or labelled already.
  bool Labelled(std::string_view id, double label);
  // Gives up what is too old, and closes the blocks that are complete.
  Status AdvanceTo(TimeUs now);

  bool IsAlarmed() const;
  // Blocks from the estimated change on; empty when none was closed.
  std::vector<LossBlock> SinceChange() const;
  const std::vector<LossBlock>& blocks() const { return blocks_; }
  // After a page, or when another version is live: starts the evidence again.
  Status Restart(double reference_loss);

 private:
  RealisedLoss(const MonitorPolicy& policy, stats::EDetector detector) : policy_(policy), detector_(std::move(detector)) {}
  struct Open {
    LossBlock block;
    double loss_sum = 0;
    std::vector<std::string> waiting = {};
  };
  void GiveUpOld(Open& open, TimeUs now);

  MonitorPolicy policy_;
  stats::EDetector detector_;
  std::deque<Open> open_;                                // oldest first
  struct Pending {
    std::int64_t block = 0;                              // from / policy.block
    TimeUs time = 0;
    double score = 0;
  };
  std::unordered_map<std::string, Pending> pending_;
  std::vector<LossBlock> blocks_;
  std::vector<std::size_t> counted_;                     // indices of blocks_ that the detector saw
};

}  // namespace sw::monitor
