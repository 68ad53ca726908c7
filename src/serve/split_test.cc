#include "serve/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "serve/fakes.h"

namespace sw::serve {
namespace {

constexpr int kUnits = 20'000;

EndpointSnapshot WithCanary(double share) {
  EndpointSnapshot snapshot = LateEndpoint();
  snapshot.arms.push_back(MakeArm(2, 2, ArmMode::kCanary, share));
  return snapshot;
}

std::set<int> CanaryUnits(const EndpointSnapshot& snapshot) {
  std::set<int> units;
  const std::uint64_t seed = SplitSeed(snapshot.name, snapshot.rollout_salt);
  for (int unit = 0; unit < kUnits; ++unit) {
    const Arm* arm = PickArm(snapshot, SplitPoint("N" + std::to_string(unit), seed));
    if (arm->mode == ArmMode::kCanary) units.insert(unit);
  }
  return units;
}

double FiveSigma(double share) { return 5 * std::sqrt(kUnits * share * (1 - share)); }

TEST(Split, GivesACanaryItsShareOfUnits) {
  for (const double share : {0.01, 0.1, 0.25, 0.5, 0.9}) {
    const auto units = static_cast<double>(CanaryUnits(WithCanary(share)).size());
    EXPECT_NEAR(units, kUnits * share, FiveSigma(share)) << share;
  }
}

TEST(Split, OfNothingOrEverythingIsExact) {
  EXPECT_EQ(CanaryUnits(WithCanary(0)).size(), 0U);
  EXPECT_EQ(CanaryUnits(WithCanary(1)).size(), static_cast<std::size_t>(kUnits));
}

TEST(Split, KeepsItsUnitsWhenTheShareGrows) {
  const std::set<int> few = CanaryUnits(WithCanary(0.1));
  const std::set<int> many = CanaryUnits(WithCanary(0.25));
  EXPECT_TRUE(std::includes(many.begin(), many.end(), few.begin(), few.end()));
}

TEST(Split, IsDrawnAnewByAnotherRollout) {
  EndpointSnapshot second = WithCanary(0.5);
  second.rollout_salt = "r2";
  const std::set<int> one = CanaryUnits(WithCanary(0.5)), two = CanaryUnits(second);
  std::vector<int> both;
  std::set_intersection(one.begin(), one.end(), two.begin(), two.end(), std::back_inserter(both));
  EXPECT_NEAR(static_cast<double>(both.size()), kUnits * 0.25, FiveSigma(0.25));
}

TEST(Split, SeedsDoNotMixUpNameAndSalt) { EXPECT_NE(SplitSeed("a", "bc"), SplitSeed("ab", "c")); }

TEST(Split, StaysOnEveryMachine) {  // a deployed split must not move with a release
  EXPECT_EQ(SplitSeed("late", "r1"), 362243287551847526ULL);
  EXPECT_EQ(SplitPoint("N14228", SplitSeed("late", "r1")), 0.92414241374217587);
}

TEST(Split, TwoCanariesTakeNeighbouringStretches) {
  EndpointSnapshot snapshot = WithCanary(0.25);
  snapshot.arms.push_back(MakeArm(3, 3, ArmMode::kCanary, 0.5));
  EXPECT_EQ(PickArm(snapshot, 0.0)->version, 2);
  EXPECT_EQ(PickArm(snapshot, 0.2499)->version, 2);
  EXPECT_EQ(PickArm(snapshot, 0.25)->version, 3);
  EXPECT_EQ(PickArm(snapshot, 0.7499)->version, 3);
  EXPECT_EQ(PickArm(snapshot, 0.75)->version, 1);
}

TEST(Split, ShadowAndWarmArmsAnswerNobody) {
  EndpointSnapshot snapshot = LateEndpoint();
  snapshot.arms.push_back(MakeArm(2, 2, ArmMode::kShadow));
  snapshot.arms.push_back(MakeArm(3, 3, ArmMode::kWarm));
  EXPECT_EQ(CanaryUnits(snapshot).size(), 0U);
}

}  // namespace
}  // namespace sw::serve
