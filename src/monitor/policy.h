// MonitorPolicy: what an endpoint's owner tolerates; Reference: what the live version promised.
// Values.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "data/contract.h"
#include "data/profile.h"
#include "stats/calibration.h"

namespace sw::monitor {

struct MonitorPolicy {
  std::string name;
  std::string endpoint;
  double tolerance = 0.02;     // mean squared error above the reference before somebody is paged
  double fault_harm = 0.005;   // the same, for rows that a broken column is known to have touched
  double alpha = 0.05;         // of each kind of page: once in 1 / alpha looks while nothing is wrong
  double violation_rate = 0.02;  // rows outside the contract that count as ordinary, a column
  DurationUs block = base::kDayUs;         // rows within it may depend on each other
  DurationUs censor_after = 2 * base::kDayUs;  // a prediction without a label is given up then
  std::size_t block_rows_min = 30;
  bool operator==(const MonitorPolicy&) const = default;
};

struct Reference {
  std::int64_t version = 0;
  double loss = 0;             // mean squared error on held-out rows
  stats::IsotonicCalibrator calibrator;  // of the scores, on held-out rows; empty: none was needed
  data::Contract contract;     // of the features
  data::Profile profile;
};

// Keys as in [monitor.NAME]; an error begins with the key.
Result<MonitorPolicy> ParseMonitorPolicy(const std::string& name, const Json& json);

}  // namespace sw::monitor
