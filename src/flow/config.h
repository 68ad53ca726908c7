// Config: the whole of seaworthy.toml that is about models, checked. A value; published whole.
//
//   Config config = SW_TRY(ParseConfig(json));   // json: the TOML file
//
// An error begins with the key it is about ("endpoint.late.service: ...").
#pragma once

#include <map>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "eval/gate.h"
#include "feature/definitions.h"
#include "monitor/policy.h"
#include "rollout/plan.h"
#include "train/recipe.h"

namespace sw::flow {

struct EndpointDef {
  std::string name;
  std::string model;         // of the registry
  std::string service;       // features; empty: the request brings the model's inputs
  std::string training_set;  // how labels join, slices, censoring; empty: none
  std::string unit;          // column that traffic is split by; empty: the prediction id
  std::string gate;          // that a version must pass; empty: the one named as the endpoint, if any
  bool log = true;           // false: nothing of it is written to the logbook, and nothing may read it there
  bool audit = true;         // each night what was served is recomputed, where features come from a service
  bool durable = false;      // an answer waits until its record is on disk
  std::int64_t concurrency_max = 0;  // scorings of one version at once; 0: no limit of its own
  std::int64_t queue_max = 0;        // requests that wait to be scored; 0: no limit of its own
  DurationUs max_delay = 0;          // that a request waits for others, to be scored with them
  std::int64_t cache_rows = 0;       // whose scores are kept, to be answered again; 0: none
  bool operator==(const EndpointDef&) const = default;
};

struct RetrainDef {
  std::string name;
  std::string recipe;
  std::string endpoint;
  std::string every = "month";      // "month", or a duration
  std::string time_zone = "UTC";    // where months begin
  DurationUs held_out = 0;          // the last rows, which the gate judges on
  DurationUs window = 0;            // rows no older than this; 0: all
};

struct Config {
  feature::Definitions features;
  std::map<std::string, train::Recipe> recipes;
  std::map<std::string, eval::GatePolicy> gates;
  std::map<std::string, EndpointDef> endpoints;
  std::map<std::string, rollout::Plan> rollouts;
  std::map<std::string, monitor::MonitorPolicy> monitors;
  std::map<std::string, RetrainDef> retrains;
};

// Checks each section and what they say of each other; unknown sections are refused.
Result<Config> ParseConfig(const Json& json);

// The gate that a version must pass to be rolled out there; nullptr: none is declared.
const eval::GatePolicy* GateOfEndpoint(const Config& config, const EndpointDef& endpoint);

// The end of a message about a name that is not there: "did you mean late?", or what there is.
std::string Suggestion(const std::string& wanted, const std::vector<std::string>& known);

// What a request to an endpoint of this service brings, in order: keys of entities and request inputs.
std::vector<std::string> RequestInputs(const feature::Definitions& defined, const std::string& service);

}  // namespace sw::flow
