#include "feature/kernel.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/errors.h"
#include "feature/exact_sum.h"

namespace sw::feature {
namespace {

constexpr std::string_view kAggregateNames[] = {"count", "sum", "mean", "min", "max", "first", "last"};

struct Span {
  std::size_t from = 0, to = 0;  // rows whose event time lies in the window
};

Span WindowOf(const History& rows, const Feature& feature, TimeUs t) {
  const auto begin = rows.event_time.begin();
  const auto end = rows.event_time.end();
  const auto last = feature.strict ? std::lower_bound(begin, end, t) : std::upper_bound(begin, end, t);
  if (feature.window == 0) return {0, static_cast<std::size_t>(last - begin)};
  const TimeUs edge = t - feature.window;
  const auto first = feature.strict ? std::lower_bound(begin, last, edge) : std::upper_bound(begin, last, edge);
  return {static_cast<std::size_t>(first - begin), static_cast<std::size_t>(last - begin)};
}

// Calls visit(row) for each visible row with a value, in total order.
template <typename Visit>
void ForEachValue(const History& rows, const data::Column& column, Span span, TimeUs t, Visit visit) {
  for (std::size_t row = span.from; row < span.to; ++row) {
    if (rows.available_at[row] <= t && !column.IsNull(row)) visit(row);
  }
}

FeatureValue ValueAt(const data::Column& column, std::size_t row) {
  if (column.type() == data::Type::kString) return std::string(column.String(row));
  if (column.type() == data::Type::kFloat64) return column.Double(row);
  return column.Int(row);
}

// IEEE totalOrder on doubles, with one NaN above everything; bytes for text.
bool Less(const data::Column& column, std::size_t a, std::size_t b) {
  if (column.type() == data::Type::kString) return column.String(a) < column.String(b);
  if (column.type() != data::Type::kFloat64) return column.Int(a) < column.Int(b);
  const double x = column.Double(a);
  const double y = column.Double(b);
  if (std::isnan(x) || std::isnan(y)) return !std::isnan(x);
  return x == y ? std::signbit(x) && !std::signbit(y) : x < y;
}

FeatureValue EvaluateSelection(const History& rows, const data::Column& column, Aggregate aggregate, Span span, TimeUs t) {
  constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  std::size_t best = kNone;
  ForEachValue(rows, column, span, t, [&](std::size_t row) {
    const bool is_better = best == kNone || aggregate == Aggregate::kLast ||
                           (aggregate == Aggregate::kMin && Less(column, row, best)) ||
                           (aggregate == Aggregate::kMax && Less(column, best, row));
    if (is_better) best = row;
  });
  return best == kNone ? FeatureValue{} : ValueAt(column, best);
}

Result<FeatureValue> EvaluateIntegers(const History& rows, const data::Column& column, Aggregate aggregate, Span span, TimeUs t) {
  __int128 sum = 0;
  std::uint64_t count = 0;
  ForEachValue(rows, column, span, t, [&](std::size_t row) {
    sum += column.Int(row);
    ++count;
  });
  if (count == 0) return FeatureValue{};
  if (aggregate == Aggregate::kMean) return FeatureValue{RoundedQuotient(sum, count)};
  if (sum > std::numeric_limits<std::int64_t>::max() || sum < std::numeric_limits<std::int64_t>::min()) {
    return InvalidArgument("the sum of {} int64 values does not fit into int64; declare the column float64", count);
  }
  return FeatureValue{static_cast<std::int64_t>(sum)};
}

FeatureValue EvaluateDoubles(const History& rows, const data::Column& column, Aggregate aggregate, Span span, TimeUs t) {
  ExactSum sum;
  ForEachValue(rows, column, span, t, [&](std::size_t row) { sum.Add(column.Double(row)); });
  if (sum.count() == 0) return FeatureValue{};
  return aggregate == Aggregate::kMean ? sum.RoundedMean() : sum.Rounded();
}

}  // namespace

std::string_view AggregateName(Aggregate aggregate) { return kAggregateNames[static_cast<std::size_t>(aggregate)]; }

Result<Aggregate> ParseAggregate(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kAggregateNames); ++i) {
    if (kAggregateNames[i] == name) return static_cast<Aggregate>(i);
  }
  return InvalidArgument("aggregate {} is unknown; count, sum, mean, min, max, first and last are known", name);
}

Result<data::Type> FeatureType(const Feature& feature, data::Type column) {
  if (feature.aggregate == Aggregate::kCount) return data::Type::kInt64;
  const bool is_arithmetic = feature.aggregate == Aggregate::kSum || feature.aggregate == Aggregate::kMean;
  const bool is_number = column == data::Type::kInt64 || column == data::Type::kFloat64 || column == data::Type::kBool;
  if (is_arithmetic && !is_number) {
    return InvalidArgument("{} needs a column of numbers, found {}", AggregateName(feature.aggregate), data::TypeName(column));
  }
  if (feature.aggregate == Aggregate::kMean) return data::Type::kFloat64;
  return feature.aggregate == Aggregate::kSum && column == data::Type::kBool ? data::Type::kInt64 : column;
}

Result<FeatureValue> Evaluate(const History& rows, const Feature& feature, TimeUs t) {
  const data::Column& column = rows.values.column(feature.column);
  SW_TRY(FeatureType(feature, column.type()));
  const Span span = WindowOf(rows, feature, t);
  switch (feature.aggregate) {
    case Aggregate::kCount: {
      std::int64_t count = 0;
      ForEachValue(rows, column, span, t, [&](std::size_t) { ++count; });
      return FeatureValue{count};
    }
    case Aggregate::kSum:
    case Aggregate::kMean:
      if (column.type() == data::Type::kFloat64) return EvaluateDoubles(rows, column, feature.aggregate, span, t);
      return EvaluateIntegers(rows, column, feature.aggregate, span, t);
    default:
      return EvaluateSelection(rows, column, feature.aggregate, span, t);
  }
}

}  // namespace sw::feature
