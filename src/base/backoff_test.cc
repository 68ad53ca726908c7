#include "base/backoff.h"

#include <gtest/gtest.h>

namespace sw::base {
namespace {

TEST(Backoff, DoublesUpToItsLimit) {
  Backoff backoff({.first = kSecondUs, .max = 10 * kSecondUs, .well = kMinuteUs});
  TimeUs now = 1000 * kHourUs;
  EXPECT_TRUE(backoff.MayStart(now));
  for (const DurationUs wait : {1, 2, 4, 8, 10, 10}) {
    backoff.Started(now);
    backoff.Failed(now);
    EXPECT_FALSE(backoff.MayStart(now + wait * kSecondUs - 1));
    EXPECT_EQ(backoff.next_start(), now + wait * kSecondUs);
    now = backoff.next_start();
    EXPECT_TRUE(backoff.MayStart(now));
  }
  EXPECT_EQ(backoff.failures(), 6);
}

TEST(Backoff, ForgivesWhatRanWellForAWhile) {
  Backoff backoff({.first = kSecondUs, .max = 10 * kSecondUs, .well = kMinuteUs});
  for (int i = 0; i < 4; ++i) {
    backoff.Started(0);
    backoff.Failed(0);
  }
  backoff.Started(kHourUs);
  backoff.Failed(kHourUs + kMinuteUs - 1);
  EXPECT_EQ(backoff.failures(), 5);
  backoff.Started(2 * kHourUs);
  backoff.Failed(2 * kHourUs + kMinuteUs);
  EXPECT_EQ(backoff.failures(), 1);
  EXPECT_EQ(backoff.next_start(), 2 * kHourUs + kMinuteUs + kSecondUs);
}

TEST(Backoff, NeverOverflows) {
  Backoff backoff({.first = kSecondUs, .max = kMinuteUs, .well = kMinuteUs});
  for (int i = 0; i < 200; ++i) backoff.Failed(1);
  EXPECT_EQ(backoff.next_start(), 1 + kMinuteUs);
}

}  // namespace
}  // namespace sw::base
