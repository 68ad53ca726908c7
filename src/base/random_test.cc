#include "base/random.h"

#include <gtest/gtest.h>

#include "base/ids.h"

namespace sw::base {
namespace {

TEST(Random, MixMatchesSplitmix64) {
  // First outputs of splitmix64 from seed 0, of Vigna's reference code.
  EXPECT_EQ(MixU64(0x9e3779b97f4a7c15), 0xe220a8397b1dcdafu);
  EXPECT_EQ(MixU64(2 * 0x9e3779b97f4a7c15u), 0x6e789e6aa1b965f4u);
}

TEST(Random, SameSeedSameSequence) {
  Random a(7);
  Random b(7);
  Random c(8);
  const std::uint64_t first = a.NextU64();
  EXPECT_EQ(first, b.NextU64());
  EXPECT_NE(first, c.NextU64());
  EXPECT_NE(Random::FromSystem().NextU64(), Random::FromSystem().NextU64());
}

TEST(Random, BelowIsUniform) {
  Random random(3);
  std::array<int, 6> counts{};
  for (int i = 0; i < 60'000; ++i) ++counts[random.Below(6)];
  double chi_squared = 0;
  for (const int count : counts) chi_squared += (count - 10'000.0) * (count - 10'000.0) / 10'000.0;
  EXPECT_LT(chi_squared, 20.5);  // 99.9th percentile with 5 degrees of freedom
  EXPECT_EQ(random.Below(1), 0u);
  for (int i = 0; i < 1000; ++i) EXPECT_LT(random.NextDouble(), 1.0);
}

TEST(Ids, UuidsIncreaseWithinAMillisecondAndWhenTheClockStandsStill) {
  ManualClock clock(ParseTime("2013-06-01T00:00:00Z").value());
  IdGenerator ids(clock, Random(1));
  std::string last;
  for (int i = 0; i < 20'000; ++i) {
    const std::string id = ids.NewUuid();
    ASSERT_TRUE(IsUuid(id)) << id;
    ASSERT_EQ(id[14], '7');
    ASSERT_TRUE(id[19] >= '8' && id[19] <= 'b') << id;
    ASSERT_LT(last, id);
    last = id;
  }
  IdGenerator again(clock, Random(1));
  IdGenerator other(clock, Random(1));
  EXPECT_EQ(again.NewUuid(), other.NewUuid());
  EXPECT_EQ(again.NewUuid().substr(0, 13), "013efd08-9c00");
}

TEST(Ids, NamesAreSafeInPathsAndUrls) {
  for (const char* good : {"a", "flight-delay", "v1.2_x", "0", "A"}) EXPECT_TRUE(IsName(good)) << good;
  for (const char* bad : {"", ".", "..", "-x", "a/b", "a b", "a\n", "\xc3\xa9", "a:b"}) {
    EXPECT_FALSE(IsName(bad)) << bad;
  }
  EXPECT_FALSE(IsName(std::string(129, 'a')));
  EXPECT_FALSE(IsUuid("013f0bd6-b000-7000-8000-00000000000g"));
}

}  // namespace
}  // namespace sw::base
