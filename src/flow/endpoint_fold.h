// EndpointFold: reads what an endpoint logged since the last look, and feeds its monitors and the
// evidence of its running rollout. Nothing here is saved: it is folded again from the logbook, look by
// look. After an error it holds part of a look, and must be folded again. One owner.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flow/config.h"
#include "flow/endpoint_state.h"
#include "flow/looks.h"
#include "monitor/endpoint_monitor.h"
#include "rollout/evidence.h"
#include "rollout/pair_fold.h"
#include "store/logbook.h"

namespace sw::flow {

class EndpointFold {
 public:
  EndpointFold(const store::Logbook& logbook, EndpointDef definition, DurationUs censor_after)
      : logbook_(logbook), definition_(std::move(definition)), censor_after_(censor_after) {}

  // One monitor of this endpoint; its reference is the live version's.
  Status AddMonitor(const monitor::MonitorPolicy& policy, const monitor::Reference& reference);
  Status ReplaceReference(const monitor::Reference& reference);
  // Starts to gather evidence for the step that the rollout is in; forgets what it had.
  Status BeginStep(const RolloutState& rollout);
  void EndRollout() { evidence_.reset(); }

  // Up to where the endpoint's streams are written now.
  Result<FoldCuts> Ends() const;
  // Takes in the rows before `cuts` that were not read yet, in time's order.
  Status ReadTo(const FoldCuts& cuts, TimeUs now);

  std::vector<monitor::EndpointMonitor>& monitors() { return monitors_; }
  const std::vector<monitor::EndpointMonitor>& monitors() const { return monitors_; }
  // Empty unless a rollout gathers evidence.
  const rollout::PairedEvidence* evidence() const { return evidence_ ? &evidence_->paired : nullptr; }
  bool HasOpenFault() const;

 private:
  struct Evidence {
    rollout::PairFold fold;
    rollout::PairedEvidence paired;
    RolloutState rollout;
  };
  using Feed = Status (EndpointFold::*)(const store::LogRows& rows);
  Result<store::Cut> EndOf(const std::string& stream) const;
  Status FeedNew(const std::string& stream, store::Cut& from, const store::Cut& to, Feed feed);
  Status FeedPredictions(const store::LogRows& rows);
  Status FeedShadow(const store::LogRows& rows);
  Status FeedLabels(const store::LogRows& rows);
  std::vector<std::string> SlicesAt(const store::LogRows& rows, std::size_t row) const;

  const store::Logbook& logbook_;
  EndpointDef definition_;
  DurationUs censor_after_;
  FoldCuts read_;
  std::vector<monitor::EndpointMonitor> monitors_;
  std::optional<Evidence> evidence_;
};

}  // namespace sw::flow
