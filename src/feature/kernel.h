// The kernel: what a view's features are at a moment, given the rows of one entity.
//
// The one place where feature values are computed: the point-in-time join, the online read and the
// parity audit all call Evaluate, so that their answers are the same bytes.
//
//   History rows = ...;                                   // one entity's rows, in total order
//   const Feature mean_24h{.aggregate = Aggregate::kMean, .column = 0, .window = 24 * kHourUs};
//   FeatureValue value = SW_TRY(Evaluate(rows, mean_24h, request_time));
//
// A row is visible at t when available_at <= t and event_time <= t. A window of length W holds the
// visible rows with event_time in (t - W, t], or [t - W, t) when strict. Nulls take no part; a
// window without values gives null, but a count of 0. Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "data/batch.h"
#include "feature/aggregate.h"

namespace sw::feature {

// Of rows that are always known (a source without time), and of rows that never are (a declared
// created time that is null).
inline constexpr TimeUs kAlways = INT64_MIN;
inline constexpr TimeUs kNever = INT64_MAX;

// Running counts and sums of a history that will be asked often: where all rows of a window are
// visible, a count, integer sum or mean is a difference of two. Integers are exact, so it does not show.
struct HistoryIndex {
  struct Sums {
    std::vector<std::int64_t> count;  // of values before row i, from 0 to the number of rows
    std::vector<__int128> sum;        // likewise; of integer columns only
  };
  std::vector<TimeUs> known_by;       // when the last of rows 0 to i became known
  std::vector<std::int64_t> appended_by;  // the greatest offset of rows 0 to i; empty where the rows have none
  std::vector<Sums> columns;
};

// Rows of one entity key. The total order is (event_time, tie), never arrival.
struct History {
  std::vector<TimeUs> event_time;    // ascending
  std::vector<TimeUs> available_at;  // max(event_time + declared delay, created time)
  std::vector<std::uint64_t> tie;    // a hash of the row's id; Evaluate does not look at it
  std::vector<std::int64_t> offset = {};  // in the source's stream; nor at this. Empty where nobody asks for it
  data::Batch values;                // the view's columns, a row for each time
  std::shared_ptr<const HistoryIndex> index = nullptr;  // of exactly these rows, or none
  std::size_t num_rows() const { return event_time.size(); }
};

enum class WindowKind : std::uint8_t {
  kSliding,   // (t - W, t]; with a hop the tail is rounded down to a multiple of it
  kTumbling,  // the last (k W, (k + 1) W] that has ended by t
  kCurrent,   // the one that t lies in, as far as t
};

// An aggregate of a column over a window, or the ratio of two.
struct Feature {
  Aggregate aggregate = Aggregate::kCount;
  std::size_t column = 0;       // of History::values
  double parameter = 0;         // as Term's
  std::optional<Term> divisor = std::nullopt;
  DurationUs window = 0;        // 0: all of the history
  DurationUs hop = 0;           // of a sliding window; 0: exact at both edges
  WindowKind kind = WindowKind::kSliding;
  bool strict = false;          // [t - W, t) in place of (t - W, t]; tiles and hops likewise
  DurationUs ttl = 0;           // of what chooses a row, without window: null when that is older, so in [t - ttl, t]; 0: never
  bool operator==(const Feature&) const = default;

  Term term() const { return {.aggregate = aggregate, .column = column, .parameter = parameter}; }
  std::vector<Term> Terms() const;  // term(), and the divisor where there is one
  // How far before t the window may reach.
  DurationUs Reach() const;
};

// Rows that a history of bounded length no longer holds one by one, for a feature over all of the
// history whose terms accumulate.
struct Settled {
  TimeUs through = kAlways;            // holds each row that VisibleFrom says is visible at `through`
  std::vector<AggregateState> states;  // a term each

  static Settled For(const Feature& feature, const data::Schema& values);
  void Add(const Feature& feature, const data::Batch& values, std::size_t row);
};

std::shared_ptr<const HistoryIndex> IndexHistory(const History& rows);
void AppendHistoryRow(const History& from, std::size_t row, History& into);  // at the end, of the same columns
// What was there of indexed rows for a read at t when the source's stream had `cut` rows: the rows themselves where
// none that came later could show, else those that were, in `scratch`.
const History& AsOf(const History& rows, TimeUs t, std::int64_t cut, History& scratch);

// t - window, but not before the first time there is.
TimeUs WindowStart(TimeUs t, DurationUs window);
// The greatest multiple of `step` that is not above t; negative times too.
TimeUs FloorTo(TimeUs t, DurationUs step);
// The first moment at which the row is visible to a feature; a strict one sees it only after its event.
TimeUs VisibleFrom(TimeUs event_time, TimeUs available_at, bool strict);

FeatureValue ValueIn(const data::Column& column, std::size_t row);
// The order of min and max: IEEE totalOrder on doubles with one NaN above everything, bytes for text.
bool LessValue(const data::Column& column, std::size_t a, std::size_t b);

// The type of the feature's values: TermType's, or float64 for a ratio. INVALID_ARGUMENT when a column
// does not suit, or when a ratio is of what chooses a row.
Result<data::Type> FeatureType(const Feature& feature, const data::Schema& values);

enum class FeatureStatus : std::uint8_t {
  kPresent,     // a value
  kNull,        // null, though the entity has rows there
  kNotFound,    // null, and the entity has none
  kOutsideTtl,  // null, because the row that would be chosen is older than the ttl
};
std::string_view StatusName(FeatureStatus status);  // "present", "null", "not_found", "outside_ttl"

// What a value is of. The event time of the row that was chosen, of a value that accumulates the newest row's of its
// window; kAlways where there is none.
struct FeatureState {
  FeatureStatus status = FeatureStatus::kNotFound;
  TimeUs event_time = kAlways;
  bool operator==(const FeatureState&) const = default;
};
// Of `value`, which Evaluate gave. Rows that only `settled` holds show in neither: see LifetimeRecord for what it keeps.
FeatureState StateOf(const History& rows, const Feature& feature, TimeUs t, const FeatureValue& value);

// INVALID_ARGUMENT when an integer sum leaves int64: it is an error, and never wraps. Rows of
// `settled` count once, in the history too or not; it requires t >= settled->through, and a feature
// without window whose terms accumulate.
Result<FeatureValue> Evaluate(const History& rows, const Feature& feature, TimeUs t, const Settled* settled = nullptr);

}  // namespace sw::feature
