// Error rates and delays of PairedEvidence, by seeded simulation of Brier losses.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/random.h"
#include "rollout/evidence.h"

namespace sw::rollout {
namespace {

using stats::Verdict;

constexpr std::array kOrigins = {"JFK", "EWR", "LGA"};

EvidencePolicy Policy() {
  return PolicyOf({.endpoint = "late",
                   .steps = {Step::kCanary, Step::kLive},
                   .alpha = 0.05,
                   .max_loss_increase = 0.002,
                   .harm_loss_increase = 0.002,
                   .max_slice_loss_increase = 0.01,
                   .slices = {"origin"}});
}

// Two models that err by noise around the true probability; the candidate's is scaled as well: down
// where it learnt from a label that is rarer than the true one.
struct World {
  double live_noise = 0.1;
  double candidate_noise = 0.1;
  double scale_at_ewr = 1;
  double scale_elsewhere = 1;

  LossPair Draw(base::Random& random) const {
    const std::size_t origin = random.Below(kOrigins.size());
    const double u = random.NextDouble();
    const double truth = 0.02 + 0.9 * u * u;
    const double label = random.NextDouble() < truth ? 1 : 0;
    const auto loss = [&](double noise, double scale) {
      const double score = scale * truth + noise * (2 * random.NextDouble() - 1);
      const double error = std::clamp(score, 0.0, 1.0) - label;
      return error * error;
    };
    const double live = loss(live_noise, 1);
    const double candidate = loss(candidate_noise, origin == 1 ? scale_at_ewr : scale_elsewhere);
    return {.loss_live = live, .loss_candidate = candidate, .slices = {kOrigins[origin]}};
  }
};

struct Outcome {
  int fails = 0;
  int passes = 0;
  int named_ewr = 0;
  double mean_increase = 0;
  std::vector<std::uint64_t> pairs;  // when decided
};

Outcome Simulate(const World& world, int runs, int pairs_max,
                 const EvidencePolicy& policy = Policy()) {
  Outcome outcome;
  for (int run = 0; run < runs; ++run) {
    base::Random random(1'000 + static_cast<std::uint64_t>(run));
    PairedEvidence evidence = PairedEvidence::Create(policy).value();
    Verdict verdict = Verdict::kUndecided;
    for (int i = 0; i < pairs_max && verdict == Verdict::kUndecided; ++i) {
      EXPECT_TRUE(evidence.Add(world.Draw(random)));
      verdict = evidence.Decide();
    }
    outcome.fails += verdict == Verdict::kFail;
    outcome.passes += verdict == Verdict::kPass;
    outcome.mean_increase += evidence.Overall().mean_increase / runs;
    const auto worst = evidence.WorstSlice();
    outcome.named_ewr += verdict == Verdict::kFail && worst && worst->Name() == "origin=EWR";
    outcome.pairs.push_back(evidence.Pairs());
  }
  std::ranges::sort(outcome.pairs);
  return outcome;
}

TEST(Simulation, WithoutADifferenceHarmIsFoundNoMoreOftenThanAlpha) {
  const Outcome outcome = Simulate({}, 400, 3'000);
  EXPECT_LE(outcome.fails, 0.025 * 400);
}

TEST(Simulation, AtTheEdgeOfToleranceBothErrorsKeepTheirLevel) {
  const World edge{.scale_at_ewr = 0.893, .scale_elsewhere = 0.893};
  const Outcome outcome = Simulate(edge, 400, 2'000);
  EXPECT_NEAR(outcome.mean_increase, 0.002, 0.001);
  EXPECT_LE(outcome.fails, 0.025 * 400);
  EXPECT_LE(outcome.passes, 0.025 * 400);
}

TEST(Simulation, ACandidateThatIsWorseByThreeAndAHalfPointsGoesWithinSomeHundredPairs) {
  const World broken{.scale_at_ewr = 1.0 / 3, .scale_elsewhere = 0.75};
  const Outcome outcome = Simulate(broken, 200, 5'000);
  EXPECT_NEAR(outcome.mean_increase, 0.035, 0.02);  // that of a stopped test is a little too large
  EXPECT_EQ(outcome.fails, 200);
  EXPECT_GE(outcome.named_ewr, 190);
  const std::uint64_t median = outcome.pairs[100];
  const std::uint64_t ninetieth = outcome.pairs[180];
  EXPECT_LT(median, 500u) << "p90 " << ninetieth;
  EXPECT_LT(ninetieth, 1'000u) << "median " << median;
}

TEST(Simulation, ABetterCandidatePasses) {
  const World better{.live_noise = 0.2, .candidate_noise = 0.1};
  const Outcome outcome = Simulate(better, 100, 8'000);
  EXPECT_EQ(outcome.fails, 0);
  EXPECT_GE(outcome.passes, 95) << "median pairs " << outcome.pairs[50];
  EXPECT_LT(outcome.mean_increase, -0.005);
}

// Requests of a day share a shift; over many days the candidate is as good.
int FalseHarms(double design_effect, int runs) {
  constexpr int kDays = 10;
  constexpr int kPairsADay = 300;
  constexpr double kSpread = 0.2;  // of one pair
  // The shift's spread that makes the variance of a day's sum nine times that of independent pairs.
  const double shift = kSpread * std::sqrt(8.0 / kPairsADay);
  EvidencePolicy policy = Policy();
  policy.design_effect = design_effect;
  int harms = 0;
  for (int run = 0; run < runs; ++run) {
    base::Random random(9'000 + static_cast<std::uint64_t>(run));
    const auto sign = [&] { return random.Below(2) == 0 ? -1.0 : 1.0; };
    PairedEvidence evidence = PairedEvidence::Create(policy).value();
    for (int day = 0; day < kDays; ++day) {
      const double shifted = sign() * shift;
      for (int i = 0; i < kPairsADay; ++i) {
        const double increase = shifted + sign() * kSpread;
        EXPECT_TRUE(evidence.Add({.loss_live = 0.5,
                                  .loss_candidate = 0.5 + increase,
                                  .slices = {kOrigins[random.Below(3)]},
                                  .time = day * base::kDayUs}));
      }
    }
    harms += evidence.HarmAfter() > 0;
  }
  return harms;
}

TEST(Simulation, DaysThatMoveTogetherAreNoHarmOnceTheirDesignEffectIsDeclared) {
  EXPECT_GT(FalseHarms(1, 100), 25);
  EXPECT_LE(FalseHarms(9, 200), 0.025 * 200);
}

TEST(Simulation, ADesignEffectOfThreeTakesAboutThreeTimesAsManyPairs) {
  EvidencePolicy policy = Policy();
  policy.design_effect = 3;
  const World broken{.scale_at_ewr = 1.0 / 3, .scale_elsewhere = 0.75};
  const Outcome outcome = Simulate(broken, 100, 5'000, policy);
  EXPECT_EQ(outcome.fails, 100);
  EXPECT_LT(outcome.pairs[50], 2'000u) << "p90 " << outcome.pairs[90];
}

}  // namespace
}  // namespace sw::rollout
