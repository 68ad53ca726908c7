#include "eval/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace sw::eval {
namespace {

using stats::Verdict;
using testing::HasSubstr;

// Twenty days of rows that two models have scored. The challenger's scores of a slice are wrong by
// `harm` towards the other side of the truth.
struct Scene {
  std::vector<double> champion, challenger;
  std::vector<std::uint8_t> labels;
  std::vector<std::uint64_t> days;
  data::Column origin{data::Type::kString};

  Scene(std::uint64_t seed, double harm_everywhere, double harm_at_ewr, int rows_a_day = 150,
        int day_count = 20) {
    base::Random random(seed);
    for (int day = 0; day < day_count; ++day) {
      for (int i = 0; i < rows_a_day; ++i) {
        const bool is_ewr = i % 3 == 0;
        const double truth = 0.1 + 0.6 * random.NextDouble();
        const bool label = random.NextDouble() < truth;
        const double harm = (harm_everywhere + (is_ewr ? harm_at_ewr : 0)) * (label ? -1 : 1);
        labels.push_back(label ? 1 : 0);
        champion.push_back(truth);
        challenger.push_back(
            std::clamp(truth + harm + 0.02 * (random.NextDouble() - 0.5), 0.0, 1.0));
        days.push_back(static_cast<std::uint64_t>(day));
        origin.AppendString(i == 1 ? "HPN" : is_ewr ? "EWR" : "JFK");
      }
    }
  }
  PairedScores Paired() const {
    return {.champion = champion,
            .challenger = challenger,
            .labels = labels,
            .clusters = days,
            .slices = {{"origin", &origin}}};
  }
};

GatePolicy Policy() {
  return {.name = "late",
          .max_loss_increase = 0.002,
          .slices = {"origin"},
          .max_slice_loss_increase = 0.01};
}

TEST(Compare, AModelThatIsNoWorsePasses) {
  const Scene scene(1, 0, 0);
  const stats::Judgement judgement = Compare(scene.Paired(), Policy()).value();
  EXPECT_EQ(judgement.verdict, Verdict::kPass) << judgement.summary;
  EXPECT_EQ(judgement.alpha, 0.05);
  EXPECT_THAT(judgement.summary, HasSubstr("2 slices hold, 1 are too small to guard"));
  EXPECT_EQ(judgement.evidence.Find("all")->IntOr("rows", 0), 3000);
  EXPECT_EQ(judgement.evidence.Find("unguarded")->AsArray()[0].StringOr("value", ""), "HPN");
}

TEST(Compare, HarmEverywhereFails) {
  const Scene scene(2, 0.02, 0);
  const stats::Judgement judgement = Compare(scene.Paired(), Policy()).value();
  EXPECT_EQ(judgement.verdict, Verdict::kFail) << judgement.summary;
  EXPECT_THAT(judgement.summary, HasSubstr("brier changes by +0.0"));
}

TEST(Compare, HarmInOneSliceFailsAndIsNamedEvenWhereTheWholeIsFine) {
  const Scene scene(3, -0.02, 0.06);
  const stats::Judgement judgement = Compare(scene.Paired(), Policy()).value();
  EXPECT_EQ(judgement.verdict, Verdict::kFail) << judgement.summary;
  EXPECT_THAT(judgement.summary, HasSubstr("where origin=EWR"));
  EXPECT_EQ(judgement.evidence.Find("all")->StringOr("verdict", ""), "pass")
      << judgement.evidence.Dump(2);
  EXPECT_EQ(judgement.evidence.Find("slices")->AsArray()[0].StringOr("value", ""), "EWR")
      << "worst first";
}

TEST(Compare, AMarginBelowZeroAsksForABetterModel) {
  const Scene equal(4, 0, 0);
  GatePolicy policy = Policy();
  policy.max_loss_increase = -0.01;
  EXPECT_EQ(Compare(equal.Paired(), policy).value().verdict, Verdict::kFail);
  const Scene better(4, -0.06, 0);
  EXPECT_EQ(Compare(better.Paired(), policy).value().verdict, Verdict::kPass);
}

TEST(Compare, TooLittleDataIsUndecidedNeverAPass) {
  EXPECT_EQ(Compare({}, Policy()).value().verdict, Verdict::kUndecided);
  const Scene four_days(5, 0, 0, 500, 4);
  const stats::Judgement judgement = Compare(four_days.Paired(), Policy()).value();
  EXPECT_EQ(judgement.verdict, Verdict::kUndecided);
  EXPECT_THAT(judgement.summary,
              HasSubstr("too little data: 2000 rows in 4 clusters, 5 clusters are needed"));

  const Scene few_rows(6, 0.0, 0, 4, 6);
  GatePolicy policy = Policy();
  policy.slices.clear();
  policy.max_loss_increase = 0.0001;
  EXPECT_EQ(Compare(few_rows.Paired(), policy).value().verdict, Verdict::kUndecided);
}

TEST(Compare, TheSameScoresTwicePass) {
  const Scene scene(7, 0, 0);
  PairedScores paired = scene.Paired();
  paired.challenger = paired.champion;
  EXPECT_EQ(Compare(paired, Policy()).value().verdict, Verdict::kPass);
}

TEST(Compare, CostUsesEachModelsOwnThreshold) {
  const Scene scene(8, 0, 0);
  GatePolicy policy = Policy();
  policy.slices.clear();
  policy.loss = Loss::kCost;
  policy.costs = {.true_negative = 0, .false_positive = 1, .false_negative = 3, .true_positive = 0};
  policy.max_loss_increase = 0.05;
  PairedScores paired = scene.Paired();
  paired.champion_threshold = 0.25;
  paired.challenger_threshold = 0.25;
  EXPECT_EQ(Compare(paired, policy).value().verdict, Verdict::kPass);
  paired.challenger_threshold = 0.9;  // never acts
  const stats::Judgement judgement = Compare(paired, policy).value();
  EXPECT_EQ(judgement.verdict, Verdict::kFail);
  EXPECT_THAT(judgement.summary, HasSubstr("cost changes by +"));
}

TEST(Compare, WrongInputIsRefusedWithWhoseItIs) {
  const Scene scene(9, 0, 0);
  PairedScores paired = scene.Paired();
  std::vector<double> bad = scene.challenger;
  bad[3] = std::nan("");
  paired.challenger = bad;
  EXPECT_THAT(Compare(paired, Policy()).error().message,
              HasSubstr("the challenger's scores: score nan in row 3"));
  paired = scene.Paired();
  paired.champion = paired.champion.first(5);
  EXPECT_THAT(Compare(paired, Policy()).error().message,
              HasSubstr("the champion's scores: 5 scores"));
  paired = scene.Paired();
  paired.clusters = paired.clusters.first(5);
  EXPECT_FALSE(Compare(paired, Policy()).has_value());
  paired = scene.Paired();
  GatePolicy policy = Policy();
  policy.slices = {"carrier"};
  EXPECT_THAT(Compare(paired, policy).error().message, HasSubstr("guards slices of carrier"));
}

// At the margin itself a pass is an error, and so is a fail.
TEST(Compare, ErrsNoMoreOftenThanAlpha) {
  GatePolicy policy = Policy();
  policy.slices.clear();
  policy.alpha = 0.1;
  constexpr int kTrials = 2000;
  constexpr int kTruthTrials =
      4000;  // the margin must be the true mean, closer than one trial can see
  double expected = 0;
  for (int trial = 0; trial < kTruthTrials; ++trial) {
    const Scene scene(1'000'000 + static_cast<std::uint64_t>(trial), 0.01, 0, 100, 10);
    expected +=
        Compare(scene.Paired(), policy).value().evidence.Find("all")->DoubleOr("difference", 0) /
        kTruthTrials;
  }
  policy.max_loss_increase = expected;
  int passes = 0;
  int fails = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    const Scene scene(static_cast<std::uint64_t>(trial), 0.01, 0, 100, 10);
    const Verdict verdict = Compare(scene.Paired(), policy).value().verdict;
    passes += verdict == Verdict::kPass;
    fails += verdict == Verdict::kFail;
  }
  // Alpha and three standard errors of that many trials.
  const double most = kTrials * 0.1 + 3 * std::sqrt(kTrials * 0.1 * 0.9);
  EXPECT_LT(passes, most);
  EXPECT_LT(fails, most);
  EXPECT_GT(passes + fails, kTrials * 0.1) << "a gate that never decides would pass this test";
}

TEST(JudgeTogether, FailsWhenAnyFailsAndPassesOnlyWhenAllPass) {
  const stats::Judgement pass{.verdict = Verdict::kPass, .alpha = 0.05, .summary = "fine"};
  const stats::Judgement fail{.verdict = Verdict::kFail, .alpha = 0.05, .summary = "leaks"};
  const stats::Judgement unknown{.verdict = Verdict::kUndecided, .summary = "no lineage"};
  EXPECT_EQ(JudgeTogether({}).verdict, Verdict::kUndecided);
  EXPECT_EQ(JudgeTogether({{"gate", pass}, {"lineage", unknown}}).verdict, Verdict::kUndecided);
  EXPECT_EQ(JudgeTogether({{"gate", pass}, {"lineage", unknown}}).summary, "lineage: no lineage");
  const stats::Judgement failed = JudgeTogether({{"gate", unknown}, {"lineage", fail}});
  EXPECT_EQ(failed.verdict, Verdict::kFail);
  EXPECT_EQ(failed.summary, "lineage: leaks");
  EXPECT_EQ(JudgeTogether({{"gate", pass}, {"again", pass}}).verdict, Verdict::kPass);
  EXPECT_EQ(JudgeTogether({{"gate", pass}, {"again", pass}}).alpha, 0.1);
}

TEST(Verdict, NamesReadBack) {
  for (const Verdict verdict : {Verdict::kPass, Verdict::kFail, Verdict::kUndecided}) {
    EXPECT_EQ(stats::ParseVerdict(stats::VerdictName(verdict)), verdict);
  }
  EXPECT_EQ(stats::ParseVerdict("maybe"), std::nullopt);
}

}  // namespace
}  // namespace sw::eval
