// ContractWatch: finds columns whose values left what training saw, and the moment they did.
//
// For each column an e-detector watches whether a row breaks the contract, against the rate that
// counts as ordinary. A column that broke for good alarms after a handful of rows. This says that
// something changed, not that it harms: the counterfactual decides. Once in alarm, a second
// e-detector watches for the fault's end, so that an old fault does not drown its own recovery. One
// owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/batch.h"
#include "data/contract.h"
#include "monitor/policy.h"
#include "stats/betting.h"

namespace sw::monitor {

struct BrokenColumn {
  std::string name;
  data::ViolationKind kind = data::ViolationKind::kOutOfRange;  // the first one since the change
  TimeUs last_good = 0;    // of the last row before the change that kept the contract, 0: none
  TimeUs first_bad = 0;    // of the first row since the change that broke it
  std::uint64_t rows = 0;  // since the change
  std::uint64_t rows_bad = 0;
};

class ContractWatch {
 public:
  static Result<ContractWatch> Create(const MonitorPolicy& policy, const data::Contract& contract);
  // Goes on under another contract: a column in alarm stays so until its rows keep the new one, all
  // other evidence starts again.
  Result<ContractWatch> WithContract(const data::Contract& contract) const;

  // Rows in order of time. The columns of the contract are looked up by name.
  Status Observe(const data::Batch& features, const std::vector<TimeUs>& times);
  // Columns in alarm now, those with most broken rows first.
  std::vector<BrokenColumn> Broken() const;
  bool IsBroken(std::size_t column, const data::Batch& features, std::size_t row) const;

 private:
  struct Column {
    stats::EDetector detector;
    BrokenColumn since;           // of the present run of evidence
    TimeUs last_good_seen = 0;
    std::optional<stats::EDetector> recovery;  // while in alarm
  };
  ContractWatch(const MonitorPolicy& policy, const data::Contract& contract) : policy_(policy), contract_(contract) {}
  Status WatchRecovery(Column& column, bool is_bad);
  Status ObserveRow(Column& column, const data::Violation* violation, TimeUs time);

  MonitorPolicy policy_;
  data::Contract contract_;
  std::vector<Column> columns_;
};

}  // namespace sw::monitor
