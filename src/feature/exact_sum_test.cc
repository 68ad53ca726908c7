#include "feature/exact_sum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"

namespace sw::feature {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

ExactSum SumOf(const std::vector<double>& values) {
  ExactSum sum;
  for (const double value : values) sum.Add(value);
  return sum;
}

std::uint64_t Bits(double value) { return std::bit_cast<std::uint64_t>(value); }

TEST(ExactSum, KeepsWhatPlainAdditionLoses) {
  EXPECT_EQ(SumOf({1e16, 3, 5, -1e16}).Rounded(), 8.0);
  EXPECT_EQ(SumOf({1e308, 1e308, -1e308}).Rounded(), 1e308);
  EXPECT_EQ(SumOf({5e-324, 1e300, -1e300}).Rounded(), 5e-324);
  EXPECT_EQ(SumOf({0.1, 0.2, 0.3, -0.6}).Rounded(), std::ldexp(1.0, -55));  // exact in rationals
}

TEST(ExactSum, RoundsOnceToNearestEven) {
  const double big = 9007199254740992.0;  // 2^53
  EXPECT_EQ(SumOf({big, 1}).Rounded(), big);
  EXPECT_EQ(SumOf({big, 1, 5e-324}).Rounded(), big + 2);
  EXPECT_EQ(SumOf({big + 2, 1}).Rounded(), big + 4);
  EXPECT_EQ(SumOf({-big, -1, -5e-324}).Rounded(), -big - 2);
  EXPECT_EQ(SumOf({std::numeric_limits<double>::max(), std::numeric_limits<double>::max()}).Rounded(), kInfinity);
}

TEST(ExactSum, TheMeanIsRoundedOnce) {
  EXPECT_EQ(SumOf({1, 2}).RoundedMean(), 1.5);
  EXPECT_EQ(SumOf({1, 1, 0}).RoundedMean(), 2.0 / 3.0);
  EXPECT_EQ(SumOf({-1, -1, 0}).RoundedMean(), -2.0 / 3.0);
  EXPECT_EQ(SumOf({5e-324, 0}).RoundedMean(), 0.0);                  // a tie, to even
  EXPECT_EQ(SumOf({5e-324, 5e-324, 0}).RoundedMean(), 5e-324);       // two thirds
  EXPECT_EQ(SumOf({1.7e308, 1.7e308}).RoundedMean(), 1.7e308);       // the sum overflows, the mean does not
  EXPECT_TRUE(std::isnan(ExactSum().RoundedMean()));
}

TEST(ExactSum, CountsNanInfinitiesAndZerosAsIeeeSumsThem) {
  EXPECT_TRUE(std::isnan(SumOf({1, std::nan("")}).Rounded()));
  EXPECT_TRUE(std::isnan(SumOf({kInfinity, -kInfinity}).Rounded()));
  EXPECT_EQ(SumOf({-kInfinity, 1e308}).Rounded(), -kInfinity);
  EXPECT_EQ(Bits(SumOf({-0.0, -0.0}).Rounded()), Bits(-0.0));
  EXPECT_EQ(Bits(SumOf({-0.0, 0.0}).Rounded()), Bits(0.0));
  EXPECT_EQ(Bits(ExactSum().Rounded()), Bits(0.0));
}

std::vector<double> WildValues(base::Random& random, std::size_t count) {
  std::vector<double> values;
  while (values.size() < count) {
    const auto value = std::bit_cast<double>(random.NextU64());
    if (std::isfinite(value)) values.push_back(value);
  }
  return values;
}

TEST(ExactSum, OrderAndGroupingDoNotChangeABit) {
  base::Random random(11);
  for (int round = 0; round < 50; ++round) {
    std::vector<double> values = WildValues(random, 40);
    const ExactSum whole = SumOf(values);
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[random.Below(i)]);
    const auto cut = values.begin() + static_cast<std::ptrdiff_t>(random.Below(values.size() + 1));
    ExactSum merged = SumOf({cut, values.end()});
    merged.Merge(SumOf({values.begin(), cut}));
    EXPECT_EQ(merged.Encode(), whole.Encode());
    EXPECT_EQ(Bits(merged.RoundedMean()), Bits(whole.RoundedMean()));
  }
}

TEST(ExactSum, AgreesWithQuadruplePrecisionWhereThatIsExact) {
  base::Random random(12);
  for (int round = 0; round < 200; ++round) {
    ExactSum sum;
    __float128 truth = 0;
    for (int i = 0; i < 500; ++i) {  // 53 bits within 2^40 of each other fit into 113
      const double value = (random.NextDouble() - 0.5) * static_cast<double>(1ull << random.Below(40));
      sum.Add(value);
      truth += value;
    }
    EXPECT_EQ(Bits(sum.Rounded()), Bits(static_cast<double>(truth)));
  }
}

TEST(RoundedQuotient, RoundsOnce) {
  EXPECT_EQ(RoundedQuotient(0, 3), 0.0);
  EXPECT_EQ(RoundedQuotient(2, 3), 2.0 / 3.0);
  EXPECT_EQ(RoundedQuotient(-7, 2), -3.5);
  EXPECT_EQ(RoundedQuotient((static_cast<__int128>(1) << 53) + 1, 1), 9007199254740992.0);
  EXPECT_EQ(RoundedQuotient((static_cast<__int128>(1) << 100) + 1, UINT64_MAX), std::ldexp(1.0, 36));
}

TEST(ExactSum, ComesBackFromItsBytes) {
  base::Random random(13);
  const ExactSum sum = SumOf(WildValues(random, 100));
  EXPECT_EQ(ExactSum::Decode(sum.Encode()).value(), sum);
  EXPECT_EQ(ExactSum::Decode(ExactSum().Encode()).value(), ExactSum());
}

TEST(ExactSum, RefusesBytesThatNoSumWrites) {
  const std::string good = SumOf({1.5, -2.5e10}).Encode();
  EXPECT_FALSE(ExactSum::Decode("").has_value());
  EXPECT_FALSE(ExactSum::Decode(good.substr(0, good.size() - 1)).has_value());
  EXPECT_FALSE(ExactSum::Decode(good + good.substr(good.size() - 9)).has_value());
  base::Random random(14);
  for (int i = 0; i < 5000; ++i) {
    std::string bad = good;
    bad[random.Below(bad.size())] = static_cast<char>(random.Below(256));
    const auto sum = ExactSum::Decode(bad);
    if (sum) {
      EXPECT_EQ(sum->Encode(), bad);
    }
  }
}

}  // namespace
}  // namespace sw::feature
