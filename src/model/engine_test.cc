#include "model/engine.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "model/engines/cpu.h"
#include "model/fast_exp.h"
#include "model/normal_exp.h"
#include "model/real_math.h"

namespace sw::model {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();

data::Batch OneRow(double distance, double hour) {
  data::Batch rows(data::Schema{{{"distance", data::Type::kFloat64}, {"hour", data::Type::kFloat64}}});
  rows.column(0).AppendDouble(distance);
  rows.column(1).AppendDouble(hour);
  return rows;
}

TEST(RealMath, ExpIsWithinOneUlpOfTheTrueValue) {
  for (double x = -740; x < 709; x += 0.0371) {
    const auto truth = static_cast<double>(std::exp(static_cast<long double>(x)));
    EXPECT_LE(UlpDistance(Exp(x), truth), 1U) << x;
  }
}

TEST(FastExp, IsOffTheTrueValueByNoMoreThanItsReductionIs) {
  std::vector<double> values;
  for (int i = 0; i <= 100'000; ++i) values.push_back(-700 + 0.014 * i);
  std::vector<double> fast = values;
  FastExp(fast);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto truth = static_cast<double>(std::exp(static_cast<long double>(values[i])));
    EXPECT_LE(static_cast<double>(UlpDistance(fast[i], truth)), 4 + 2 * std::fabs(values[i])) << values[i];
  }
}

TEST(FastExp, EndsAsCatBoostsDoes) {
  std::vector<double> values = {-1000, 0, -INFINITY, 1000, -1000, NAN, 0};
  FastExp(values);
  EXPECT_GT(values[0], 0);  // of the first four
  EXPECT_EQ(values[0], values[2]);
  EXPECT_EQ(values[1], 1);
  EXPECT_EQ(values[3], INFINITY);
  EXPECT_EQ(values[4], 0);
  EXPECT_TRUE(std::isnan(values[5]));
  EXPECT_EQ(values[6], 1);
}

TEST(RealMath, LogAndExp2AreWithinOneUlpOfTheTrueValue) {
  for (double x = 1e-9; x < 1e9; x *= 1.00173) {
    EXPECT_LE(UlpDistance(Log(x), static_cast<double>(std::log(static_cast<long double>(x)))), 1U) << x;
    EXPECT_LE(UlpDistance(LogOnePlus(x), static_cast<double>(std::log1p(static_cast<long double>(x)))), 1U) << x;
    const double below = -x / 1.0001e9;
    EXPECT_LE(UlpDistance(LogOnePlus(below), static_cast<double>(std::log1p(static_cast<long double>(below)))), 1U);
  }
  for (double x = -1060; x < 1023; x += 0.0371) {
    EXPECT_LE(UlpDistance(Exp2(x), static_cast<double>(std::exp2(static_cast<long double>(x)))), 1U) << x;
  }
  EXPECT_EQ(Log(0.0), -kInfinity);
  EXPECT_TRUE(std::isnan(Log(-1)));
  EXPECT_EQ(LogOnePlus(kInfinity), kInfinity);
  EXPECT_EQ(Log(5e-324), std::log(5e-324));
}

TEST(RealMath, ExpHandlesTheEnds) {
  EXPECT_EQ(Exp(0.0), 1.0);
  EXPECT_EQ(Exp(1000), kInfinity);
  EXPECT_EQ(Exp(kInfinity), kInfinity);
  EXPECT_EQ(Exp(-kInfinity), 0.0);
  EXPECT_TRUE(std::isnan(Exp(kNan)));
  EXPECT_EQ(Sigmoid(0), 0.5);
}

TEST(RealMath, ManySigmoidsHaveTheBitsOfEach) {
  std::vector<double> values = {0.0, -0.0, 1e-300, -1e-300, 699.9, -699.9, 701, -701, 800, -800, kNan, kInfinity, -kInfinity};
  for (double x = -40; x < 40; x += 0.00371) values.push_back(x);
  const std::vector<double> each = [&] {
    std::vector<double> sigmoids = values;
    for (double& x : sigmoids) x = Sigmoid(x);
    return sigmoids;
  }();
  std::vector<SigmoidsKernel> kernels = {SigmoidsBaseline};
#if defined(__x86_64__)
  if (DetectCpu().avx2) kernels.push_back(SigmoidsAvx2);
#endif
  for (const SigmoidsKernel kernel : kernels) {
    for (std::size_t from : {0, 3, 13}) {
      std::vector<double> many(values.begin() + static_cast<std::ptrdiff_t>(from), values.end());
      kernel(many.data(), many.size());
      for (std::size_t i = 0; i < many.size(); ++i) ASSERT_EQ(std::bit_cast<std::uint64_t>(many[i]), std::bit_cast<std::uint64_t>(each[from + i])) << values[from + i];
    }
  }
}

TEST(UlpDistance, CountsStepsAcrossZero) {
  EXPECT_EQ(UlpDistance(0.0, -0.0), 0U);
  EXPECT_EQ(UlpDistance(5e-324, -5e-324), 2U);
  EXPECT_EQ(UlpDistance(1.0, std::nextafter(1.0, 2.0)), 1U);
  EXPECT_EQ(UlpDistance(kNan, kNan), 0U);
  EXPECT_EQ(UlpDistance(kNan, 1.0), std::numeric_limits<std::uint64_t>::max());
}

TEST(LinearEngine, AddsScaledTermsAndReadsMissingAsTheMean) {
  const auto engine = MakeLinearEngine({.terms = {{"distance", 1000, 500, 2}, {"hour", 12, 6, 1}},
                                        .intercept = -1, .transform = Transform::kIdentity}).value();
  double score = 0;
  ASSERT_TRUE(engine->Score(OneRow(1500, 18), Output::kPrediction, {&score, 1}));
  EXPECT_EQ(score, 2.0);
  ASSERT_TRUE(engine->Score(OneRow(kNan, 18), Output::kPrediction, {&score, 1}));
  EXPECT_EQ(score, 0.0);
}

TEST(LinearEngine, WithoutTermsIsAConstant) {
  const auto engine = MakeLinearEngine({.terms = {}, .intercept = 0.25, .transform = Transform::kIdentity}).value();
  double score = 0;
  ASSERT_TRUE(engine->Score(OneRow(1, 2), Output::kPrediction, {&score, 1}));
  EXPECT_EQ(score, 0.25);
  score = 0;
  ASSERT_TRUE(engine->Score(data::Batch(), Output::kPrediction, {&score, 1}));  // rows of no columns
  EXPECT_EQ(score, 0.25);
}

TEST(LinearEngine, RefusesNumbersThatCannotScore) {
  EXPECT_FALSE(MakeLinearEngine({.terms = {{"hour", 0, 0, 1}}, .intercept = 0}).has_value());
  EXPECT_FALSE(MakeLinearEngine({.terms = {{"hour", kNan, 1, 1}}, .intercept = 0}).has_value());
  EXPECT_FALSE(MakeLinearEngine({.terms = {}, .intercept = kInfinity}).has_value());
}

TEST(Engine, NamesTheAbsentColumn) {
  const auto engine = MakeLinearEngine({.terms = {{"distanse", 0, 1, 1}}, .intercept = 0}).value();
  double score = 0;
  const Status status = engine->Score(OneRow(1, 2), Output::kPrediction, {&score, 1});
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, ErrorCode::kNotFound);
  EXPECT_NE(status.error().message.find("distanse"), std::string::npos);
  EXPECT_NE(status.error().message.find("distance"), std::string::npos);
}

TEST(CheckForest, RefusesTreesThatWouldLoopOrReadOutside) {
  const Node good{.feature = 0, .threshold = 1, .left = ~0, .right = ~1};
  Forest forest{.features = {"a"}, .trees = {{.nodes = {good}, .leaves = {1, 2}}}};
  EXPECT_TRUE(CheckForest(forest).has_value());
  const auto broken = [&](auto change) {
    Forest copy = forest;
    change(copy.trees[0]);
    return !CheckForest(copy).has_value();
  };
  EXPECT_TRUE(broken([](Tree& t) { t.nodes[0].left = 0; }));
  EXPECT_TRUE(broken([](Tree& t) { t.nodes[0].right = 7; }));
  EXPECT_TRUE(broken([](Tree& t) { t.nodes[0].right = ~2; }));
  EXPECT_TRUE(broken([](Tree& t) { t.nodes[0].feature = 1; }));
  EXPECT_TRUE(broken([](Tree& t) { t.nodes[0].feature = -1; }));
  EXPECT_TRUE(broken([](Tree& t) { t.nodes[0].threshold = std::nan(""); }));
  EXPECT_TRUE(broken([](Tree& t) { t.nodes[0].test = NodeTest::kMember; }));
  EXPECT_TRUE(broken([](Tree& t) { t.leaves.pop_back(); }));
  EXPECT_TRUE(broken([](Tree& t) { t.nodes[0].right = ~0; }));  // a leaf with two parents
  EXPECT_TRUE(broken([](Tree& t) { t.output = 1; }));
  EXPECT_TRUE(broken([](Tree& t) { t.linear = {{.constant = 1, .features = {1}, .weights = {1}}, {}}; }));
}

}  // namespace
}  // namespace sw::model
