#include "flow/endpoint_fold.h"

#include <algorithm>

namespace sw::flow {

Status EndpointFold::AddMonitor(const monitor::MonitorPolicy& policy, const monitor::Reference& reference) {
  monitors_.push_back(SW_TRY(monitor::EndpointMonitor::Create(policy, reference)));
  return Ok();
}

Status EndpointFold::ReplaceReference(const monitor::Reference& reference) {
  for (monitor::EndpointMonitor& monitor : monitors_) SW_TRY(monitor.Replace(reference));
  return Ok();
}

Status EndpointFold::BeginStep(const RolloutState& rollout) {
  evidence_.reset();
  evidence_.emplace(Evidence{.fold = SW_TRY(rollout::PairFold::Create({.censor_after = censor_after_})),
                             .paired = SW_TRY(rollout::PairedEvidence::Create(rollout::PolicyOf(rollout.plan, rollout.plan.steps[rollout.state.step]))),
                             .rollout = rollout});
  return Ok();
}

bool EndpointFold::HasOpenFault() const {
  return std::any_of(monitors_.begin(), monitors_.end(), [](const auto& monitor) { return monitor.HasOpenFault(); });
}

Result<store::Cut> EndpointFold::EndOf(const std::string& stream) const {
  auto end = logbook_.End(stream + "/" + definition_.name);
  if (!end && end.error().code == ErrorCode::kNotFound) return store::Cut{};  // nothing was ever logged
  return end;
}

Result<FoldCuts> EndpointFold::Ends() const {
  return FoldCuts{.predictions = SW_TRY(EndOf("predictions")), .shadow = SW_TRY(EndOf("shadow")), .labels = SW_TRY(EndOf("labels"))};
}

Status EndpointFold::FeedNew(const std::string& stream, store::Cut& from, const store::Cut& to, Feed feed) {
  const bool is_watched = !monitors_.empty() || evidence_.has_value();
  if (to == from || !is_watched) {
    from = to;
    return Ok();
  }
  const store::LogRows rows = SW_TRY(store::ReadFold(logbook_, stream + "/" + definition_.name, from, to, {}));
  SW_TRY((this->*feed)(rows));
  from = to;
  return Ok();
}

std::vector<std::string> EndpointFold::SlicesAt(const store::LogRows& rows, std::size_t row) const {
  std::vector<std::string> values;
  for (const std::string& slice : evidence_->rollout.plan.slices) {
    const data::Column* column = rows.columns.Find("in." + slice);
    values.push_back(column == nullptr ? "null" : column->ToText(row));
  }
  return values;
}

Status EndpointFold::FeedPredictions(const store::LogRows& rows) {
  for (monitor::EndpointMonitor& monitor : monitors_) SW_TRY(monitor.Observe(rows));
  if (!evidence_) return Ok();
  const RolloutState& rollout = evidence_->rollout;
  const bool is_canary_step = rollout.plan.steps[rollout.state.step] == rollout::Step::kCanary;
  const data::Column* versions = SW_TRY(rows.columns.Get("version", "the predictions"));
  const data::Column* scores = SW_TRY(rows.columns.Get("score", "the predictions"));
  for (std::size_t i = 0; i < rows.num_rows(); ++i) {
    if (rows.event_time[i] < rollout.state.since) continue;
    const bool is_candidate = versions->Int(i) == rollout.candidate;
    // In a canary only the candidate's requests are pairs: the live version scores those too.
    if (is_canary_step != is_candidate) continue;
    const Status added = evidence_->fold.AddScore(is_candidate ? rollout::Arm::kCandidate : rollout::Arm::kLive, rows.id[i],
                                                  rows.event_time[i], scores->AsDouble(i), SlicesAt(rows, i));
    // What cannot be paired counts against the evidence, and stops nothing else.
    if (!added) evidence_->paired.AddUnpaired();
  }
  return Ok();
}

Status EndpointFold::FeedShadow(const store::LogRows& rows) {
  if (!evidence_) return Ok();
  const RolloutState& rollout = evidence_->rollout;
  const data::Column* versions = SW_TRY(rows.columns.Get("version", "the shadow scores"));
  const data::Column* scores = SW_TRY(rows.columns.Get("score", "the shadow scores"));
  for (std::size_t i = 0; i < rows.num_rows(); ++i) {
    const std::int64_t version = versions->Int(i);
    if (rows.event_time[i] < rollout.state.since || (version != rollout.candidate && version != rollout.before)) continue;
    // Without this score its request stays unpaired, and counts as that.
    static_cast<void>(evidence_->fold.AddScore(version == rollout.candidate ? rollout::Arm::kCandidate : rollout::Arm::kLive,
                                               rows.id[i], rows.event_time[i], scores->AsDouble(i)));
  }
  return Ok();
}

Status EndpointFold::FeedLabels(const store::LogRows& rows) {
  for (monitor::EndpointMonitor& monitor : monitors_) SW_TRY(monitor.ObserveLabels(rows));
  if (!evidence_) return Ok();
  const data::Column* labels = SW_TRY(rows.columns.Get("label", "the labels"));
  for (std::size_t i = 0; i < rows.num_rows(); ++i) {
    const bool is_label = !labels->IsNull(i) && (labels->AsDouble(i) == 0 || labels->AsDouble(i) == 1);
    if (is_label) SW_TRY(evidence_->fold.AddLabel(rows.id[i], labels->AsDouble(i), rows.event_time[i]));
  }
  return Ok();
}

Status EndpointFold::ReadTo(const FoldCuts& cuts, TimeUs now) {
  SW_TRY(FeedNew("predictions", read_.predictions, cuts.predictions, &EndpointFold::FeedPredictions));
  SW_TRY(FeedNew("shadow", read_.shadow, cuts.shadow, &EndpointFold::FeedShadow));
  SW_TRY(FeedNew("labels", read_.labels, cuts.labels, &EndpointFold::FeedLabels));
  if (evidence_) SW_TRY(evidence_->fold.Advance(now, evidence_->paired));
  return Ok();
}

}  // namespace sw::flow
