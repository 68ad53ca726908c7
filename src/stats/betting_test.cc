// Reference values: src/stats/reference_values.py. Simulations are seeded: they give one answer.
#include "stats/betting.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/random.h"

namespace sw::stats {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

double Coin(base::Random& random, double p) { return random.NextDouble() < p ? 1 : 0; }

// A paired loss difference: rarely not 0, with mean up - down.
double Discordant(base::Random& random, double up, double down) {
  const double u = random.NextDouble();
  return u < up ? 1 : u < up + down ? -1 : 0;
}

TEST(Betting, HostileInputIsRefusedAndChangesNothing) {
  EXPECT_FALSE(BettingTest::Create(Null::kMeanAtMost, 0).has_value());
  EXPECT_FALSE(BettingTest::Create(Null::kMeanAtMost, 1).has_value());
  EXPECT_FALSE(BettingTest::Create(Null::kMeanAtMost, std::nan("")).has_value());
  EXPECT_FALSE(BettingTest::Create(Null::kMeanAtMost, 0, {1, -1}).has_value());
  EXPECT_FALSE(BettingTest::Create(Null::kMeanAtMost, 0, {-kInf, kInf}).has_value());
  EXPECT_FALSE(MeanSequence::Create({0, 0}).has_value());
  EXPECT_FALSE(EmpiricalBernsteinSequence::Create(0).has_value());
  EXPECT_FALSE(EDetector::Create(Null::kMeanAtLeast, 2).has_value());

  auto test = *BettingTest::Create(Null::kMeanAtMost, 0.5);
  auto sequence = *MeanSequence::Create();
  auto detector = *EDetector::Create(Null::kMeanAtMost, 0.5);
  for (const double bad : {std::nan(""), kInf, -kInf, -1e-9, 1.0000001}) {
    EXPECT_FALSE(test.Add(bad).has_value());
    EXPECT_FALSE(sequence.Add(bad).has_value());
    EXPECT_FALSE(detector.Add(bad).has_value());
  }
  EXPECT_EQ(test.state(), BettingTest::State{});
  EXPECT_EQ(sequence.state(), MeanSequence::State{});
  EXPECT_EQ(detector.state(), EDetector::State{});
}

TEST(Betting, DamagedStatesAreRefused) {
  BettingTest::State state;
  state.log_wealth[3] = std::nan("");
  EXPECT_FALSE(BettingTest::Restore({Null::kMeanAtMost, 0.5}, state).has_value());
  MeanSequence::State counts{.count = 2, .sum = 1, .floors = {{0, 2}}, .ceilings = {{0, 1}}};
  EXPECT_FALSE(MeanSequence::Restore({0, 1}, counts).has_value());
  counts.ceilings = {{MeanSequence::kCells + 1, 2}};
  EXPECT_FALSE(MeanSequence::Restore({0, 1}, counts).has_value());
  counts.ceilings = {{0, 2}};
  EXPECT_TRUE(MeanSequence::Restore({0, 1}, counts).has_value());
}

TEST(Betting, LogEAgreesWithTheFormula) {
  auto test = *BettingTest::Create(Null::kMeanAtMost, 0.4);
  EXPECT_EQ(test.LogE(), 0);
  for (int k = 0; k < 60; ++k) ASSERT_TRUE(test.Add((k * 29 % 31) / 31.0).has_value());
  EXPECT_NEAR(test.LogE(), 1.620018225500805, 1e-11);
}

TEST(Betting, BothNullsMirrorEachOther) {
  auto at_most = *BettingTest::Create(Null::kMeanAtMost, 0.25, {-1, 1});
  auto at_least = *BettingTest::Create(Null::kMeanAtLeast, -0.25, {-1, 1});
  base::Random random(2);
  for (int i = 0; i < 100; ++i) {
    const double x = 2 * random.NextDouble() - 1;
    ASSERT_TRUE(at_most.Add(x).has_value());
    ASSERT_TRUE(at_least.Add(-x).has_value());
  }
  EXPECT_NEAR(at_most.LogE(), at_least.LogE(), 1e-12);
}

TEST(Betting, PeekingAfterEveryValueKeepsTheFalseAlarmRate) {
  constexpr double kAlpha = 0.05;
  constexpr int kRounds = 2000;
  base::Random random(17);
  int alarms = 0;
  for (int round = 0; round < kRounds; ++round) {
    auto test = *BettingTest::Create(Null::kMeanAtMost, 0, {-1, 1});
    for (int i = 0; i < 2000; ++i) {
      ASSERT_TRUE(test.Add(Discordant(random, 0.05, 0.05)).has_value());
      if (test.LogE() < LogThreshold(kAlpha)) continue;
      ++alarms;
      break;
    }
  }
  EXPECT_LE(alarms, kAlpha * kRounds);
  EXPECT_GT(alarms, 0) << "a test that never alarms proves nothing";
}

TEST(Betting, FindsTwoPointsOfHarmWithinAboutAThousandPairs) {
  base::Random random(19);
  std::vector<int> needed;
  for (int round = 0; round < 101; ++round) {
    auto test = *BettingTest::Create(Null::kMeanAtMost, 0, {-1, 1});
    int n = 0;
    while (test.LogE() < LogThreshold(0.05)) {
      ++n;
      ASSERT_TRUE(test.Add(Discordant(random, 0.03, 0.01)).has_value());
    }
    needed.push_back(n);
  }
  std::nth_element(needed.begin(), needed.begin() + 50, needed.end());
  EXPECT_LT(needed[50], 1000);
}

TEST(Betting, MergeEqualsOneTestOfAllValuesAndAStateSurvives) {
  auto all = *BettingTest::Create(Null::kMeanAtMost, 0.3);
  auto left = all;
  auto right = all;
  base::Random random(23);
  for (int i = 0; i < 1000; ++i) {
    const double x = random.NextDouble();
    ASSERT_TRUE(all.Add(x).has_value());
    ASSERT_TRUE((i % 3 == 0 ? left : right).Add(x).has_value());
  }
  ASSERT_TRUE(left.Merge(*BettingTest::Restore(right.hypothesis(), right.state())).has_value());
  EXPECT_EQ(left.Count(), all.Count());
  EXPECT_NEAR(left.LogE(), all.LogE(), 1e-9);
  EXPECT_FALSE(left.Merge(*BettingTest::Create(Null::kMeanAtMost, 0.4)).has_value());
}

TEST(MeanSequence, EmptyBoundsAreTheRange) {
  const auto sequence = *MeanSequence::Create({-2, 4});
  EXPECT_EQ(sequence.Bounds(0.05), (Interval{-2, 4}));
  EXPECT_EQ(sequence.Mean(), 1);
}

TEST(MeanSequence, LowerBoundIsWhereTheTestStopsRejecting) {
  auto sequence = *MeanSequence::Create({-1, 1});
  base::Random random(29);
  std::vector<double> values;
  for (int i = 0; i < 500; ++i) {
    values.push_back(Discordant(random, 0.4, 0.1));
    ASSERT_TRUE(sequence.Add(values.back()).has_value());
  }
  const auto log_e = [&](double m) {
    auto test = *BettingTest::Create(Null::kMeanAtMost, m, {-1, 1});
    for (const double x : values) EXPECT_TRUE(test.Add(x).has_value());
    return test.LogE();
  };
  const double bound = sequence.LowerBound(0.05);
  EXPECT_GE(log_e(bound - 1e-5), LogThreshold(0.05));
  EXPECT_LT(log_e(bound + 1e-5), LogThreshold(0.05));
}

TEST(MeanSequence, CoversTheMeanAtEveryLook) {
  constexpr int kRounds = 200;
  base::Random random(31);
  int missed = 0;
  for (int round = 0; round < kRounds; ++round) {
    auto sequence = *MeanSequence::Create();
    bool covered = true;
    for (int i = 1; i <= 400 && covered; ++i) {
      const double x = round % 2 == 0 ? Coin(random, 0.1) : 0.2 * random.NextDouble();
      ASSERT_TRUE(sequence.Add(x).has_value());
      if (i % 25 == 0) covered = sequence.Bounds(0.1).Contains(0.1);
    }
    missed += covered ? 0 : 1;
  }
  EXPECT_LE(missed, 0.1 * kRounds);
}

TEST(MeanSequence, NarrowsAroundTheMeanAndBeatsEmpiricalBernstein) {
  auto sequence = *MeanSequence::Create();
  auto bernstein = *EmpiricalBernsteinSequence::Create(0.05);
  base::Random random(37);
  for (int i = 0; i < 10'000; ++i) {
    const double x = Coin(random, 0.1);
    ASSERT_TRUE(sequence.Add(x).has_value());
    ASSERT_TRUE(bernstein.Add(x).has_value());
  }
  const Interval bounds = sequence.Bounds(0.05);
  const Interval wider = bernstein.Bounds();
  EXPECT_TRUE(bounds.Contains(sequence.Mean()));
  EXPECT_LT(bounds.high - bounds.low, 0.025);
  EXPECT_LT(bounds.high - bounds.low, wider.high - wider.low);
}

TEST(MeanSequence, MergesExactlyAndRefusesAnotherRange) {
  auto all = *MeanSequence::Create();
  auto left = all;
  auto right = all;
  for (int i = 0; i < 200; ++i) {
    const double x = (i * 7 % 16) / 16.0;
    ASSERT_TRUE(all.Add(x).has_value());
    ASSERT_TRUE((i % 2 == 0 ? left : right).Add(x).has_value());
  }
  ASSERT_TRUE(left.Merge(*MeanSequence::Restore({0, 1}, right.state())).has_value());
  EXPECT_EQ(left.state(), all.state());
  EXPECT_FALSE(left.Merge(*MeanSequence::Create({0, 2})).has_value());
}

TEST(EmpiricalBernstein, CoversTheMeanAtEveryLook) {
  constexpr int kRounds = 1000;
  base::Random random(41);
  int missed = 0;
  for (int round = 0; round < kRounds; ++round) {
    auto sequence = *EmpiricalBernsteinSequence::Create(0.1, {-1, 3});
    bool covered = sequence.Bounds().Contains(0);
    for (int i = 0; i < 1000 && covered; ++i) {
      ASSERT_TRUE(sequence.Add(Coin(random, 0.25) * 4 - 1).has_value());
      covered = sequence.Bounds().Contains(0);
    }
    missed += covered ? 0 : 1;
  }
  EXPECT_LE(missed, 0.1 * kRounds);
}

TEST(EDetector, RunsAtLeastOneOverAlphaValuesBetweenFalseAlarms) {
  constexpr double kAlpha = 0.01;
  base::Random random(43);
  auto detector = *EDetector::Create(Null::kMeanAtMost, 0.2);
  int alarms = 0;
  constexpr int kValues = 200'000;
  for (int i = 0; i < kValues; ++i) {
    ASSERT_TRUE(detector.Add(Coin(random, 0.2)).has_value());
    if (detector.LogE() < LogThreshold(kAlpha)) continue;
    ++alarms;
    detector.Reset();
  }
  EXPECT_GT(alarms, 0);
  EXPECT_LE(alarms, kAlpha * kValues);
}

TEST(EDetector, FindsAChangeAfterALongQuietTimeAndSaysWhere) {
  base::Random random(47);
  auto detector = *EDetector::Create(Null::kMeanAtMost, 0.2);
  int n = 0;
  while (detector.LogE() < LogThreshold(1e-5) && n < 30'000) {
    ASSERT_TRUE(detector.Add(Coin(random, n < 20'000 ? 0.15 : 0.35)).has_value());
    ++n;
  }
  EXPECT_GT(n, 20'000);
  EXPECT_LT(n, 20'500);
  EXPECT_NEAR(static_cast<double>(detector.ChangePoint()), 20'000, 150);
  const auto restored = *EDetector::Restore(detector.hypothesis(), detector.state());
  EXPECT_EQ(restored.LogE(), detector.LogE());
}

TEST(EBenjaminiHochberg, RejectsByTheRankedThresholds) {
  // With n = 4 and alpha 0.1: thresholds 40, 20, 13.3, 10.
  const std::vector<double> e{std::log(5), std::log(21), std::nan(""), std::log(30)};
  EXPECT_EQ(EBenjaminiHochberg(e, 0.1), (std::vector<std::size_t>{1, 3}));
  EXPECT_TRUE(EBenjaminiHochberg({}, 0.1).empty());
  EXPECT_TRUE(EBenjaminiHochberg(std::vector{-kInf, std::log(19)}, 0.1).empty());
  EXPECT_EQ(EBenjaminiHochberg(std::vector{kInf}, 0.1).size(), 1U);
}

}  // namespace
}  // namespace sw::stats
