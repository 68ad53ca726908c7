#include "serve/shadow_work.h"

#include <algorithm>
#include <utility>

#include "serve/scoring.h"

namespace sw::serve {

ShadowWork::ShadowWork(std::shared_ptr<const LiveEndpoint> endpoint, std::shared_ptr<const data::Batch> features,
                       TimeUs time, const PredictResult& result)
    : endpoint_(std::move(endpoint)), features_(std::move(features)), time_(time) {
  if (!endpoint_->snapshot.is_logged || result.arms.empty() || result.arms[0] == ServedAs::kPinned) return;
  for (const Arm& arm : endpoint_->snapshot.arms) {
    if (arm.mode == ArmMode::kShadow) parts_.push_back({&arm, "shadow", {}});
  }
  Part pair{&endpoint_->live, "live", {}};
  for (std::size_t row = 0; row < result.arms.size(); ++row) {
    if (result.arms[row] == ServedAs::kCanary) pair.rows.push_back(row);
  }
  if (!pair.rows.empty()) parts_.push_back(std::move(pair));
  if (parts_.empty()) return;
  ids_ = result.ids;
  for (const Part& part : parts_) rows_ += RowsOf(part);
}

bool ShadowWork::may_block() const {
  return std::ranges::any_of(parts_, [](const Part& part) { return part.arm->package->blocks(); });
}

void ShadowWork::Run(LogRing& ring) const {
  for (const Part& part : parts_) RunPart(part, ring);
}

void ShadowWork::RunPart(const Part& part, LogRing& ring) const {
  const auto rows = static_cast<std::int64_t>(RowsOf(part));
  const auto scores = ScoreSome(*part.arm->package, *features_, part.rows);
  if (!scores) return endpoint_->counters.censored_score.Add(rows);
  const std::size_t outputs = endpoint_->snapshot.outputs->count;
  LogRecord record(endpoint_->shadow_kind, time_, scores->size() / outputs);
  for (std::size_t i = 0; i < scores->size() / outputs; ++i) {
    record.AppendText(ids_[part.rows.empty() ? i : part.rows[i]]);
    record.AppendInt(part.arm->version);
    record.AppendText(part.logged_as);
    for (std::size_t k = 0; k < outputs; ++k) record.AppendDouble((*scores)[i * outputs + k]);
  }
  endpoint_->counters.shadow_rows.Add(rows);
  if (!ring.Push(std::move(record), LogRing::Priority::kShadow)) endpoint_->counters.censored_log.Add(rows);
}

}  // namespace sw::serve
