#include "feature/lifetime.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/random.h"
#include "feature/online_layout.h"

namespace sw::feature {
namespace {

ViewPlan EveryAggregate(const std::vector<bool>& strict) {
  ViewPlan view;
  view.name = "v";
  view.columns = {{"i", data::Type::kInt64}, {"d", data::Type::kFloat64}};
  for (const bool is_strict : strict) {
    for (std::size_t column = 0; column < 2; ++column) {
      for (const std::string& name : AggregateNames()) {
        const Aggregate aggregate = ParseAggregate(name).value();
        view.features.push_back({.aggregate = aggregate, .column = column, .parameter = aggregate == Aggregate::kQuantile ? 0.5 : 2, .strict = is_strict});
      }
      for (const Aggregate aged : {Aggregate::kLast, Aggregate::kValue}) {
        view.features.push_back({.aggregate = aged, .column = column, .strict = is_strict, .ttl = 120});
      }
    }
  }
  view.has_lifetime = true;
  return view;
}

void AppendRandomRow(base::Random& random, History& rows) {
  const TimeUs event = static_cast<TimeUs>(random.Below(400));
  rows.event_time.push_back(event);
  rows.available_at.push_back(event + static_cast<TimeUs>(random.Below(4) == 0 ? random.Below(300) : 0));
  rows.tie.push_back(random.NextU64());
  random.Below(4) == 0 ? rows.values.column(0).AppendNull() : rows.values.column(0).AppendInt(static_cast<std::int64_t>(random.Below(9)) - 4);
  const double values[] = {-0.0, 0.0, 1e16, -1e16, 3.5, std::numeric_limits<double>::quiet_NaN()};
  random.Below(4) == 0 ? rows.values.column(1).AppendNull() : rows.values.column(1).AppendDouble(values[random.Below(random.Below(50) == 0 ? 6 : 5)]);
}

History Empty(const ViewPlan& view) {
  History rows;
  rows.values = data::Batch(ValuesSchema(view));
  return rows;
}

std::string Bits(const FeatureValue& value) {
  if (const auto* real = std::get_if<double>(&value)) return std::to_string(std::bit_cast<std::uint64_t>(*real));
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return "i" + std::to_string(*whole);
  return "null";
}

class LifetimeOf : public testing::TestWithParam<std::vector<bool>> {};

TEST_P(LifetimeOf, AnyStreamAnswersAsTheWholeHistoryDoes) {
  const ViewPlan view = EveryAggregate(GetParam());
  base::Random random(7);
  std::size_t exact = 0;
  for (int round = 0; round < 20; ++round) {
    History all = Empty(view);
    LifetimeRecord record = EmptyLifetime(view);
    for (int push = 0; push < 60; ++push) {
      const std::size_t count = random.Below(10);
      for (std::size_t i = 0; i < count; ++i) {
        History one = Empty(view);
        AppendRandomRow(random, one);
        Merge(all, one);
        Add(view, one, record);
      }
      ASSERT_LE(record.rows.num_rows(), kPendingMax * (view.features.size() + 2));
      record = DecodeLifetime(view, EncodeLifetime(view, record)).value();
      const TimeUs t = static_cast<TimeUs>(random.Below(700));
      if (t < record.through) continue;
      ++exact;
      for (std::size_t i = 0; i < view.features.size(); ++i) {
        const FeatureValue whole = Evaluate(all, view.features[i], t).value();
        ASSERT_EQ(Bits(EvaluateLifetime(view, record, i, t).value()), Bits(whole)) << i << " at " << t;
        const FeatureState state = StateOf(all, view.features[i], t, whole);
        ASSERT_EQ(StateOf(record.rows, view.features[i], t, whole), state) << i << " at " << t;
      }
    }
  }
  EXPECT_GT(exact, 200u);
}

INSTANTIATE_TEST_SUITE_P(Strictness, LifetimeOf,
                         testing::Values(std::vector{false}, std::vector{true}, std::vector{false, true}));

TEST(Lifetime, ALongHistoryOfOneEntityStaysShort) {
  const ViewPlan view = EveryAggregate({false});
  LifetimeRecord record = EmptyLifetime(view);
  for (TimeUs time = 0; time < 5000; ++time) {
    History one = Empty(view);
    one.event_time = {time};
    one.available_at = {time + 10};
    one.tie = {0};
    one.values.column(0).AppendInt(time);
    one.values.column(1).AppendNull();
    Add(view, one, record);
  }
  EXPECT_LE(record.rows.num_rows(), kPendingMax + 2);
  EXPECT_LT(EncodeLifetime(view, record).size(), 24'000u);  // sketches of 4 KiB among them
  EXPECT_EQ(EvaluateLifetime(view, record, 0, 5010).value(), FeatureValue{5000L});
  EXPECT_EQ(EvaluateLifetime(view, record, 6, 5000).value(), FeatureValue{4990L});
}

TEST(OnlineLayout, DamagedBytesAreRefused) {
  const ViewPlan view = EveryAggregate({false});
  base::Random random(3);
  LifetimeRecord record = EmptyLifetime(view);
  for (int i = 0; i < 30; ++i) {
    History one = Empty(view);
    AppendRandomRow(random, one);
    Add(view, one, record);
  }
  const std::string good = EncodeLifetime(view, record);
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(DecodeLifetime(view, good.substr(0, size)).has_value()) << size;
  }
  EXPECT_FALSE(DecodeLifetime(view, good + "x").has_value());
  for (int i = 0; i < 2000; ++i) {  // never crashes, whatever it then says
    std::string bad = good;
    bad[random.Below(bad.size())] = static_cast<char>(random.NextU64());
    static_cast<void>(DecodeLifetime(view, bad));
  }
}

TEST(OnlineLayout, TextAndNullsComeBack) {
  History rows;
  rows.values = data::Batch(data::Schema{{{"s", data::Type::kString}, {"b", data::Type::kBool}}});
  for (int i = 0; i < 3; ++i) {
    rows.event_time.push_back(i);
    rows.available_at.push_back(kAlways);
    rows.tie.push_back(9);
  }
  rows.values.column(0).AppendString("a");
  rows.values.column(0).AppendNull();
  rows.values.column(0).AppendString("");
  for (int i = 0; i < 3; ++i) rows.values.column(1).AppendBool(i == 1);
  History read;
  read.values = data::Batch(rows.values.schema());
  ASSERT_TRUE(DecodeHistory(EncodeHistory(rows), read).has_value());
  EXPECT_EQ(read.values, rows.values);
  EXPECT_EQ(read.available_at, rows.available_at);
}

TEST(OnlineLayout, AColumnWithoutValuesFitsAnyTypeAndOthersOnlyTheirOwn) {
  History rows;
  rows.values = data::Batch(data::Schema{{{"x", data::Type::kFloat64}}});
  rows.event_time = {1};
  rows.available_at = {1};
  rows.tie = {1};
  rows.values.column(0).AppendNull();
  const auto read_as_int = [](const History& from) {
    History read;
    read.values = data::Batch(data::Schema{{{"x", data::Type::kInt64}}});
    return DecodeHistory(EncodeHistory(from), read).has_value() && read.values.column(0).IsNull(0);
  };
  EXPECT_TRUE(read_as_int(rows));
  rows.values = data::Batch(data::Schema{{{"x", data::Type::kFloat64}}});
  rows.values.column(0).AppendDouble(1.5);
  EXPECT_FALSE(read_as_int(rows));
}

}  // namespace
}  // namespace sw::feature
