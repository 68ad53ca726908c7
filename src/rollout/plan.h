// Plan: how an endpoint moves from one version to another, and how sure each step must be.
//
//   Plan plan = SW_TRY(ParsePlan("late", config));   // config: the table [rollout.late] as Json
//   AlphaSplit alpha = SplitAlpha(plan);             // what each test of each step may spend
//
// Loss is bounded in [0, 1] (Brier). The increase is the candidate's loss minus the live version's
// on the same request. Values; immutable once published.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace sw::rollout {

enum class Step : std::uint8_t {
  kShadow,  // the candidate scores what the live version answers; no caller sees it
  kCanary,  // the candidate answers canary_share of the units; the live version scores those too
  kLive,    // the candidate answers everything; the plan's end
};
std::string_view StepName(Step step);  // "shadow", "canary", "live"

struct Plan {
  std::string name = {};
  std::string endpoint = {};
  std::vector<Step> steps = {};      // each at most once, in this order, "live" last
  double canary_share = 0.1;         // of the units, in (0, 1]
  double alpha = 0.05;               // chance of a wrong decision, whenever one looks
  double max_loss_increase = 0.002;  // how much worse still counts as not worse
  double harm_loss_increase = 0.002; // surely above this is harm: at most max_loss_increase, its default
  double max_slice_loss_increase = 0.01;
  std::vector<std::string> slices =
      {};                   // columns whose values are guarded; "endpoint" fills an empty one
  DurationUs max_time = 0;  // of each step before a person is asked; 0: for ever
  double unpaired_share_max = 0.1;  // requests without a candidate's score; no pass above
  // How many times larger the variance of a day's sum of differences is than if its requests were
  // independent, at full traffic; measured on a held-out table. 1: they are.
  double design_effect = 1;
  bool operator==(const Plan&) const = default;
};

// Whether a step waits for scores and labels of what was served.
inline bool GathersEvidence(const Plan& plan) { return plan.steps.size() > 1; }

// INVALID_ARGUMENT begins with the key: "rollout.late.canary_share: expected ...".
Result<Plan> ParsePlan(std::string_view name, const Json& config);
Json PlanToJson(const Plan& plan);  // what ParsePlan reads back

// The levels of one step's tests. The chance of a rollback that was not due is at most alpha / 2,
// divided equally among the steps that gather evidence, and within a step between the overall test
// and the slices, where there are any. The chance of a promotion that was not due is at most
// alpha / 2: each step has all of it, because every step must pass.
struct AlphaSplit {
  double harm = 0;    // overall, one step
  double slices = 0;  // all slices together, one step
  double safe = 0;
  bool operator==(const AlphaSplit&) const = default;
};
AlphaSplit SplitAlpha(const Plan& plan);

}  // namespace sw::rollout
