#include "monitor/realised_loss.h"

#include <algorithm>

namespace sw::monitor {

Result<RealisedLoss> RealisedLoss::Create(const MonitorPolicy& policy, double reference_loss) {
  const double bound = std::clamp(reference_loss + policy.tolerance, 1e-6, 1 - 1e-6);
  return RealisedLoss(policy, SW_TRY(stats::EDetector::Create(stats::Null::kMeanAtMost, bound)));
}

Status RealisedLoss::Restart(double reference_loss) {
  const double bound = std::clamp(reference_loss + policy_.tolerance, 1e-6, 1 - 1e-6);
  detector_ = SW_TRY(stats::EDetector::Create(stats::Null::kMeanAtMost, bound));
  counted_.clear();
  return Ok();
}

void RealisedLoss::Predicted(std::string_view id, TimeUs time, double score) {
  const std::int64_t block = time / policy_.block;
  if (!pending_.emplace(std::string(id), Pending{block, time, score}).second) return;
  if (open_.empty() || open_.back().block.from < block * policy_.block) {
    open_.push_back({.block = {.from = block * policy_.block, .to = (block + 1) * policy_.block}});
  }
  const auto open = std::find_if(open_.rbegin(), open_.rend(),
                                 [&](const Open& o) { return o.block.from == block * policy_.block; });
  if (open == open_.rend()) {  // its block is closed: too late to count
    pending_.erase(std::string(id));
    return;
  }
  ++open->block.predictions;
  open->waiting.emplace_back(id);
}

bool RealisedLoss::Labelled(std::string_view id, double label) {
  const auto found = pending_.find(std::string(id));
  if (found == pending_.end()) return false;
  const Pending& pending = found->second;
  for (Open& open : open_) {
    if (open.block.from != pending.block * policy_.block) continue;
    const double error = pending.score - label;
    open.loss_sum += error * error;
    ++open.block.labelled;
    break;
  }
  pending_.erase(found);
  return true;
}

void RealisedLoss::GiveUpOld(Open& open, TimeUs now) {
  std::erase_if(open.waiting, [&](const std::string& id) {
    const auto found = pending_.find(id);
    if (found == pending_.end()) return true;
    if (found->second.time + policy_.censor_after > now) return false;
    pending_.erase(found);
    ++open.block.censored;
    return true;
  });
}

Status RealisedLoss::AdvanceTo(TimeUs now) {
  while (!open_.empty() && open_.front().block.to <= now) {
    Open& open = open_.front();
    GiveUpOld(open, now);
    if (!open.waiting.empty()) break;  // in prediction order: later blocks wait for this one
    LossBlock block = open.block;
    block.loss = block.labelled == 0 ? 0 : open.loss_sum / static_cast<double>(block.labelled);
    if (block.labelled >= policy_.block_rows_min) {
      SW_TRY(detector_.Add(std::clamp(block.loss, 0.0, 1.0)));
      counted_.push_back(blocks_.size());
    }
    block.log_e = detector_.LogE();
    blocks_.push_back(block);
    open_.pop_front();
  }
  return Ok();
}

bool RealisedLoss::IsAlarmed() const { return detector_.LogE() >= stats::LogThreshold(policy_.alpha); }

std::vector<LossBlock> RealisedLoss::SinceChange() const {
  std::vector<LossBlock> since;
  for (std::size_t i = detector_.ChangePoint(); i < counted_.size(); ++i) since.push_back(blocks_[counted_[i]]);
  return since;
}

}  // namespace sw::monitor
