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
  const TimeUs edge = WindowStart(t, feature.window);
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

// First and last look from their end, and stop at the first value.
FeatureValue EvaluateEnd(const History& rows, const data::Column& column, bool is_last, Span span, TimeUs t) {
  for (std::size_t i = 0; i < span.to - span.from; ++i) {
    const std::size_t row = is_last ? span.to - 1 - i : span.from + i;
    if (rows.available_at[row] <= t && !column.IsNull(row)) return ValueAt(column, row);
  }
  return FeatureValue{};
}

FeatureValue EvaluateExtreme(const History& rows, const data::Column& column, bool is_min, Span span, TimeUs t) {
  constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  std::size_t best = kNone;
  ForEachValue(rows, column, span, t, [&](std::size_t row) {
    if (best == kNone || (is_min ? LessValue(column, row, best) : LessValue(column, best, row))) best = row;
  });
  return best == kNone ? FeatureValue{} : ValueAt(column, best);
}

Result<FeatureValue> EvaluateIntegers(__int128 sum, std::int64_t count, Aggregate aggregate) {
  if (count == 0) return FeatureValue{};
  if (aggregate == Aggregate::kMean) return FeatureValue{RoundedQuotient(sum, static_cast<std::uint64_t>(count))};
  if (sum > std::numeric_limits<std::int64_t>::max() || sum < std::numeric_limits<std::int64_t>::min()) {
    return InvalidArgument("the sum of {} int64 values does not fit into int64; declare the column float64", count);
  }
  return FeatureValue{static_cast<std::int64_t>(sum)};
}

FeatureValue EvaluateDoubles(const ExactSum& sum, Aggregate aggregate) {
  if (sum.count() == 0) return FeatureValue{};
  return aggregate == Aggregate::kMean ? sum.RoundedMean() : sum.Rounded();
}

// True when the index knows that every row of the span is visible at t.
bool IsIndexed(const History& rows, Span span, TimeUs t) {
  return rows.index != nullptr && (span.to == 0 || rows.index->known_by[span.to - 1] <= t);
}

// Calls visit(row) for each value of the window that is not settled yet.
template <typename Visit>
void ForEachUnsettled(const History& rows, const data::Column& column, Span span, TimeUs t, const Settled* settled,
                      Visit visit) {
  if (settled == nullptr) return ForEachValue(rows, column, span, t, visit);
  ForEachValue(rows, column, span, t, [&](std::size_t row) {
    if (VisibleFrom(rows.event_time[row], rows.available_at[row], true) > settled->through) visit(row);
  });
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

TimeUs WindowStart(TimeUs t, DurationUs window) { return t < kAlways + window ? kAlways : t - window; }

TimeUs VisibleFrom(TimeUs event_time, TimeUs available_at, bool strict) {
  return strict && event_time >= available_at ? event_time + 1 : std::max(event_time, available_at);
}

bool LessValue(const data::Column& column, std::size_t a, std::size_t b) {
  if (column.type() == data::Type::kString) return column.String(a) < column.String(b);
  if (column.type() != data::Type::kFloat64) return column.Int(a) < column.Int(b);
  const double x = column.Double(a);
  const double y = column.Double(b);
  if (std::isnan(x) || std::isnan(y)) return !std::isnan(x) && std::isnan(y);
  return x == y ? std::signbit(x) && !std::signbit(y) : x < y;
}

void Settled::Add(const data::Column& column, std::size_t row) {
  if (column.IsNull(row)) return;
  ++count;
  if (column.type() == data::Type::kFloat64) doubles.Add(column.Double(row));
  if (column.type() == data::Type::kInt64 || column.type() == data::Type::kBool) integers += column.Int(row);
}

std::shared_ptr<const HistoryIndex> IndexHistory(const History& rows) {
  auto index = std::make_shared<HistoryIndex>();
  for (const TimeUs time : rows.available_at) {
    index->known_by.push_back(index->known_by.empty() ? time : std::max(index->known_by.back(), time));
  }
  for (std::size_t i = 0; i < rows.values.num_columns(); ++i) {
    const data::Column& column = rows.values.column(i);
    const bool is_integer = column.type() == data::Type::kInt64 || column.type() == data::Type::kBool;
    HistoryIndex::Sums& sums = index->columns.emplace_back();
    sums.count.assign(1, 0);
    if (is_integer) sums.sum.assign(1, 0);
    for (std::size_t row = 0; row < column.size(); ++row) {
      sums.count.push_back(sums.count.back() + (column.IsNull(row) ? 0 : 1));
      if (is_integer) sums.sum.push_back(sums.sum.back() + (column.IsNull(row) ? 0 : column.Int(row)));
    }
  }
  return index;
}

Result<FeatureValue> Evaluate(const History& rows, const Feature& feature, TimeUs t, const Settled* settled) {
  const data::Column& column = rows.values.column(feature.column);
  const bool is_arithmetic = feature.aggregate == Aggregate::kSum || feature.aggregate == Aggregate::kMean;
  if (is_arithmetic) SW_TRY(FeatureType(feature, column.type()));
  const Span span = WindowOf(rows, feature, t);
  if (feature.aggregate == Aggregate::kFirst || feature.aggregate == Aggregate::kLast) {
    return EvaluateEnd(rows, column, feature.aggregate == Aggregate::kLast, span, t);
  }
  const bool is_count = feature.aggregate == Aggregate::kCount;
  if (!is_count && !is_arithmetic) return EvaluateExtreme(rows, column, feature.aggregate == Aggregate::kMin, span, t);
  const bool is_real = column.type() == data::Type::kFloat64;
  if (settled == nullptr && (is_count || !is_real) && IsIndexed(rows, span, t)) {
    const HistoryIndex::Sums& sums = rows.index->columns[feature.column];
    const std::int64_t count = sums.count[span.to] - sums.count[span.from];
    if (is_count) return FeatureValue{count};
    return EvaluateIntegers(sums.sum[span.to] - sums.sum[span.from], count, feature.aggregate);
  }
  if (is_count) {
    std::int64_t count = settled == nullptr ? 0 : settled->count;
    ForEachUnsettled(rows, column, span, t, settled, [&](std::size_t) { ++count; });
    return FeatureValue{count};
  }
  if (is_real) {
    ExactSum sum = settled == nullptr ? ExactSum{} : settled->doubles;
    ForEachUnsettled(rows, column, span, t, settled, [&](std::size_t row) { sum.Add(column.Double(row)); });
    return EvaluateDoubles(sum, feature.aggregate);
  }
  __int128 sum = settled == nullptr ? 0 : settled->integers;
  std::int64_t count = settled == nullptr ? 0 : settled->count;
  ForEachUnsettled(rows, column, span, t, settled, [&](std::size_t row) {
    sum += column.Int(row);
    ++count;
  });
  return EvaluateIntegers(sum, count, feature.aggregate);
}

}  // namespace sw::feature
