#include "eval/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/errors.h"
#include "eval/auc.h"
#include "eval/reference_rows.h"
#include "stats/intervals.h"

namespace sw::eval {
namespace {

using testing::HasSubstr;

EvalInput InputOf(const ReferenceRows& rows) {
  return {.scores = rows.scores,
          .labels = rows.labels,
          .clusters = rows.days,
          .slices = {{"origin", &rows.origin}}};
}

constexpr EvalOptions Options() {
  return {
      .threshold = 0.4,
      .costs = {.true_negative = 0, .false_positive = 1, .false_negative = 3, .true_positive = 0},
      .seed = 7};
}

TEST(EvaluateScores, EqualsScikitLearn) {
  const ReferenceRows rows;
  const Report report = EvaluateScores(InputOf(rows), Options()).value();
  EXPECT_EQ(report.all.positives, 122U);
  EXPECT_EQ(report.all.clusters, 6U);
  EXPECT_NEAR(report.all.auc->value, 0.8751041956098916, 1e-14);
  EXPECT_NEAR(report.all.log_loss->value, 0.44914460053381455, 1e-14);
  EXPECT_NEAR(report.all.brier->value, 0.1460325, 1e-14);
  EXPECT_NEAR(report.all.accuracy->value, 0.7708333333333334, 1e-14);
  EXPECT_NEAR(report.all.cost->value, 0.3625, 1e-14);
}

TEST(EvaluateScores, EveryIntervalHoldsItsValue) {
  const ReferenceRows rows;
  const Report report = EvaluateScores(InputOf(rows), Options()).value();
  for (const auto& metric : {report.all.auc, report.all.brier, report.all.log_loss, report.all.cost,
                             report.all.accuracy}) {
    ASSERT_TRUE(metric->interval.has_value());
    EXPECT_TRUE(metric->interval->Contains(metric->value));
    EXPECT_LT(metric->interval->low, metric->interval->high);
  }
}

TEST(EvaluateScores, TheSameSeedGivesTheSameReport) {
  const ReferenceRows rows;
  EvalOptions other = Options();
  other.seed = 8;
  const std::string one = EvaluateScores(InputOf(rows), Options()).value().ToJson().Dump();
  EXPECT_EQ(EvaluateScores(InputOf(rows), Options()).value().ToJson().Dump(), one);
  EXPECT_NE(EvaluateScores(InputOf(rows), other).value().ToJson().Dump(), one);
}

TEST(EvaluateScores, SlicesComeByRowsAndSmallOnesHaveCountsOnly) {
  const ReferenceRows rows;
  EvalOptions options = Options();
  options.slice_rows_min = 61;
  const Report report = EvaluateScores(InputOf(rows), options).value();
  ASSERT_EQ(report.slices.size(), 3U);
  EXPECT_EQ(report.slices[0].value, "JFK");
  EXPECT_EQ(report.slices[0].metrics.rows, 120U);
  EXPECT_TRUE(report.slices[0].metrics.brier.has_value());
  EXPECT_EQ(report.slices[1].value, "EWR");
  EXPECT_EQ(report.slices[1].metrics.rows, 60U);
  EXPECT_FALSE(report.slices[1].metrics.brier.has_value());
}

TEST(EvaluateScores, OneClassHasNoAucAndOneDayNoIntervals) {
  const std::vector<double> scores = {0.2, 0.4};
  const std::vector<std::uint8_t> labels = {0, 0};
  const std::vector<std::uint64_t> days = {3, 3};
  const Report report =
      EvaluateScores({.scores = scores, .labels = labels, .clusters = days}, {}).value();
  EXPECT_FALSE(report.all.auc.has_value());
  EXPECT_TRUE(report.roc.empty());
  EXPECT_NEAR(report.all.brier->value, 0.1, 1e-15);
  EXPECT_FALSE(report.all.brier->interval.has_value());
  EXPECT_FALSE(report.ToJson().Find("brier")->Has("low"));
}

TEST(EvaluateScores, JsonHasWhatServingAndPlotsNeed) {
  const ReferenceRows rows;
  const Json json =
      Json::Parse(EvaluateScores(InputOf(rows), Options()).value().ToJson().Dump()).value();
  EXPECT_EQ(json.DoubleOr("threshold", 0), 0.4);
  EXPECT_EQ(json.IntOr("seed", 0), 7);
  EXPECT_EQ(json.Find("calibration")->size(), 10U);
  const Json& bin = json.Find("calibration")->AsArray()[4];
  EXPECT_LE(bin.DoubleOr("share_low", 2), bin.DoubleOr("positive_share", -1));
  EXPECT_GE(bin.DoubleOr("share_high", -1), bin.DoubleOr("positive_share", 2));
  EXPECT_GT(json.Find("roc")->size(), 50U);
  EXPECT_EQ(json.Find("slices")->AsArray()[0].StringOr("value", ""), "JFK");
}

TEST(EvaluateScores, RefusesRowsThatAreNoScoresOrLabels) {
  const ReferenceRows good;
  const struct {
    std::vector<double> scores;
    std::vector<std::uint8_t> labels;
    std::string message;
  } cases[] = {{{}, {}, "no rows"},
               {{0.5}, {0, 1}, "1 scores but 2 labels"},
               {{std::nan("")}, {0}, "not finite"},
               {{std::numeric_limits<double>::infinity()}, {0}, "not finite"},
               {{1.5}, {1}, "not a probability"},
               {{0.5}, {2}, "not 0 or 1"}};
  for (const auto& [scores, labels, message] : cases) {
    const auto report = EvaluateScores({.scores = scores, .labels = labels}, {});
    ASSERT_FALSE(report.has_value()) << message;
    EXPECT_THAT(report.error().message, HasSubstr(message));
  }
  EvalInput input = InputOf(good);
  input.clusters = input.clusters.first(10);
  EXPECT_FALSE(EvaluateScores(input, {}).has_value());
  input = InputOf(good);
  const data::Column short_column(data::Type::kString);
  input.slices = {{"origin", &short_column}};
  EXPECT_FALSE(EvaluateScores(input, {}).has_value());
}

TEST(ClusteredAuc, EqualsObuchowskiFromItsDefinition) {
  const ReferenceRows rows;
  const Metric auc = ClusteredAuc({rows.scores, rows.labels}, rows.days, 0.95).value();
  EXPECT_NEAR(*auc.standard_error, 0.009392049376037834, 1e-14);
  EXPECT_NEAR(auc.interval->high - auc.value, 2.5705818356363146 * 0.009392049376037834, 1e-9);
}

TEST(ClusteredAuc, WithEachRowItsOwnClusterIsDelong) {
  const ReferenceRows rows;
  const stats::Scored scored{rows.scores, rows.labels};
  EXPECT_NEAR(*ClusteredAuc(scored, {}, 0.95).value().standard_error,
              stats::DelongAuc(scored, 0.95).value().standard_error, 2e-4);
}

}  // namespace
}  // namespace sw::eval
