// NextAction: what an endpoint's rollout should do next, given its plan, its state and the evidence
// of the present step. Pure: a driver (flow) acts on it and records the judgement.
//
//   Action action = NextAction(plan, state, evidence.Judge(), clock.Now());
//   if (action.kind != ActionKind::kWait) state = After(plan, state, action, clock.Now());
//
// Harm rolls back, at any time, also while a person is asked. Safe advances. Undecided waits, and
// after max_time asks a person (kEscalate): the arms stay as they are, and no later evidence
// promotes by itself. Immutable functions and values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/caller.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "rollout/plan.h"
#include "stats/verdict.h"

namespace sw::rollout {

enum class Phase : std::uint8_t {
  kRunning,     // gathering evidence of steps[step]
  kEscalated,   // max_time passed undecided: waits for a person
  kDone,        // the candidate is live
  kRolledBack,  // harm, or a person said so
};
std::string_view PhaseName(Phase phase);  // "running", "escalated", "done", "rolled_back"
Result<Phase> ParsePhase(std::string_view name);

struct State {
  Phase phase = Phase::kRunning;
  std::size_t step = 0;  // index into Plan::steps
  TimeUs since = 0;      // when this step began
  bool operator==(const State&) const = default;
};

enum class ActionKind : std::uint8_t { kWait, kAdvance, kRollBack, kEscalate };
std::string_view ActionName(ActionKind kind);  // "wait", "advance", "roll_back", "escalate"

struct Action {
  ActionKind kind = ActionKind::kWait;
  Step step = Step::kLive;          // the step that was judged
  stats::Judgement judgement = {};  // to record: its evidence names plan, step, times and tests
  TimeUs look_again = 0;  // for kWait: when max_time ends; 0: only new evidence changes it
};

// The rollout's first state; a plan of "live" alone advances at once, and says that it asked for no
// evidence.
State Begin(const Plan& plan, TimeUs now);
Action NextAction(const Plan& plan, const State& state, const stats::Judgement& evidence,
                  TimeUs now);
// A person's word: advance or roll back whatever the evidence. FAILED_PRECONDITION when the rollout
// is over.
Result<Action> OperatorAction(const Plan& plan, const State& state, ActionKind kind,
                              const Caller& caller, std::string_view reason, TimeUs now);
State After(const Plan& plan, const State& state, const Action& action, TimeUs now);

// What the endpoint's arms must be in this state: the candidate's share of answered requests, and
// whether it scores in shadow.
struct Arms {
  double candidate_share = 0;  // 1: live
  bool shadow = false;         // the candidate scores the live version's requests
  bool pair_canary = false;    // the live version scores the candidate's requests
  bool operator==(const Arms&) const = default;
};
Arms ArmsOf(const Plan& plan, const State& state);

Json StateToJson(const State& state);
Result<State> StateFromJson(const Json& json);

}  // namespace sw::rollout
