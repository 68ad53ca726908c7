#include "rollout/pair_fold.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sw::rollout {
namespace {

using base::kHourUs;

struct Story {
  PairFold fold = PairFold::Create({.censor_after = 48 * kHourUs, .pending_max = 100}).value();
  PairedEvidence evidence =
      PairedEvidence::Create(
          {.alpha = {.harm = 0.1, .slices = 0.1, .safe = 0.1}, .slices = {"origin"}})
          .value();

  void Scored(const char* id, TimeUs time, double live = 0.25, double candidate = 0.5) {
    EXPECT_TRUE(fold.AddScore(Arm::kLive, id, time, live, {"EWR"}));
    EXPECT_TRUE(fold.AddScore(Arm::kCandidate, id, time, candidate));
  }
  std::size_t Advance(TimeUs now) { return fold.Advance(now, evidence).value(); }
  std::int64_t Counted(const char* key) { return evidence.Judge().evidence.IntOr(key, -1); }
};

TEST(PairFold, ALabelledPairBecomesADifferenceOfLosses) {
  Story story;
  story.Scored("a", 0);
  EXPECT_EQ(story.Advance(kHourUs), 0u);
  EXPECT_EQ(story.fold.AddLabel("a", 1, kHourUs), true);
  EXPECT_EQ(story.Advance(kHourUs), 1u);
  EXPECT_EQ(story.evidence.Overall().mean_increase, 0.25 - 0.5625);
  EXPECT_EQ(story.evidence.Slices().at(0).Name(), "origin=EWR");
  EXPECT_EQ(story.fold.Pending(), 0u);
}

TEST(PairFold, ALaterPairDoesNotOvertakeOneThatWaits) {
  Story story;
  story.Scored("slow", 0);
  story.Scored("fast", kHourUs);
  EXPECT_EQ(story.fold.AddLabel("fast", 0, 2 * kHourUs), true);
  EXPECT_EQ(story.Advance(2 * kHourUs), 0u);
  EXPECT_EQ(story.fold.NextCensoring(), 48 * kHourUs);
  EXPECT_EQ(story.Advance(48 * kHourUs), 1u);
  EXPECT_EQ(story.Counted("unlabelled"), 1);
}

TEST(PairFold, ARequestWithoutBothScoresIsCensoredAsUnpaired) {
  Story story;
  ASSERT_TRUE(story.fold.AddScore(Arm::kLive, "a", 0, 0.5, {"EWR"}));
  EXPECT_EQ(story.fold.AddLabel("a", 1, kHourUs), true);
  EXPECT_EQ(story.Advance(47 * kHourUs), 0u);
  EXPECT_EQ(story.Advance(48 * kHourUs), 0u);
  EXPECT_EQ(story.Counted("unpaired"), 1);
  EXPECT_EQ(story.Counted("unlabelled"), 0);
}

TEST(PairFold, ALateLabelCountsForNothingWheneverItIsFed) {
  for (const bool advance_first : {true, false}) {
    Story story;
    story.Scored("a", 0);
    if (advance_first) {
      EXPECT_EQ(story.Advance(50 * kHourUs), 0u);
    }
    EXPECT_EQ(story.fold.AddLabel("a", 1, 49 * kHourUs), false);
    EXPECT_EQ(story.Advance(50 * kHourUs), 0u);
    EXPECT_EQ(story.Counted("unlabelled"), 1);
  }
}

TEST(PairFold, RepeatsAndStrangersChangeNothing) {
  Story story;
  story.Scored("a", 0);
  story.Scored("a", 0, 0.9, 0.9);
  EXPECT_EQ(story.fold.AddLabel("a", 1, kHourUs), true);
  EXPECT_EQ(story.fold.AddLabel("a", 0, kHourUs), false);
  EXPECT_EQ(story.fold.AddLabel("unknown", 0, kHourUs), false);
  EXPECT_EQ(story.Advance(kHourUs), 1u);
  EXPECT_EQ(story.evidence.Overall().mean_increase, 0.25 - 0.5625);
  story.Scored("a", 0);  // fed again after it was handed on
  EXPECT_EQ(story.fold.Pending(), 0u);
  EXPECT_EQ(story.fold.AddLabel("a", 0, kHourUs), false);
}

TEST(PairFold, OneIdAtTwoTimesIsTheFirst) {
  Story story;
  story.Scored("a", 0);
  story.Scored("a", kHourUs);
  EXPECT_EQ(story.fold.Pending(), 1u);
}

TEST(PairFold, RefusesWhatIsNoProbabilityAndNoLabel) {
  Story story;
  for (const double score : {-0.1, 1.1, std::nan("")}) {
    EXPECT_FALSE(story.fold.AddScore(Arm::kLive, "a", 0, score));
  }
  story.Scored("a", 0);
  for (const double label : {0.5, -1.0, std::nan("")})
    EXPECT_FALSE(story.fold.AddLabel("a", label, 1));
  EXPECT_FALSE(PairFold::Create({.censor_after = 0}));
}

TEST(PairFold, HoldsNoMoreThanItsLimit) {
  Story story;
  for (int i = 0; i < 100; ++i) story.Scored(std::to_string(i).c_str(), i);
  const Status status = story.fold.AddScore(Arm::kLive, "more", 1'000, 0.5);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kResourceExhausted);
  EXPECT_NE(status.error().message.find("pending_max"), std::string::npos);
}

}  // namespace
}  // namespace sw::rollout
