#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/hash.h"
#include "base/random.h"
#include "stats/distinct_sketch.h"
#include "stats/quantile_sketch.h"

namespace sw::stats {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::uint64_t HashOf(int value) { return base::Hash64(std::to_string(value)); }

TEST(DistinctSketch, EstimatesWithinThreeStandardErrors) {
  DistinctSketch sketch;
  EXPECT_EQ(sketch.Estimate(), 0);
  int next = 0;
  for (const int distinct : {1, 10, 100, 3'000, 10'000, 50'000, 1'000'000}) {
    while (next < distinct) sketch.AddHash(HashOf(next++));
    EXPECT_NEAR(sketch.Estimate() / distinct, 1, 3 * 0.0163) << distinct;
  }
}

TEST(DistinctSketch, DependsOnTheSetAlone) {
  DistinctSketch forward, backward, parts[3], merged;
  for (int i = 0; i < 20'000; ++i) {
    forward.AddHash(HashOf(i));
    backward.AddHash(HashOf(19'999 - i));
    backward.AddHash(HashOf(i / 2));
    parts[i * 7 % 3].AddHash(HashOf(i));
  }
  for (const DistinctSketch& part : parts) merged.Merge(part);
  EXPECT_EQ(forward, backward);
  EXPECT_EQ(forward, merged);
  EXPECT_EQ(DistinctSketch::Decode(forward.Encode()).value(), forward);
}

TEST(DistinctSketch, RefusesBytesThatNoSketchWrites) {
  EXPECT_FALSE(DistinctSketch::Decode(""));
  EXPECT_FALSE(DistinctSketch::Decode(std::string(DistinctSketch::kRegisters, '\x7f')));
  DistinctSketch full;
  for (std::uint64_t i = 0; i < DistinctSketch::kRegisters; ++i) full.AddHash(i << 52);
  EXPECT_TRUE(DistinctSketch::Decode(full.Encode()));
  EXPECT_TRUE(std::isinf(full.Estimate()) || full.Estimate() > 1e15);
}

QuantileSketch SketchOf(const std::vector<double>& values) {
  QuantileSketch sketch;
  for (const double value : values) sketch.Add(value);
  return sketch;
}

TEST(QuantileSketch, IsWithinItsErrorOfATrueQuantile) {
  base::Random random(7);
  std::vector<double> values;
  for (int i = 0; i < 5'000; ++i) values.push_back(std::exp(20 * random.NextDouble() - 10) * (i % 5 == 0 ? -1 : 1));
  const QuantileSketch sketch = SketchOf(values);
  std::sort(values.begin(), values.end());
  for (const double q : {0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 1.0}) {
    const double right = values[static_cast<std::size_t>(q * 4'999)];
    EXPECT_NEAR(*sketch.Quantile(q) / right, 1, 1.0 / 256) << q;
  }
}

TEST(QuantileSketch, CountsWhatIsOutsideOfItsBins) {
  EXPECT_FALSE(QuantileSketch().Quantile(0.5));
  EXPECT_EQ(*SketchOf({0.0, -0.0, 1e-30, -1e-30}).Quantile(0.5), 0);
  EXPECT_EQ(*SketchOf({1e300}).Quantile(0.5), 0x1p64);
  EXPECT_EQ(*SketchOf({-1e300}).Quantile(0.5), -0x1p64);
  const QuantileSketch all = SketchOf({std::nan(""), kInfinity, -kInfinity, 1e300, 1});
  EXPECT_EQ(*all.Quantile(0), -kInfinity);
  EXPECT_EQ(*all.Quantile(0.75), kInfinity);
  EXPECT_TRUE(std::isnan(*all.Quantile(1)));
}

TEST(QuantileSketch, DependsOnTheValuesAlone) {
  base::Random random(3);
  QuantileSketch parts[3], merged;
  std::vector<double> values;
  for (int i = 0; i < 2'000; ++i) values.push_back((random.NextDouble() - 0.5) * std::pow(2.0, i % 140 - 70));
  for (std::size_t i = 0; i < values.size(); ++i) parts[i * 5 % 3].Add(values[i]);
  for (const QuantileSketch& part : parts) merged.Merge(part);
  const QuantileSketch forward = SketchOf(values);
  std::reverse(values.begin(), values.end());
  EXPECT_EQ(forward, SketchOf(values));
  EXPECT_EQ(forward, merged);
  EXPECT_EQ(QuantileSketch::Decode(forward.Encode()).value(), forward);
}

TEST(QuantileSketch, RefusesBytesThatNoSketchWrites) {
  const std::string two = SketchOf({1, 2}).Encode();
  const std::string first = two.substr(1, 12), second = two.substr(13);
  std::string none = first;
  none[4] = 0;
  std::string far = first;
  far[3] = '\x7f';
  for (const std::string& bytes : {std::string(), std::string("\1", 1), two.substr(0, 20), '\0' + second + first,
                                   '\0' + first + first, '\0' + none, '\0' + far}) {
    EXPECT_FALSE(QuantileSketch::Decode(bytes)) << bytes.size();
  }
}

}  // namespace
}  // namespace sw::stats
