#include "rollout/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sw::rollout {
namespace {

using base::kDayUs;
using stats::Verdict;

Plan MakePlan(std::vector<Step> steps = {Step::kShadow, Step::kCanary, Step::kLive}) {
  return {.name = "late",
          .endpoint = "late",
          .steps = std::move(steps),
          .canary_share = 0.25,
          .max_time = 10 * kDayUs};
}

stats::Judgement Say(Verdict verdict) {
  return {.verdict = verdict, .alpha = 0.025, .summary = "so it is", .evidence = {}};
}

TEST(Policy, DecidesByVerdictPhaseAndTime) {
  const Plan plan = MakePlan();
  const struct {
    Phase phase;
    std::size_t step;
    Verdict verdict;
    TimeUs now;
    ActionKind expected;
  } kCases[] = {
      {Phase::kRunning, 0, Verdict::kUndecided, 0, ActionKind::kWait},
      {Phase::kRunning, 0, Verdict::kPass, 0, ActionKind::kAdvance},
      {Phase::kRunning, 0, Verdict::kFail, 0, ActionKind::kRollBack},
      {Phase::kRunning, 1, Verdict::kPass, 0, ActionKind::kAdvance},
      {Phase::kRunning, 1, Verdict::kFail, 0, ActionKind::kRollBack},
      {Phase::kRunning, 1, Verdict::kUndecided, 10 * kDayUs - 1, ActionKind::kWait},
      {Phase::kRunning, 1, Verdict::kUndecided, 10 * kDayUs, ActionKind::kEscalate},
      {Phase::kRunning, 1, Verdict::kPass, 10 * kDayUs, ActionKind::kAdvance},
      {Phase::kRunning, 1, Verdict::kFail, 10 * kDayUs, ActionKind::kRollBack},
      {Phase::kEscalated, 1, Verdict::kUndecided, 11 * kDayUs, ActionKind::kWait},
      {Phase::kEscalated, 1, Verdict::kPass, 11 * kDayUs, ActionKind::kWait},
      {Phase::kEscalated, 1, Verdict::kFail, 11 * kDayUs, ActionKind::kRollBack},
      {Phase::kDone, 2, Verdict::kFail, 0, ActionKind::kWait},
      {Phase::kRolledBack, 1, Verdict::kPass, 0, ActionKind::kWait},
  };
  for (const auto& each : kCases) {
    const State state{.phase = each.phase, .step = each.step, .since = 0};
    const Action action = NextAction(plan, state, Say(each.verdict), each.now);
    EXPECT_EQ(action.kind, each.expected) << PhaseName(each.phase) << " " << each.step << " "
                                          << stats::VerdictName(each.verdict) << " " << each.now;
  }
}

TEST(Policy, GoesFromShadowToCanaryToLive) {
  const Plan plan = MakePlan();
  State state = Begin(plan, 0);
  EXPECT_EQ(ArmsOf(plan, state), (Arms{.shadow = true}));
  state = After(plan, state, NextAction(plan, state, Say(Verdict::kPass), kDayUs), kDayUs);
  EXPECT_EQ(state, (State{.phase = Phase::kRunning, .step = 1, .since = kDayUs}));
  EXPECT_EQ(ArmsOf(plan, state), (Arms{.candidate_share = 0.25, .pair_canary = true}));
  state = After(plan, state, NextAction(plan, state, Say(Verdict::kPass), 2 * kDayUs), 2 * kDayUs);
  EXPECT_EQ(state.phase, Phase::kDone);
  EXPECT_EQ(ArmsOf(plan, state), (Arms{.candidate_share = 1}));
}

TEST(Policy, MaxTimeRunsAnewForEachStep) {
  const Plan plan = MakePlan();
  const State state{.phase = Phase::kRunning, .step = 1, .since = 9 * kDayUs};
  const Action action = NextAction(plan, state, Say(Verdict::kUndecided), 12 * kDayUs);
  EXPECT_EQ(action.kind, ActionKind::kWait);
  EXPECT_EQ(action.look_again, 19 * kDayUs);
}

TEST(Policy, ARolledBackCandidateGetsNoTraffic) {
  const Plan plan = MakePlan();
  State state{.phase = Phase::kRunning, .step = 1, .since = 0};
  state = After(plan, state, NextAction(plan, state, Say(Verdict::kFail), kDayUs), kDayUs);
  EXPECT_EQ(state.phase, Phase::kRolledBack);
  EXPECT_EQ(ArmsOf(plan, state), Arms{});
}

TEST(Policy, AnEscalatedCanaryKeepsItsArmsUntilAPersonDecides) {
  const Plan plan = MakePlan();
  State state{.phase = Phase::kRunning, .step = 1, .since = 0};
  state = After(plan, state, NextAction(plan, state, Say(Verdict::kUndecided), 10 * kDayUs),
                10 * kDayUs);
  EXPECT_EQ(state.phase, Phase::kEscalated);
  EXPECT_EQ(ArmsOf(plan, state), (Arms{.candidate_share = 0.25, .pair_canary = true}));
  Caller ann;
  ann.principal = "ann";
  const Action action =
      OperatorAction(plan, state, ActionKind::kAdvance, ann, "seen by hand", 11 * kDayUs).value();
  EXPECT_EQ(action.judgement.verdict, Verdict::kPass);
  EXPECT_THAT(action.judgement.summary, testing::HasSubstr("advance by ann: seen by hand"));
  EXPECT_EQ(After(plan, state, action, 11 * kDayUs).phase, Phase::kDone);
}

TEST(Policy, APersonMustGiveAReasonWhileTheRolloutIsOn) {
  const Plan plan = MakePlan();
  const State running = Begin(plan, 0);
  EXPECT_FALSE(OperatorAction(plan, running, ActionKind::kAdvance, {}, "", 0));
  EXPECT_FALSE(OperatorAction(plan, running, ActionKind::kWait, {}, "why not", 0));
  const Result<Action> late = OperatorAction(plan, {.phase = Phase::kDone, .step = 2},
                                             ActionKind::kRollBack, {}, "regret", 0);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kFailedPrecondition);
}

TEST(Policy, APlanOfLiveAloneSaysThatItAskedForNoEvidence) {
  const Plan plan = MakePlan({Step::kLive});
  const State state = Begin(plan, 0);
  EXPECT_EQ(ArmsOf(plan, state), Arms{});
  const Action action = NextAction(plan, state, Say(Verdict::kUndecided), 0);
  EXPECT_EQ(action.kind, ActionKind::kAdvance);
  EXPECT_EQ(action.judgement.verdict, Verdict::kUndecided);
  EXPECT_THAT(action.judgement.summary, testing::HasSubstr("no evidence was asked for"));
  EXPECT_EQ(After(plan, state, action, 0).phase, Phase::kDone);
}

TEST(Policy, AJudgementNamesPlanStepAndTimes) {
  const Plan plan = MakePlan();
  const Action action = NextAction(plan, Begin(plan, 0), Say(Verdict::kFail), kDayUs);
  EXPECT_EQ(action.judgement.evidence.StringOr("step", ""), "shadow");
  EXPECT_EQ(action.judgement.evidence.StringOr("now", ""), "1970-01-02T00:00:00Z");
  EXPECT_EQ(ParsePlan("late", *action.judgement.evidence.Find("plan")).value(), plan);
  EXPECT_EQ(action.judgement.summary, "shadow of late: so it is");
}

TEST(Policy, AStateComesBackFromJson) {
  const State state{.phase = Phase::kEscalated, .step = 1, .since = 1'370'044'800'000'001};
  EXPECT_EQ(StateFromJson(StateToJson(state)).value(), state);
  for (const char* bad : {"{}", R"({"phase": "lost", "step": 0, "since": "2013-06-01"})",
                          R"({"phase": "done", "step": -1, "since": "2013-06-01"})",
                          R"({"phase": "done", "step": 0, "since": "yesterday"})"}) {
    EXPECT_FALSE(StateFromJson(Json::Parse(bad).value())) << bad;
  }
}

}  // namespace
}  // namespace sw::rollout
