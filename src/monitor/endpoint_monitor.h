// EndpointMonitor: the fold over one endpoint's predictions and labels that opens incidents.
//
//   EndpointMonitor monitor = SW_TRY(EndpointMonitor::Create(policy, reference));
//   SW_TRY(monitor.Observe(predictions));                 // in order of event time
//   SW_TRY(monitor.ObserveLabels(labels));
//   for (Incident& incident : SW_TRY(monitor.Evaluate(now, rescore))) ...   // new or changed
//
// Pages when rows that a broken column touched are worse than they would be (counterfactual, fast,
// names the column), and when the realised loss is above what is tolerated (slow, needs no cause).
// A broken column that harms nobody is a ticket. Replaying the same rows gives the same incidents:
// it reads no clock. One owner.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/contract_watch.h"
#include "monitor/counterfactual.h"
#include "monitor/estimated_loss.h"
#include "monitor/incident.h"
#include "monitor/policy.h"
#include "monitor/realised_loss.h"
#include "store/logbook.h"

namespace sw::monitor {

class EndpointMonitor {
 public:
  static Result<EndpointMonitor> Create(const MonitorPolicy& policy, const Reference& reference);

  // Rows of the stream predictions/<endpoint>: columns version, score and the features as "x.NAME".
  Status Observe(const store::LogRows& predictions);
  // Rows of the stream labels/<endpoint>: column label.
  Status ObserveLabels(const store::LogRows& labels);
  // Another version went live: its reference counts from now on. A fault stays open while its rows
  // break the new contract too.
  Status Replace(const Reference& reference);

  // Incidents that are new or changed, and all open faults. An id says what the incident is about, by a
  // hash of the monitor, the column or version, and the moment from which on it was wrong.
  Result<std::vector<Incident>> Evaluate(TimeUs now, const Rescore& rescore);

  const MonitorPolicy& policy() const { return policy_; }
  const Reference& reference() const { return reference_; }
  const RealisedLoss& realised() const { return realised_; }
  // What the scores let one expect, by block, before labels and beside them.
  std::vector<EstimatedBlock> Estimated() const { return estimated_.Blocks(realised_.blocks(), policy_.alpha); }
  std::uint64_t labels_unknown() const { return labels_unknown_; }
  bool HasOpenPage() const;
  // The ids of all that is open.
  std::set<std::string> OpenIds() const;
  // A page about a broken column: what is measured meanwhile says little about models.
  bool HasOpenFault() const;

 private:
  static constexpr std::size_t kRecentRows = 2'000;  // kept to score again
  struct Recent {
    std::vector<TimeUs> times = {};
    std::vector<std::int64_t> versions = {};
    std::vector<double> scores = {};
    data::Batch features = {};
  };
  struct Fault {  // a broken column with what is known of its cost
    Incident incident;
    CounterfactualHarm harm;
    std::uint64_t scored_from = 0;  // rows observed before this are counted already
  };

  EndpointMonitor(const MonitorPolicy& policy, const Reference& reference, RealisedLoss realised, ContractWatch contract)
      : policy_(policy), reference_(reference), realised_(std::move(realised)),
        estimated_(policy.block, reference.calibrator), contract_(std::move(contract)) {}

  void Remember(const data::Batch& features, const store::LogRows& rows);
  Result<Fault*> FaultOf(const BrokenColumn& broken, TimeUs now);
  Status AddHarm(Fault& fault, const BrokenColumn& broken, const Rescore& rescore);
  data::Column GoodValues(const std::string& column) const;
  Status EvaluateColumns(TimeUs now, const Rescore& rescore, std::vector<Incident>& changed);
  Status EvaluateLoss(TimeUs now, std::vector<Incident>& changed);
  std::string IdOf(std::string_view kind, std::string_view name, TimeUs since) const;

  MonitorPolicy policy_;
  Reference reference_;
  RealisedLoss realised_;
  EstimatedLoss estimated_;
  ContractWatch contract_;
  Recent recent_;
  std::uint64_t observed_ = 0;
  std::map<std::string, data::Column> last_good_;  // by column: one value
  std::map<std::string, Fault> faults_;            // by column, open ones
  std::vector<Incident> loss_pages_;
  std::uint64_t labels_unknown_ = 0;
};

}  // namespace sw::monitor
