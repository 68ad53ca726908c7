// Aggregates: what can be asked of a column's values in a window, and the exact states behind them.
//
//   AggregateState state = AggregateState::For(Aggregate::kVariance, data::Type::kFloat64);
//   state.Add(column, row);                                     // a null takes no part
//   state.Merge(other);                                         // of another tile, thread or machine
//   FeatureValue value = SW_TRY(state.Value({.aggregate = Aggregate::kVariance}));
//
// A state is a commutative monoid: it depends on the multiset of values alone, never on order or
// grouping, and nothing is ever subtracted from it. Values; externally synchronised.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <variant>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "feature/exact_moments.h"
#include "feature/exact_sum.h"
#include "stats/distinct_sketch.h"
#include "stats/quantile_sketch.h"

namespace sw::feature {

enum class Aggregate : std::uint8_t {
  kCount, kSum, kMean, kMin, kMax, kFirst, kLast,
  kVariance, kStddev,                // of a sample: by n - 1; null of fewer than two values
  kVariancePop, kStddevPop,          // of all there is: by n
  kDistinctCount,                    // exact up to a bound, a sketch's estimate beyond (2 %)
  kQuantile,                         // a sketch's, within 0.4 %
  kValue,                            // of the newest row, null or not
};
std::string_view AggregateName(Aggregate aggregate);  // "count", "sum", ...
// INVALID_ARGUMENT names near misses.
Result<Aggregate> ParseAggregate(std::string_view name);
std::vector<std::string> AggregateNames();

using FeatureValue = std::variant<std::monostate, std::int64_t, double, std::string>;  // null first

// One aggregate of one column.
struct Term {
  Aggregate aggregate = Aggregate::kCount;
  std::size_t column = 0;   // of History::values
  double parameter = 0;     // kQuantile: which, 0 to 1; kDistinctCount: the bound up to which it is exact
  bool operator==(const Term&) const = default;
};
inline constexpr std::int64_t kDistinctExactUsual = 1'024, kDistinctExactMax = 65'536;

// The type of the term's values: count and distinct_count are int64, mean, variance, stddev and quantile
// float64, the others the column's own. INVALID_ARGUMENT when the column does not suit.
Result<data::Type> TermType(const Term& term, data::Type column);

// Whether the term's value is computed from a state that takes in every value; the others choose a row: min,
// max, first and last one that has a value.
bool IsAccumulating(Aggregate aggregate);

// Equal numbers have equal bits: one NaN, one zero.
std::uint64_t CanonicalBits(double value);

// Different values, kept one by one up to a bound and as a sketch beyond. 0 and -0 are one value, and so are all NaN.
class DistinctValues {
 public:
  explicit DistinctValues(std::size_t exact_max = kDistinctExactUsual) : exact_max_(exact_max) {}
  void Add(const data::Column& column, std::size_t row);
  void Merge(const DistinctValues& other);
  std::int64_t Count() const;
  std::size_t exact_max() const { return exact_max_; }
  std::string Encode() const;
  static Result<DistinctValues> Decode(std::string_view bytes, std::size_t exact_max);

 private:
  void AddKey(std::string_view key);
  void GoBeyond();

  std::size_t exact_max_;
  std::unordered_set<std::string> exact_;
  std::optional<stats::DistinctSketch> sketch_;  // of all values, once there were more than exact_max_
};

struct ValueCount {
  std::int64_t count = 0;
};
struct IntegerSum {
  __int128 sum = 0;
  std::int64_t count = 0;
};

class AggregateState {
 public:
  AggregateState() = default;
  // Requires an accumulating aggregate, and a type that suits it.
  static AggregateState For(const Term& term, data::Type column);

  void Add(const data::Column& column, std::size_t row);
  // The same for the rows that for_each(visit) visits.
  template <typename ForEach>
  void AddEach(const data::Column& column, ForEach for_each) {
    std::visit([&](auto& state) { for_each([&](std::size_t row) { AddValue(state, column, row); }); }, state_);
  }
  void Merge(const AggregateState& other);  // of the same term
  // Null when nothing was added; a count is then 0. INVALID_ARGUMENT when an integer sum leaves int64.
  Result<FeatureValue> Value(const Term& term) const;

  std::string Encode() const;
  // Hostile input. `like`: an empty state of the same term.
  static Result<AggregateState> Decode(std::string_view bytes, const AggregateState& like);

 private:
  static void AddValue(ValueCount& state, const data::Column&, std::size_t) { ++state.count; }
  static void AddValue(IntegerSum& state, const data::Column& column, std::size_t row) {
    state.sum += column.Int(row);
    ++state.count;
  }
  static void AddValue(ExactSum& state, const data::Column& column, std::size_t row) { state.Add(column.Double(row)); }
  static void AddValue(ExactMoments& state, const data::Column& column, std::size_t row) {
    if (column.type() == data::Type::kFloat64) return state.Add(column.Double(row));
    state.AddInteger(column.Int(row));
  }
  static void AddValue(DistinctValues& state, const data::Column& column, std::size_t row) { state.Add(column, row); }
  static void AddValue(stats::QuantileSketch& state, const data::Column& column, std::size_t row) { state.Add(column.AsDouble(row)); }

  std::variant<ValueCount, IntegerSum, ExactSum, ExactMoments, DistinctValues, stats::QuantileSketch> state_;
};

// A sum of integers or its mean; null of none. INVALID_ARGUMENT when the sum leaves int64.
Result<FeatureValue> IntegerValue(__int128 sum, std::int64_t count, Aggregate aggregate);

// value / divisor as a double; null when one is null, or the divisor is 0.
FeatureValue Quotient(const FeatureValue& value, const FeatureValue& divisor);

}  // namespace sw::feature
