#include "monitor/contract_watch.h"

#include <algorithm>
#include <limits>
#include <map>

namespace sw::monitor {

Result<ContractWatch> ContractWatch::Create(const MonitorPolicy& policy, const data::Contract& contract) {
  ContractWatch watch(policy, contract);
  for (const data::ColumnContract& column : contract.columns) {
    watch.columns_.push_back({.detector = SW_TRY(stats::EDetector::Create(stats::Null::kMeanAtMost, policy.violation_rate)),
                              .since = {.name = column.name},
                              .recovery = {}});
  }
  return watch;
}

Result<ContractWatch> ContractWatch::WithContract(const data::Contract& contract) const {
  ContractWatch next = SW_TRY(Create(policy_, contract));
  for (Column& column : next.columns_) {
    const auto before = std::find_if(columns_.begin(), columns_.end(), [&](const Column& c) { return c.since.name == column.since.name; });
    if (before == columns_.end()) continue;
    if (before->recovery) column = *before;
    column.last_good_seen = before->last_good_seen;
  }
  return next;
}

Status ContractWatch::ObserveRow(Column& column, const data::Violation* violation, TimeUs time) {
  SW_TRY(column.detector.Add(violation != nullptr ? 1.0 : 0.0));
  if (!column.recovery && column.detector.LogE() <= 0) {  // no evidence is left: the run ends here
    column.since = {.name = column.since.name};
  }
  if (violation != nullptr) {
    if (column.since.rows_bad == 0) {
      column.since.kind = violation->kind;
      column.since.first_bad = time;
      column.since.last_good = column.last_good_seen;
    }
    ++column.since.rows_bad;
  } else {
    column.last_good_seen = time;
  }
  if (column.since.rows_bad > 0) ++column.since.rows;
  return WatchRecovery(column, violation != nullptr);
}

Status ContractWatch::WatchRecovery(Column& column, bool is_bad) {
  if (column.recovery) {
    SW_TRY(column.recovery->Add(is_bad ? 1.0 : 0.0));
    if (column.recovery->LogE() < stats::LogThreshold(policy_.alpha)) return Ok();
    column.detector.Reset();
    column.recovery.reset();
    column.since = {.name = column.since.name};
    return Ok();
  }
  if (column.detector.LogE() < stats::LogThreshold(policy_.alpha)) return Ok();
  // The fault is over when far fewer rows break the contract than did when it was found.
  const double share = static_cast<double>(column.since.rows_bad) / static_cast<double>(column.since.rows);
  column.recovery = SW_TRY(stats::EDetector::Create(stats::Null::kMeanAtLeast, std::max(share / 2, policy_.violation_rate)));
  return Ok();
}

Status ContractWatch::Observe(const data::Batch& features, const std::vector<TimeUs>& times) {
  std::vector<data::Violation> violations;
  data::CheckContract(contract_, features, std::numeric_limits<std::size_t>::max(), violations);
  std::map<std::pair<std::size_t, std::size_t>, const data::Violation*> first;  // by row and column
  for (const data::Violation& violation : violations) first.emplace(std::pair(violation.row, violation.column), &violation);
  for (std::size_t row = 0; row < times.size(); ++row) {
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const auto found = first.find({row, c});
      SW_TRY(ObserveRow(columns_[c], found == first.end() ? nullptr : found->second, times[row]));
    }
  }
  return Ok();
}

std::vector<BrokenColumn> ContractWatch::Broken() const {
  std::vector<BrokenColumn> broken;
  for (const Column& column : columns_) {
    if (column.recovery) broken.push_back(column.since);
  }
  std::stable_sort(broken.begin(), broken.end(),
                   [](const BrokenColumn& a, const BrokenColumn& b) { return a.rows_bad > b.rows_bad; });
  return broken;
}

bool ContractWatch::IsBroken(std::size_t column, const data::Batch& features, std::size_t row) const {
  std::vector<data::Violation> violations;
  const data::Contract one{.columns = {contract_.columns[column]}};
  return data::CheckContract(one, features.Slice(row, 1), 1, violations) > 0;
}

}  // namespace sw::monitor
