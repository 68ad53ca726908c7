#include "feature/kernel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>

namespace sw::feature {
namespace {

using base::kHourUs;

// Builds a history of one column, in the story's own words.
class Landed {
 public:
  explicit Landed(data::Type type = data::Type::kInt64) { rows_.values = data::Batch(data::Schema{{{"delay", type}}}); }
  Landed& At(TimeUs event, TimeUs available, std::optional<double> value) {
    rows_.event_time.push_back(event);
    rows_.available_at.push_back(available);
    data::Column& column = rows_.values.column(0);
    if (!value) {
      column.AppendNull();
    } else if (column.type() == data::Type::kFloat64) {
      column.AppendDouble(*value);
    } else {
      column.AppendInt(static_cast<std::int64_t>(*value));
    }
    return *this;
  }
  FeatureValue Of(Aggregate aggregate, TimeUs t, DurationUs window = 0, bool strict = false) const {
    return Evaluate(rows_, {.aggregate = aggregate, .column = 0, .window = window, .strict = strict}, t).value();
  }
  const History& rows() const { return rows_; }

 private:
  History rows_;
};

constexpr FeatureValue kNull{};

TEST(Kernel, ARowIsHiddenUntilItIsAvailable) {
  const Landed rows = Landed().At(0, 3 * kHourUs, 40);
  EXPECT_EQ(rows.Of(Aggregate::kCount, 3 * kHourUs - 1), FeatureValue{0L});
  EXPECT_EQ(rows.Of(Aggregate::kMean, 3 * kHourUs - 1), kNull);
  EXPECT_EQ(rows.Of(Aggregate::kCount, 3 * kHourUs), FeatureValue{1L});
  EXPECT_EQ(rows.Of(Aggregate::kMean, 3 * kHourUs), FeatureValue{40.0});
}

TEST(Kernel, AFutureEventStaysHiddenHoweverEarlyItArrives) {
  EXPECT_EQ(Landed().At(2 * kHourUs, 0, 40).Of(Aggregate::kCount, kHourUs), FeatureValue{0L});
}

TEST(Kernel, WindowsAreOpenAtTheirTailAndClosedAtTheirHead) {
  const Landed rows = Landed().At(0, 0, 1).At(kHourUs, kHourUs, 2);
  EXPECT_EQ(rows.Of(Aggregate::kSum, kHourUs, kHourUs), FeatureValue{2L});
  EXPECT_EQ(rows.Of(Aggregate::kSum, kHourUs, kHourUs, true), FeatureValue{1L});
  EXPECT_EQ(rows.Of(Aggregate::kSum, kHourUs - 1, kHourUs), FeatureValue{1L});
}

TEST(Kernel, TheLastKnownValueIsNotTheLastRow) {
  const Landed rows = Landed().At(0, 1, 5).At(10, 20, 7).At(11, 12, std::nullopt);
  EXPECT_EQ(rows.Of(Aggregate::kLast, 15), FeatureValue{5L});
  EXPECT_EQ(rows.Of(Aggregate::kLast, 20), FeatureValue{7L});
  EXPECT_EQ(rows.Of(Aggregate::kFirst, 20), FeatureValue{5L});
}

TEST(Kernel, NullsTakeNoPart) {
  const Landed rows = Landed().At(0, 0, std::nullopt).At(1, 1, 4);
  EXPECT_EQ(rows.Of(Aggregate::kCount, 9), FeatureValue{1L});
  EXPECT_EQ(rows.Of(Aggregate::kMean, 9), FeatureValue{4.0});
  EXPECT_EQ(Landed().At(0, 0, std::nullopt).Of(Aggregate::kMax, 9), kNull);
}

TEST(Kernel, DoublesAreSummedExactly) {
  Landed rows(data::Type::kFloat64);
  rows.At(0, 0, 1e16).At(1, 1, 3).At(2, 2, 5).At(3, 3, -1e16);
  EXPECT_EQ(rows.Of(Aggregate::kSum, 9), FeatureValue{8.0});
  EXPECT_EQ(rows.Of(Aggregate::kMean, 9), FeatureValue{2.0});
  EXPECT_EQ(rows.Of(Aggregate::kMin, 9), FeatureValue{-1e16});
  EXPECT_EQ(rows.Of(Aggregate::kMax, 9), FeatureValue{1e16});
}

TEST(Kernel, AnIntegerSumThatLeavesInt64IsAnErrorAndItsMeanIsNot) {
  Landed rows;
  for (int i = 0; i < 3; ++i) rows.At(i, i, 4e18);
  const auto sum = Evaluate(rows.rows(), {.aggregate = Aggregate::kSum}, 9);
  ASSERT_FALSE(sum.has_value());
  EXPECT_EQ(sum.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(rows.Of(Aggregate::kMean, 9), FeatureValue{4e18});
}

TEST(Kernel, AnIndexDoesNotShow) {
  Landed rows;
  for (int i = 0; i < 60; ++i) {
    const std::optional<double> value = i % 7 == 0 ? std::nullopt : std::optional(i * 1e17);
    rows.At(i, i % 9 == 0 ? i + 5 : i, value);
  }
  History indexed = rows.rows();
  indexed.index = IndexHistory(indexed);
  for (TimeUs t = -1; t < 70; ++t) {
    for (const Aggregate aggregate : {Aggregate::kCount, Aggregate::kSum, Aggregate::kMean}) {
      const Feature feature{.aggregate = aggregate, .column = 0, .window = 4};
      EXPECT_EQ(Evaluate(indexed, feature, t), Evaluate(rows.rows(), feature, t)) << t;
    }
  }
}

TEST(Kernel, SettledRowsCountOnceWhetherTheHistoryStillHasThemOrNot) {
  const Landed rows = Landed().At(0, 0, 1).At(1, 1, 2).At(2, 9, 4);
  const Landed later = Landed().At(2, 9, 4);
  for (const auto& [aggregate, before, after] : {std::tuple{Aggregate::kSum, 3L, 7L}, {Aggregate::kCount, 2L, 3L}}) {
    const Feature feature{.aggregate = aggregate};
    Settled settled = Settled::For(feature, rows.rows().values.schema());
    settled.through = 2;
    for (const std::size_t row : {0, 1}) settled.Add(feature, rows.rows().values, row);
    for (const Landed* held : {&rows, &later}) {
      EXPECT_EQ(Evaluate(held->rows(), feature, 8, &settled).value(), FeatureValue{before});
      EXPECT_EQ(Evaluate(held->rows(), feature, 9, &settled).value(), FeatureValue{after});
    }
  }
}

TEST(Kernel, ArithmeticOnTextIsRefused) {
  EXPECT_FALSE(TermType({.aggregate = Aggregate::kMean}, data::Type::kString).has_value());
  EXPECT_FALSE(TermType({.aggregate = Aggregate::kQuantile}, data::Type::kTimestamp).has_value());
  EXPECT_EQ(TermType({.aggregate = Aggregate::kLast}, data::Type::kString).value(), data::Type::kString);
  EXPECT_EQ(TermType({.aggregate = Aggregate::kCount}, data::Type::kString).value(), data::Type::kInt64);
}

TEST(Aggregate, NamesComeBack) {
  for (const Aggregate aggregate : {Aggregate::kCount, Aggregate::kMean, Aggregate::kLast}) {
    EXPECT_EQ(ParseAggregate(AggregateName(aggregate)).value(), aggregate);
  }
  EXPECT_FALSE(ParseAggregate("median").has_value());
}

}  // namespace
}  // namespace sw::feature
