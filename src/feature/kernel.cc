#include "feature/kernel.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/errors.h"

namespace sw::feature {
namespace {

struct Span {
  std::size_t from = 0, to = 0;  // rows whose event time lies in the window
};

struct Edges {
  TimeUs tail = 0, head = 0;  // (tail, head], or [tail, head) when strict
};

Edges EdgesOf(const Feature& feature, TimeUs t) {
  if (feature.kind == WindowKind::kTumbling) {
    const TimeUs head = FloorTo(t, feature.window);
    return {WindowStart(head, feature.window), head};
  }
  if (feature.kind == WindowKind::kCurrent) {
    return {FloorTo(feature.strict || t == kAlways ? t : t - 1, feature.window), t};
  }
  const TimeUs tail = WindowStart(t, feature.window);
  return {feature.hop == 0 ? tail : FloorTo(tail, feature.hop), t};
}

Span WindowOf(const History& rows, const Feature& feature, TimeUs t) {
  const auto begin = rows.event_time.begin();
  const auto end = rows.event_time.end();
  const auto before = [&](auto from, TimeUs edge) {
    return feature.strict ? std::lower_bound(from, end, edge) : std::upper_bound(from, end, edge);
  };
  if (feature.window == 0) return {0, static_cast<std::size_t>(before(begin, t) - begin)};
  const Edges edges = EdgesOf(feature, t);
  const auto first = before(begin, edges.tail);
  return {static_cast<std::size_t>(first - begin), static_cast<std::size_t>(before(first, edges.head) - begin)};
}

// Calls visit(row) for each visible row with a value, in total order.
template <typename Visit>
void ForEachValue(const History& rows, const data::Column& column, Span span, TimeUs t, Visit visit) {
  for (std::size_t row = span.from; row < span.to; ++row) {
    if (rows.available_at[row] <= t && !column.IsNull(row)) visit(row);
  }
}

constexpr std::size_t kNoRow = std::numeric_limits<std::size_t>::max();

std::size_t NewestRow(const History& rows, Span span, TimeUs t) {
  for (std::size_t row = span.to; row > span.from; --row) {
    if (rows.available_at[row - 1] <= t) return row - 1;
  }
  return kNoRow;
}

// First and last look from their end, and stop at the first value.
std::size_t EndRow(const History& rows, const data::Column& column, bool is_last, Span span, TimeUs t) {
  for (std::size_t i = 0; i < span.to - span.from; ++i) {
    const std::size_t row = is_last ? span.to - 1 - i : span.from + i;
    if (rows.available_at[row] <= t && !column.IsNull(row)) return row;
  }
  return kNoRow;
}

std::size_t ExtremeRow(const History& rows, const data::Column& column, bool is_min, Span span, TimeUs t) {
  std::size_t best = kNoRow;
  ForEachValue(rows, column, span, t, [&](std::size_t row) {
    if (best == kNoRow || (is_min ? LessValue(column, row, best) : LessValue(column, best, row))) best = row;
  });
  return best;
}

// Whatever its age; of an aggregate that chooses a row.
std::size_t ChosenRow(const History& rows, const Feature& feature, Span span, TimeUs t) {
  const data::Column& column = rows.values.column(feature.column);
  switch (feature.aggregate) {
    case Aggregate::kFirst: return EndRow(rows, column, false, span, t);
    case Aggregate::kLast: return EndRow(rows, column, true, span, t);
    case Aggregate::kValue: return NewestRow(rows, span, t);
    default: return ExtremeRow(rows, column, feature.aggregate == Aggregate::kMin, span, t);
  }
}

bool IsTooOld(const History& rows, const Feature& feature, std::size_t row, TimeUs t) {
  return feature.ttl != 0 && rows.event_time[row] < WindowStart(t, feature.ttl) && rows.event_time[row] != kAlways;
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

// From the index where all rows of the window are visible: a count, or a sum or mean of integers.
Result<std::optional<FeatureValue>> FromIndex(const History& rows, const Term& term, Span span) {
  const HistoryIndex::Sums& sums = rows.index->columns[term.column];
  const std::int64_t count = sums.count[span.to] - sums.count[span.from];
  if (term.aggregate == Aggregate::kCount) return FeatureValue{count};
  const bool is_sum = term.aggregate == Aggregate::kSum || term.aggregate == Aggregate::kMean;
  if (!is_sum || sums.sum.empty()) return std::optional<FeatureValue>();
  return SW_TRY(IntegerValue(sums.sum[span.to] - sums.sum[span.from], count, term.aggregate));
}

Result<FeatureValue> EvaluateTerm(const History& rows, const Term& term, Span span, TimeUs t, const Settled* settled,
                                  std::size_t index) {
  const data::Column& column = rows.values.column(term.column);
  if (settled == nullptr && IsIndexed(rows, span, t)) {
    if (const auto value = SW_TRY(FromIndex(rows, term, span))) return *value;
  }
  AggregateState state = settled == nullptr ? AggregateState::For(term, column.type()) : settled->states[index];
  state.AddEach(column, [&](auto visit) { ForEachUnsettled(rows, column, span, t, settled, visit); });
  return state.Value(term);
}

}  // namespace

std::vector<Term> Feature::Terms() const {
  std::vector<Term> terms = {term()};
  if (divisor) terms.push_back(*divisor);
  return terms;
}

DurationUs Feature::Reach() const { return kind == WindowKind::kTumbling ? 2 * window : window + hop; }

Settled Settled::For(const Feature& feature, const data::Schema& values) {
  Settled settled;
  for (const Term& term : feature.Terms()) {
    settled.states.push_back(IsAccumulating(term.aggregate) ? AggregateState::For(term, values.fields[term.column].type) : AggregateState());
  }
  return settled;
}

void Settled::Add(const Feature& feature, const data::Batch& values, std::size_t row) {
  states[0].Add(values.column(feature.column), row);
  if (feature.divisor) states[1].Add(values.column(feature.divisor->column), row);
}

Result<data::Type> FeatureType(const Feature& feature, const data::Schema& values) {
  const std::vector<Term> terms = feature.Terms();
  for (const Term& term : terms) {
    const data::Type type = SW_TRY(TermType(term, values.fields[term.column].type));
    if (terms.size() == 1) return type;
    if (!IsAccumulating(term.aggregate)) {
      return InvalidArgument("a ratio of {} means nothing; take one of count, sum, mean or others that add up values",
                             AggregateName(term.aggregate));
    }
  }
  return data::Type::kFloat64;
}

TimeUs WindowStart(TimeUs t, DurationUs window) { return t < kAlways + window ? kAlways : t - window; }

TimeUs FloorTo(TimeUs t, DurationUs step) {
  const TimeUs beyond = t % step;
  if (beyond == 0) return t;
  if (beyond > 0) return t - beyond;
  return t < kAlways + (step + beyond) ? kAlways : t - beyond - step;
}

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

std::shared_ptr<const HistoryIndex> IndexHistory(const History& rows) {
  auto index = std::make_shared<HistoryIndex>();
  for (const std::int64_t offset : rows.offset) {
    index->appended_by.push_back(index->appended_by.empty() ? offset : std::max(index->appended_by.back(), offset));
  }
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

void AppendHistoryRow(const History& from, std::size_t row, History& into) {
  into.event_time.push_back(from.event_time[row]);
  into.available_at.push_back(from.available_at[row]);
  into.tie.push_back(from.tie[row]);
  if (!from.offset.empty()) into.offset.push_back(from.offset[row]);
  into.values.AppendRow(from.values, row);
}

const History& AsOf(const History& rows, TimeUs t, std::int64_t cut, History& scratch) {
  const auto happened = static_cast<std::size_t>(std::ranges::upper_bound(rows.event_time, t) - rows.event_time.begin());
  if (happened == 0) return rows;
  SW_CHECK(rows.index != nullptr && rows.index->appended_by.size() == rows.num_rows(), "rows without offsets are asked as of a cut");
  if (rows.index->appended_by[happened - 1] < cut) return rows;
  scratch = History{.event_time = {}, .available_at = {}, .tie = {}, .values = data::Batch(rows.values.shared_schema())};
  for (std::size_t row = 0; row < happened; ++row) {
    if (rows.offset[row] < cut) AppendHistoryRow(rows, row, scratch);
  }
  return scratch;
}

FeatureValue ValueIn(const data::Column& column, std::size_t row) {
  if (column.IsNull(row)) return FeatureValue{};
  if (column.type() == data::Type::kString) return std::string(column.String(row));
  if (column.type() == data::Type::kFloat64) return column.Double(row);
  return column.Int(row);
}

std::string_view StatusName(FeatureStatus status) {
  constexpr std::string_view kNames[] = {"present", "null", "not_found", "outside_ttl"};
  return kNames[static_cast<std::size_t>(status)];
}

FeatureState StateOf(const History& rows, const Feature& feature, TimeUs t, const FeatureValue& value) {
  const Span span = WindowOf(rows, feature, t);
  const std::size_t newest = NewestRow(rows, span, t);
  const std::size_t chosen = IsAccumulating(feature.aggregate) ? newest : ChosenRow(rows, feature, span, t);
  FeatureState state;
  state.event_time = chosen == kNoRow ? kAlways : rows.event_time[chosen];
  if (!std::holds_alternative<std::monostate>(value)) {
    state.status = FeatureStatus::kPresent;
  } else if (chosen != kNoRow && IsTooOld(rows, feature, chosen, t)) {
    state.status = FeatureStatus::kOutsideTtl;
  } else {
    state.status = newest == kNoRow ? FeatureStatus::kNotFound : FeatureStatus::kNull;
  }
  return state;
}

Result<FeatureValue> Evaluate(const History& rows, const Feature& feature, TimeUs t, const Settled* settled) {
  const Span span = WindowOf(rows, feature, t);
  if (!IsAccumulating(feature.aggregate)) {
    const data::Column& column = rows.values.column(feature.column);
    const std::size_t row = ChosenRow(rows, feature, span, t);
    return row == kNoRow || IsTooOld(rows, feature, row, t) ? FeatureValue{} : ValueIn(column, row);
  }
  FeatureValue value = SW_TRY(EvaluateTerm(rows, feature.term(), span, t, settled, 0));
  if (!feature.divisor) return value;
  return Quotient(value, SW_TRY(EvaluateTerm(rows, *feature.divisor, span, t, settled, 1)));
}

}  // namespace sw::feature
