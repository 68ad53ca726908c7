// Incident: what a monitor opens when somebody is being harmed, with its causes, best first. A value.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace sw::monitor {

struct Culprit {
  std::string kind;  // feature, slice, version, host, label, upstream
  std::string name;  // feature: the column; slice: column=value
  double harm = 0;   // what it accounts for, in mean squared error
  bool operator==(const Culprit&) const = default;
};

struct Incident {
  std::string id;            // given by the store
  std::string monitor, endpoint;
  std::string severity;      // page or ticket
  std::string stage;         // source, feature, training, rollout, serving, drift
  TimeUs opened_at = 0;
  TimeUs since_lo = 0, since_hi = 0;  // the fault began between these moments
  double harm = 0, harm_lo = 0, harm_hi = 0;  // mean squared error a prediction above what it would be
  std::uint64_t exposed = 0;          // predictions touched so far
  std::vector<Culprit> culprits;      // best first
  std::string guarantee;              // exact, anytime-valid
  std::string causes;                 // counterfactual or associational
  std::string summary = {};                // one sentence for a person at three in the morning
  std::string state = "open";         // open, closed
  TimeUs closed_at = 0;
  Json evidence = {};

  Json ToJson() const;
  static Result<Incident> FromJson(const Json& json);
  bool operator==(const Incident&) const = default;
};

}  // namespace sw::monitor
