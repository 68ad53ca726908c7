#include "rollout/policy.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "base/errors.h"

namespace sw::rollout {
namespace {

constexpr std::array kPhases = {Phase::kRunning, Phase::kEscalated, Phase::kDone,
                                Phase::kRolledBack};

bool IsOver(const State& state) {
  return state.phase == Phase::kDone || state.phase == Phase::kRolledBack;
}

// Wraps what the tests say in where the rollout stood when they said it.
Action Judged(ActionKind kind, const Plan& plan, const State& state, stats::Judgement judgement,
              TimeUs now) {
  const Step step = plan.steps[state.step];
  judgement.evidence = Json::MakeObject({{"action", ActionName(kind)},
                                         {"step", StepName(step)},
                                         {"since", base::FormatTime(state.since)},
                                         {"now", base::FormatTime(now)},
                                         {"plan", PlanToJson(plan)},
                                         {"paired", std::move(judgement.evidence)}});
  judgement.summary = fmt::format("{} of {}: {}", StepName(step), plan.endpoint, judgement.summary);
  return {.kind = kind, .step = step, .judgement = std::move(judgement)};
}

Action AdvanceWithoutEvidence(const Plan& plan, const State& state, TimeUs now) {
  stats::Judgement judgement;
  judgement.summary = "the plan has no step before live: no evidence was asked for";
  return Judged(ActionKind::kAdvance, plan, state, std::move(judgement), now);
}

}  // namespace

std::string_view PhaseName(Phase phase) {
  switch (phase) {
    case Phase::kRunning:
      return "running";
    case Phase::kEscalated:
      return "escalated";
    case Phase::kDone:
      return "done";
    case Phase::kRolledBack:
      return "rolled_back";
  }
  return "running";
}

Result<Phase> ParsePhase(std::string_view name) {
  const auto* phase = std::ranges::find(kPhases, name, PhaseName);
  if (phase != kPhases.end()) return *phase;
  return InvalidArgument("\"{}\" is no phase of a rollout", name);
}

std::string_view ActionName(ActionKind kind) {
  switch (kind) {
    case ActionKind::kWait:
      return "wait";
    case ActionKind::kAdvance:
      return "advance";
    case ActionKind::kRollBack:
      return "roll_back";
    case ActionKind::kEscalate:
      return "escalate";
  }
  return "wait";
}

State Begin(const Plan& plan, TimeUs now) {
  SW_CHECK(!plan.steps.empty() && plan.steps.back() == Step::kLive, "a plan ends in live");
  return {.phase = Phase::kRunning, .step = 0, .since = now};
}

Action NextAction(const Plan& plan, const State& state, const stats::Judgement& evidence,
                  TimeUs now) {
  SW_CHECK(state.step < plan.steps.size(), "the state is of another plan");
  const Step step = plan.steps[state.step];
  if (IsOver(state)) return {.kind = ActionKind::kWait, .step = step, .judgement = evidence};
  if (step == Step::kLive) return AdvanceWithoutEvidence(plan, state, now);
  if (evidence.verdict == stats::Verdict::kFail) {
    return Judged(ActionKind::kRollBack, plan, state, evidence, now);
  }
  if (state.phase == Phase::kEscalated)
    return {.kind = ActionKind::kWait, .step = step, .judgement = evidence};
  if (evidence.verdict == stats::Verdict::kPass) {
    return Judged(ActionKind::kAdvance, plan, state, evidence, now);
  }
  if (plan.max_time > 0 && now - state.since >= plan.max_time) {
    stats::Judgement judgement = evidence;
    judgement.summary = fmt::format("undecided after {}, a person must decide: {}",
                                    base::FormatDuration(plan.max_time), evidence.summary);
    return Judged(ActionKind::kEscalate, plan, state, std::move(judgement), now);
  }
  Action wait = Judged(ActionKind::kWait, plan, state, evidence, now);
  if (plan.max_time > 0) wait.look_again = state.since + plan.max_time;
  return wait;
}

Result<Action> OperatorAction(const Plan& plan, const State& state, ActionKind kind,
                              const Caller& caller, std::string_view reason, TimeUs now) {
  if (kind != ActionKind::kAdvance && kind != ActionKind::kRollBack) {
    return InvalidArgument("a person may advance a rollout or roll it back, not \"{}\"",
                           ActionName(kind));
  }
  if (reason.empty()) return InvalidArgument("say why: the reason is recorded with the override");
  if (IsOver(state)) {
    return FailedPrecondition("the rollout of {} is over ({}); start another", plan.endpoint,
                              PhaseName(state.phase));
  }
  stats::Judgement judgement;
  judgement.verdict = kind == ActionKind::kAdvance ? stats::Verdict::kPass : stats::Verdict::kFail;
  judgement.summary = fmt::format("{} by {}: {}", ActionName(kind), caller.principal, reason);
  judgement.evidence = Json::MakeObject({{"principal", caller.principal}, {"reason", reason}});
  return Judged(kind, plan, state, std::move(judgement), now);
}

State After(const Plan& plan, const State& state, const Action& action, TimeUs now) {
  State after = state;
  switch (action.kind) {
    case ActionKind::kWait:
      return after;
    case ActionKind::kEscalate:
      after.phase = Phase::kEscalated;
      return after;
    case ActionKind::kRollBack:
      after.phase = Phase::kRolledBack;
      after.since = now;
      return after;
    case ActionKind::kAdvance:
      after.step = std::min(state.step + 1, plan.steps.size() - 1);
      after.phase = plan.steps[after.step] == Step::kLive ? Phase::kDone : Phase::kRunning;
      after.since = now;
      return after;
  }
  return after;
}

Arms ArmsOf(const Plan& plan, const State& state) {
  if (state.phase == Phase::kRolledBack) return {};
  if (state.phase == Phase::kDone) return {.candidate_share = 1};
  switch (plan.steps[state.step]) {
    case Step::kShadow:
      return {.shadow = true};
    case Step::kCanary:
      return {.candidate_share = plan.canary_share, .pair_canary = true};
    case Step::kLive:
      return {};  // before the first action: nothing has changed yet
  }
  return {};
}

Json StateToJson(const State& state) {
  return Json::MakeObject({{"phase", PhaseName(state.phase)},
                           {"step", static_cast<std::int64_t>(state.step)},
                           {"since", base::FormatTime(state.since)}});
}

Result<State> StateFromJson(const Json& json) {
  State state;
  state.phase = SW_TRY(ParsePhase(SW_TRY(json.GetString("phase"))));
  const std::int64_t step = SW_TRY(json.GetInt("step"));
  if (step < 0 || step > 2) return InvalidArgument("\"step\" is {}: expected 0, 1 or 2", step);
  state.step = static_cast<std::size_t>(step);
  state.since = SW_TRY(base::ParseTime(SW_TRY(json.GetString("since"))));
  return state;
}

}  // namespace sw::rollout
