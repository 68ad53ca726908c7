// The kernel beside a slow reference, written from kernel.h's words alone: it looks at every row for every
// moment, computes in rational numbers and rounds at the end.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "base/hash.h"
#include "base/random.h"
#include "feature/definitions.h"
#include "feature/kernel.h"

namespace sw::feature {
namespace {

using boost::multiprecision::cpp_int;
using boost::multiprecision::cpp_rational;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();

struct Row {
  TimeUs event = 0, available = 0;
  std::uint64_t tie = 0;
  std::optional<double> real;
  std::optional<std::int64_t> whole;
  bool operator<(const Row& other) const { return std::pair(event, tie) < std::pair(other.event, other.tie); }
};

// To nearest, ties to even.
double Rounded(const cpp_rational& value) {
  if (value == 0) return 0;
  if (value < 0) return -Rounded(-value);
  const cpp_int above = numerator(value), below = denominator(value);
  int exponent = static_cast<int>(msb(above)) - static_cast<int>(msb(below)) - 1;  // or one more
  const auto units = [&](int of) { return of >= 0 ? cpp_rational(above, below << of) : cpp_rational(above << -of, below); };
  while (units(exponent + 1) >= 1) ++exponent;
  const int unit = std::max(exponent, -1022) - 52;
  const cpp_rational scaled = units(unit);
  cpp_int whole = numerator(scaled) / denominator(scaled);
  const cpp_rational rest = scaled - cpp_rational(whole);
  if (rest > cpp_rational(1, 2) || (rest == cpp_rational(1, 2) && whole % 2 == 1)) ++whole;
  return std::ldexp(static_cast<double>(whole), unit);
}

cpp_rational Exact(double value) {
  int exponent = 0;
  const double mantissa = std::frexp(value, &exponent);
  const cpp_int digits(static_cast<std::int64_t>(std::ldexp(mantissa, 53)));
  exponent -= 53;
  return exponent >= 0 ? cpp_rational(digits << exponent) : cpp_rational(digits, cpp_int(1) << -exponent);
}

TimeUs FloorDivide(TimeUs a, TimeUs b) { return static_cast<TimeUs>(std::floor(static_cast<long double>(a) / static_cast<long double>(b))); }

// (tail, head] or [tail, head); kept when the row's event lies in it and the row is visible.
bool IsIn(const Row& row, const Feature& feature, TimeUs t) {
  if (row.available > t || row.event > t || (feature.strict && row.event == t && feature.kind != WindowKind::kTumbling)) return false;
  if (feature.window == 0) return true;
  TimeUs tail = t - feature.window, head = t;
  if (feature.hop > 0) tail = FloorDivide(tail, feature.hop) * feature.hop;
  if (feature.kind != WindowKind::kSliding) {
    tail = FloorDivide(t, feature.window) * feature.window;
    const bool is_on_edge = tail == t && !feature.strict;  // (k W, (k + 1) W] ends with its edge
    if (feature.kind == WindowKind::kTumbling) tail -= feature.window;
    else if (is_on_edge) tail -= feature.window;
    if (feature.kind == WindowKind::kTumbling) head = tail + feature.window;
  }
  return feature.strict ? row.event >= tail && row.event < head : row.event > tail && row.event <= head;
}

bool LessReal(double a, double b) {  // IEEE's totalOrder with one NaN
  if (std::isnan(a) || std::isnan(b)) return !std::isnan(a);
  return a < b || (a == b && std::signbit(a) && !std::signbit(b));
}

double Special(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) {
    if (!std::isfinite(value)) sum += value;
  }
  return sum;
}

double SlowQuantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end(), LessReal);
  const double value = values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
  if (!std::isfinite(value)) return value;
  if (std::fabs(value) >= std::ldexp(1, 64)) return std::copysign(std::ldexp(1, 64), value);
  if (std::fabs(value) < std::ldexp(1, -64)) return 0;
  int exponent = 0;
  const double place = std::floor((2 * std::frexp(std::fabs(value), &exponent) - 1) * 128);
  return std::copysign(std::ldexp(1 + (place + 0.5) / 128, exponent - 1), value);
}

FeatureValue SlowMoments(const std::vector<double>& values, bool is_sample, bool is_root) {
  const std::size_t lost = is_sample ? 1 : 0;
  if (values.size() <= lost) return {};
  if (!std::ranges::all_of(values, [](double value) { return std::isfinite(value); })) return kNan;
  cpp_rational mean = 0, sum = 0;
  for (const double value : values) mean += Exact(value);
  mean /= cpp_rational(values.size());
  for (const double value : values) sum += (Exact(value) - mean) * (Exact(value) - mean);
  const double variance = Rounded(sum / cpp_rational(values.size() - lost));
  return is_root ? std::sqrt(variance) : variance;
}

FeatureValue SlowReal(const std::vector<double>& values, Aggregate aggregate, double parameter) {
  const bool is_sample = aggregate == Aggregate::kVariance || aggregate == Aggregate::kStddev;
  const bool is_root = aggregate == Aggregate::kStddev || aggregate == Aggregate::kStddevPop;
  if (is_sample || is_root || aggregate == Aggregate::kVariancePop) return SlowMoments(values, is_sample, is_root);
  if (values.empty()) return {};
  if (aggregate == Aggregate::kMin) return *std::min_element(values.begin(), values.end(), LessReal);
  if (aggregate == Aggregate::kMax) return *std::max_element(values.begin(), values.end(), LessReal);
  if (aggregate == Aggregate::kFirst) return values.front();
  if (aggregate == Aggregate::kLast) return values.back();
  if (aggregate == Aggregate::kQuantile) return SlowQuantile(values, parameter);
  if (Special(values) != 0) return Special(values);
  if (std::ranges::all_of(values, [](double value) { return value == 0 && std::signbit(value); })) return -0.0;
  cpp_rational sum = 0;
  for (const double value : values) sum += Exact(value);
  return Rounded(aggregate == Aggregate::kMean ? sum / cpp_rational(values.size()) : sum);
}

FeatureValue SlowWhole(const std::vector<std::int64_t>& values, Aggregate aggregate, double parameter) {
  if (aggregate == Aggregate::kSum && !values.empty()) {
    std::int64_t sum = 0;
    for (const std::int64_t value : values) sum += value;
    return sum;
  }
  const std::vector<double> reals(values.begin(), values.end());
  const FeatureValue value = SlowReal(reals, aggregate, parameter);
  const bool is_of_the_column = aggregate == Aggregate::kMin || aggregate == Aggregate::kMax || aggregate == Aggregate::kFirst || aggregate == Aggregate::kLast;
  if (!is_of_the_column || values.empty()) return value;
  return static_cast<std::int64_t>(std::get<double>(value));
}

FeatureValue SlowTerm(const std::vector<Row>& kept, const Term& term) {
  std::vector<double> reals;
  std::vector<std::int64_t> wholes;
  for (const Row& row : kept) {
    if (term.column == 0 && row.real) reals.push_back(*row.real);
    if (term.column == 1 && row.whole) wholes.push_back(*row.whole);
  }
  const std::size_t count = term.column == 0 ? reals.size() : wholes.size();
  if (term.aggregate == Aggregate::kCount) return static_cast<std::int64_t>(count);
  if (term.aggregate == Aggregate::kDistinctCount) {
    std::set<std::string> distinct;
    for (const double value : reals) distinct.insert(std::isnan(value) ? "nan" : fmt::format("{}", value == 0 ? 0.0 : value));
    for (const std::int64_t value : wholes) distinct.insert(std::to_string(value));
    return static_cast<std::int64_t>(distinct.size());
  }
  return term.column == 0 ? SlowReal(reals, term.aggregate, term.parameter) : SlowWhole(wholes, term.aggregate, term.parameter);
}

bool HasValue(const Row& row, const Feature& feature) { return feature.column == 0 ? row.real.has_value() : row.whole.has_value(); }

// The row that last or value takes, whatever its age.
std::optional<Row> SlowNewest(const std::vector<Row>& kept, const Feature& feature) {
  for (auto row = kept.rbegin(); row != kept.rend(); ++row) {
    if (feature.aggregate == Aggregate::kValue || HasValue(*row, feature)) return *row;
  }
  return std::nullopt;
}

std::vector<Row> Kept(std::vector<Row> rows, const Feature& feature, TimeUs t) {
  std::sort(rows.begin(), rows.end());
  std::erase_if(rows, [&](const Row& row) { return !IsIn(row, feature, t); });
  return rows;
}

// Of the aggregates whose row does not hang on the values.
FeatureState SlowState(const std::vector<Row>& all, const Feature& feature, TimeUs t) {
  const std::vector<Row> rows = Kept(all, feature, t);
  if (rows.empty()) return {};
  if (IsAccumulating(feature.aggregate)) return {FeatureStatus::kPresent, rows.back().event};
  const std::optional<Row> row = SlowNewest(rows, feature);
  if (!row) return {FeatureStatus::kNull, kAlways};
  if (feature.ttl != 0 && row->event < t - feature.ttl) return {FeatureStatus::kOutsideTtl, row->event};
  return {HasValue(*row, feature) ? FeatureStatus::kPresent : FeatureStatus::kNull, row->event};
}

FeatureValue Slow(const std::vector<Row>& all, const Feature& feature, TimeUs t) {
  std::vector<Row> rows = Kept(all, feature, t);
  if (feature.aggregate == Aggregate::kValue || feature.ttl != 0) {
    const std::optional<Row> row = SlowNewest(rows, feature);
    if (!row || !HasValue(*row, feature) || (feature.ttl != 0 && row->event < t - feature.ttl)) return {};
    return feature.column == 0 ? FeatureValue{*row->real} : FeatureValue{*row->whole};
  }
  const FeatureValue value = SlowTerm(rows, feature.Terms()[0]);
  if (!feature.divisor) return value;
  const FeatureValue divisor = SlowTerm(rows, *feature.divisor);
  const auto number = [](const FeatureValue& of) { return std::holds_alternative<double>(of) ? std::get<double>(of) : static_cast<double>(std::get<std::int64_t>(of)); };
  if (value.index() == 0 || divisor.index() == 0 || number(divisor) == 0) return {};
  return number(value) / number(divisor);
}

std::string Bits(const FeatureValue& value) {
  if (const auto* real = std::get_if<double>(&value)) {
    return std::isnan(*real) ? "nan" : std::to_string(*real) + " " + std::to_string(std::bit_cast<std::uint64_t>(*real));
  }
  return std::holds_alternative<std::int64_t>(value) ? std::to_string(std::get<std::int64_t>(value)) : "null";
}

Row RandomRow(base::Random& random) {
  const auto below = [&](std::uint64_t bound) { return static_cast<std::int64_t>(random.Below(bound)); };
  Row row;
  row.event = below(120) - 60;
  row.available = row.event + (below(3) == 0 ? below(40) : 0);
  row.tie = random.NextU64();
  const double reals[] = {0.1, 0.2, 0.3, -0.0, 0.0, 1e16, -1e16, 5e-324, 1.7e308, 1e-40, -7, kInfinity, -kInfinity, kNan};
  if (below(6) != 0) row.real = reals[below(below(40) == 0 ? 14 : 11)];
  const std::int64_t wholes[] = {-3, 0, 1, 1, 1 << 20, 900'000'000'000'000};
  if (below(6) != 0) row.whole = wholes[below(6)];
  return row;
}

History HistoryOf(std::vector<Row> rows) {
  std::sort(rows.begin(), rows.end());
  History history;
  history.values = data::Batch(data::Schema{{{"real", data::Type::kFloat64}, {"whole", data::Type::kInt64}}});
  for (const Row& row : rows) {
    history.event_time.push_back(row.event);
    history.available_at.push_back(row.available);
    history.tie.push_back(row.tie);
    row.real ? history.values.column(0).AppendDouble(*row.real) : history.values.column(0).AppendNull();
    row.whole ? history.values.column(1).AppendInt(*row.whole) : history.values.column(1).AppendNull();
  }
  return history;
}

std::vector<Feature> EveryKind() {
  struct Window {
    DurationUs length, hop;
    WindowKind kind;
  };
  std::vector<Feature> features;
  for (const Window& window : {Window{0, 0, WindowKind::kSliding}, {20, 0, WindowKind::kSliding}, {20, 5, WindowKind::kSliding},
                               {12, 0, WindowKind::kTumbling}, {12, 0, WindowKind::kCurrent}}) {
    for (const bool strict : {false, true}) {
      for (const std::size_t column : {0, 1}) {
        for (const std::string& name : AggregateNames()) {
          const Aggregate aggregate = ParseAggregate(name).value();
          features.push_back({.aggregate = aggregate, .column = column, .parameter = aggregate == Aggregate::kQuantile ? 0.7 : 0,
                              .window = window.length, .hop = window.hop, .kind = window.kind, .strict = strict});
        }
        features.push_back({.aggregate = Aggregate::kSum, .column = column, .divisor = Term{.aggregate = Aggregate::kCount, .column = 1},
                            .window = window.length, .hop = window.hop, .kind = window.kind, .strict = strict});
        for (const Aggregate aged : {Aggregate::kLast, Aggregate::kValue}) {
          if (window.length == 0) features.push_back({.aggregate = aged, .column = column, .strict = strict, .ttl = 15});
        }
      }
    }
  }
  return features;
}

class ReferenceOf : public testing::TestWithParam<std::uint64_t> {};

TEST_P(ReferenceOf, EveryAggregateOverEveryWindowHasItsBits) {
  base::Random random(GetParam());
  const std::vector<Feature> features = EveryKind();
  for (int round = 0; round < 8; ++round) {
    std::vector<Row> rows;
    for (std::size_t i = random.Below(60); i > 0; --i) rows.push_back(RandomRow(random));
    History history = HistoryOf(rows);
    if (round % 2 == 0) history.index = IndexHistory(history);
    for (int moment = 0; moment < 12; ++moment) {
      const TimeUs t = static_cast<TimeUs>(random.Below(140)) - 70;
      for (std::size_t i = 0; i < features.size(); ++i) {
        const Feature& feature = features[i];
        ASSERT_EQ(Bits(Evaluate(history, feature, t).value()), Bits(Slow(rows, feature, t)))
            << AggregateName(feature.aggregate) << " of column " << feature.column << ", window " << feature.window << ", hop "
            << feature.hop << ", kind " << static_cast<int>(feature.kind) << ", strict " << feature.strict << ", at " << t;
        const bool is_plain = feature.aggregate == Aggregate::kCount || feature.aggregate == Aggregate::kLast || feature.aggregate == Aggregate::kValue;
        const FeatureValue value = Evaluate(history, feature, t).value();
        FeatureState slow = SlowState(rows, feature, t);
        if (feature.aggregate == Aggregate::kCount) slow.status = FeatureStatus::kPresent;
        if (!is_plain) continue;
        ASSERT_EQ(StateOf(history, feature, t, value), slow) << AggregateName(feature.aggregate) << ", ttl " << feature.ttl << ", at " << t;
      }
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, ReferenceOf, testing::Range<std::uint64_t>(1, 9));

// What the same rows give for ever. Where a change alters values on purpose, raise kSemantics, so that no package is
// served with values that it was not trained on, and add a line; never change one.
TEST(Semantics, ValuesChangeOnlyWithTheirNumber) {
  const std::map<int, std::string> fingerprints = {{1, "f0de7e9563f9b72cc21b9c853959e33041ba27a9125fa79078bd690c6ca6b532"}};
  constexpr Aggregate kLastOfThese = Aggregate::kQuantile;  // aggregates that came later have values of their own
  base::Random random(42);
  std::string all;
  for (int round = 0; round < 10; ++round) {
    std::vector<Row> rows;
    for (int i = 0; i < 40; ++i) rows.push_back(RandomRow(random));
    const History history = HistoryOf(rows);
    for (const Feature& feature : EveryKind()) {
      if (feature.aggregate > kLastOfThese || feature.ttl != 0) continue;
      for (TimeUs t = -70; t < 70; t += 14) all += Bits(Evaluate(history, feature, t).value()) + "\n";
    }
  }
  EXPECT_EQ(base::Sha256Hex(all), fingerprints.at(kSemantics));
}

// Settled states of rows in any grouping, merged and encoded on the way.
TEST(Aggregate, AnyGroupingAndOrderOfAStateHasItsBits) {
  base::Random random(5);
  for (int round = 0; round < 20; ++round) {
    std::vector<Row> rows;
    for (int i = 0; i < 40; ++i) rows.push_back(RandomRow(random));
    const History history = HistoryOf(rows);
    for (const Feature& feature : EveryKind()) {
      if (feature.window != 0 || feature.strict || !IsAccumulating(feature.aggregate)) continue;
      const Term term = feature.Terms()[0];
      const data::Column& column = history.values.column(term.column);
      const AggregateState none = AggregateState::For(term, column.type());
      AggregateState parts[3] = {none, none, none}, merged = none, whole = none;
      for (std::size_t row = 0; row < rows.size(); ++row) {
        whole.Add(column, rows.size() - 1 - row);
        parts[random.Below(3)].Add(column, row);
      }
      for (const AggregateState& part : parts) merged.Merge(AggregateState::Decode(part.Encode(), none).value());
      ASSERT_EQ(merged.Encode(), whole.Encode()) << AggregateName(term.aggregate);
      ASSERT_EQ(Bits(merged.Value(term).value()), Bits(whole.Value(term).value()));
    }
  }
}

TEST(Aggregate, DistinctValuesAreExactUpToTheirBoundAndASketchBeyond) {
  data::Column texts(data::Type::kString);
  for (int i = 0; i < 4'000; ++i) texts.AppendString("shop " + std::to_string(i % 2'000));
  const Term term{.aggregate = Aggregate::kDistinctCount, .column = 0, .parameter = 1'000};
  AggregateState forward = AggregateState::For(term, data::Type::kString), halves[2] = {forward, forward};
  for (std::size_t row = 0; row < 1'000; ++row) forward.Add(texts, row);
  EXPECT_EQ(forward.Value(term).value(), FeatureValue{1'000L});
  for (std::size_t row = 1'000; row < 4'000; ++row) forward.Add(texts, row);
  const std::int64_t estimate = std::get<std::int64_t>(forward.Value(term).value());
  EXPECT_NEAR(static_cast<double>(estimate) / 2'000, 1, 0.05);
  for (std::size_t row = 0; row < 4'000; ++row) halves[row % 2'000 < 1'000 ? 0 : 1].Add(texts, row);
  halves[0].Merge(halves[1]);  // each exact, both together beyond
  EXPECT_EQ(halves[0].Encode(), forward.Encode());
}

TEST(Aggregate, BytesThatNoStateWritesAreRefused) {
  for (const Feature& feature : EveryKind()) {
    if (!IsAccumulating(feature.aggregate)) continue;
    const data::Type type = feature.column == 0 ? data::Type::kFloat64 : data::Type::kInt64;
    const AggregateState none = AggregateState::For(feature.Terms()[0], type);
    AggregateState state = none;
    data::Column column(type);
    for (int i = 0; i < 5; ++i) type == data::Type::kInt64 ? column.AppendInt(i * 7) : column.AppendDouble(i * 0.7);
    for (std::size_t row = 0; row < 5; ++row) state.Add(column, row);
    const std::string good = state.Encode();
    ASSERT_EQ(AggregateState::Decode(good, none)->Encode(), good);
    EXPECT_FALSE(AggregateState::Decode(good.substr(0, good.size() - 1), none));
    EXPECT_FALSE(AggregateState::Decode(good + "x", none));
    base::Random random(3);
    for (int i = 0; i < 500; ++i) {  // never crashes, whatever it then says
      std::string bad = good;
      bad[random.Below(bad.size())] = static_cast<char>(random.NextU64());
      const auto read = AggregateState::Decode(bad, none);
      if (read) static_cast<void>(read->Value(feature.Terms()[0]));
    }
  }
}

}  // namespace
}  // namespace sw::feature
