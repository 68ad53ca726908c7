#include "rollout/evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace sw::rollout {
namespace {

using stats::Verdict;

EvidencePolicy Policy() {
  return {.alpha = {.harm = 0.0125, .slices = 0.0125, .safe = 0.025},
          .max_loss_increase = 0.01,
          .harm_loss_increase = 0.01,
          .max_slice_loss_increase = 0.05,
          .slices = {"origin"},
          .slice_values_max = 3};
}

PairedEvidence Make() { return PairedEvidence::Create(Policy()).value(); }

void Feed(PairedEvidence& evidence, int pairs, double increase, const char* origin = "JFK") {
  for (int i = 0; i < pairs; ++i) {
    ASSERT_TRUE(
        evidence.Add({.loss_live = 0.5, .loss_candidate = 0.5 + increase, .slices = {origin}}));
  }
}

TEST(PairedEvidence, IsUndecidedWithoutData) {
  PairedEvidence evidence = Make();
  EXPECT_EQ(evidence.Judge().verdict, Verdict::kUndecided);
  for (int i = 0; i < 10'000; ++i) evidence.AddUnlabelled();
  EXPECT_EQ(evidence.Judge().verdict, Verdict::kUndecided);
  EXPECT_THAT(evidence.Judge().summary,
              testing::HasSubstr("no labelled pair yet (10000 without a label"));
}

TEST(PairedEvidence, RefusesLossesThatAreNone) {
  PairedEvidence evidence = Make();
  for (const double loss : {-0.1, 1.1, std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_FALSE(evidence.Add({.loss_live = loss, .loss_candidate = 0, .slices = {"JFK"}}));
    EXPECT_FALSE(evidence.Add({.loss_live = 0, .loss_candidate = loss, .slices = {"JFK"}}));
  }
  EXPECT_FALSE(evidence.Add({.loss_live = 0, .loss_candidate = 0, .slices = {}}));
  EXPECT_EQ(evidence.Pairs(), 0u);
}

TEST(PairedEvidence, RefusesAPolicyThatTestsNothing) {
  EvidencePolicy policy = Policy();
  policy.alpha.harm = 0;
  EXPECT_FALSE(PairedEvidence::Create(policy));
  policy = Policy();
  policy.alpha.slices = 0;
  EXPECT_FALSE(PairedEvidence::Create(policy));
  policy = Policy();
  policy.max_slice_loss_increase = 1;
  EXPECT_FALSE(PairedEvidence::Create(policy));
}

TEST(PairedEvidence, PassesWhatIsNoWorse) {
  PairedEvidence evidence = Make();
  Feed(evidence, 2'000, 0);
  const stats::Judgement judgement = evidence.Judge();
  EXPECT_EQ(judgement.verdict, Verdict::kPass) << judgement.summary;
  EXPECT_EQ(judgement.alpha, 0.025);
  EXPECT_GT(judgement.evidence.Find("overall")->IntOr("safe_after", 0), 0);
}

TEST(PairedEvidence, HarmMayBeCalledBelowWhatIsStillPromoted) {
  PairedEvidence one_margin = Make();
  Feed(one_margin, 4'000, 0.009);
  EXPECT_EQ(one_margin.HarmAfter(), 0u);
  EvidencePolicy policy = Policy();
  policy.harm_loss_increase = 0.002;
  PairedEvidence evidence = PairedEvidence::Create(policy).value();
  Feed(evidence, 4'000, 0.009);
  EXPECT_EQ(evidence.Judge().verdict, Verdict::kFail);
  EXPECT_THAT(evidence.Judge().summary, testing::HasSubstr("tolerance 0.002"));
}

TEST(PairedEvidence, ASliceWithHarmFailsWhatIsSafeOverall) {
  PairedEvidence evidence = Make();
  for (int i = 0; i < 400; ++i) {
    Feed(evidence, 9, -0.02, "JFK");
    Feed(evidence, 1, 0.3, "EWR");
  }
  const stats::Judgement judgement = evidence.Judge();
  EXPECT_EQ(judgement.verdict, Verdict::kFail);
  EXPECT_LT(evidence.Overall().mean_increase, 0.013);
  EXPECT_EQ(evidence.WorstSlice()->Name(), "origin=EWR");
  EXPECT_THAT(judgement.summary, testing::HasSubstr("worst in origin=EWR: +0.3000 on 400 pairs"));
  EXPECT_EQ(judgement.evidence.StringOr("worst_slice", ""), "origin=EWR");
}

TEST(PairedEvidence, NamesTheSliceWithTheLargestHarmNotTheOneWithTheMostPairs) {
  PairedEvidence evidence = Make();
  for (int i = 0; i < 300; ++i) {
    Feed(evidence, 20, 0.1, "JFK");
    Feed(evidence, 1, 0.45, "EWR");
  }
  EXPECT_EQ(evidence.WorstSlice()->Name(), "origin=EWR");
}

TEST(PairedEvidence, KeepsTheMomentThatHarmWasFound) {
  PairedEvidence evidence = Make();
  Feed(evidence, 200, 0.4);
  const std::uint64_t found = evidence.Overall().harm_after;
  EXPECT_GT(found, 0u);
  EXPECT_LT(found, 40u);
  EXPECT_GT(evidence.HarmAfter(), 0u);
  EXPECT_LE(evidence.HarmAfter(), found);
  Feed(evidence, 5'000, -0.4);
  EXPECT_EQ(evidence.Overall().harm_after, found);
  EXPECT_EQ(evidence.Judge().verdict, Verdict::kFail);
}

TEST(PairedEvidence, DoesNotPassACandidateThatOftenDoesNotAnswer) {
  PairedEvidence evidence = Make();
  Feed(evidence, 2'000, 0);
  for (int i = 0; i < 2'000; ++i) evidence.AddUnpaired();
  EXPECT_EQ(evidence.Judge().verdict, Verdict::kUndecided);
  EXPECT_THAT(evidence.Judge().summary, testing::HasSubstr("50.0 % of the requests lack"));
}

TEST(PairedEvidence, TheLevelsOfSlicesAddUpHoweverManyAppear) {
  EvidencePolicy policy = Policy();
  policy.slice_values_max = 1'000;
  PairedEvidence evidence = PairedEvidence::Create(policy).value();
  for (int i = 0; i < 500; ++i) Feed(evidence, 1, 0, std::to_string(i).c_str());
  double total = 0;
  for (const auto& slice : evidence.Slices()) total += slice.alpha;
  EXPECT_LE(total, policy.alpha.slices);
  EXPECT_GT(total, 0.99 * policy.alpha.slices);
}

TEST(PairedEvidence, CountsValuesBeyondTheLimitInsteadOfGuardingThem) {
  PairedEvidence evidence = Make();
  for (const char* origin : {"a", "b", "c", "d", "e"}) Feed(evidence, 2, 0, origin);
  EXPECT_EQ(evidence.Slices().size(), 3u);
  EXPECT_EQ(evidence.Judge().evidence.Find("unguarded_pairs")->IntOr("origin", 0), 4);
}

TEST(PairedEvidence, ReportsMeansAndIntervals) {
  PairedEvidence evidence = Make();
  Feed(evidence, 300, 0.2, "JFK");
  Feed(evidence, 300, -0.1, "EWR");
  EXPECT_NEAR(evidence.Overall().mean_increase, 0.05, 1e-12);
  EXPECT_TRUE(evidence.Overall().interval.Contains(0.05));
  for (const auto& slice : evidence.Slices()) {
    const double truth = slice.value == "JFK" ? 0.2 : -0.1;
    EXPECT_NEAR(slice.tested.mean_increase, truth, 1e-12);
    EXPECT_TRUE(slice.tested.interval.Contains(truth)) << slice.Name();
  }
}

TEST(PairedEvidence, SeesDaysThatMoveTogether) {
  PairedEvidence together = Make();
  PairedEvidence apart = Make();
  for (int day = 0; day < 10; ++day) {
    EXPECT_EQ(together.ObservedDesignEffect().has_value(), day >= 5);
    for (int i = 0; i < 100; ++i) {
      const double shift = day % 2 == 0 ? 0.1 : -0.1;
      const double noise = i % 2 == 0 ? 0.1 : -0.1;
      const LossPair pair{.loss_live = 0.5,
                          .loss_candidate = 0.5 + shift,
                          .slices = {"JFK"},
                          .time = day * base::kDayUs};
      ASSERT_TRUE(together.Add(pair));
      LossPair other = pair;
      other.loss_candidate = 0.5 + noise;
      ASSERT_TRUE(apart.Add(other));
    }
  }
  EXPECT_NEAR(*together.ObservedDesignEffect(), 100 * 10.0 / 9, 1e-6);
  EXPECT_NEAR(*apart.ObservedDesignEffect(), 0, 1e-6);
}

TEST(PairedEvidence, ACanaryHasLessOfTheDesignEffectThanAllTraffic) {
  Plan plan{.endpoint = "e", .steps = {Step::kShadow, Step::kCanary, Step::kLive}};
  plan.canary_share = 0.25;
  plan.design_effect = 9;
  EXPECT_EQ(PolicyOf(plan).design_effect, 9);
  EXPECT_EQ(PolicyOf(plan, Step::kCanary).design_effect, 3);
}

}  // namespace
}  // namespace sw::rollout
