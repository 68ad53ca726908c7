#include "feature/lifetime.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/errors.h"
#include "feature/online_layout.h"

namespace sw::feature {
namespace {

constexpr std::uint8_t kVersion = 0;
constexpr std::uint8_t kReaderMin = 0;

bool Accumulates(const Feature& feature) { return feature.window == 0 && IsAccumulating(feature.aggregate); }

// From when on a settled sum may hold the row, for strict features too.
TimeUs SettlesAt(const History& rows, std::size_t row) {
  return VisibleFrom(rows.event_time[row], rows.available_at[row], true);
}

// Features without window that choose a row, and what asks for the newest row itself: status and event time do.
std::vector<Feature> SelectingFeatures(const ViewPlan& view) {
  std::vector<Feature> selecting;
  bool asks[2] = {false, false};  // by strictness
  for (const Feature& feature : view.features) {
    if (feature.window != 0) continue;
    asks[feature.strict] = true;
    if (!IsAccumulating(feature.aggregate)) selecting.push_back(feature);
  }
  for (const bool strict : {false, true}) {
    if (asks[strict]) selecting.push_back({.aggregate = Aggregate::kValue, .column = 0, .strict = strict});
  }
  return selecting;
}

// Rows with a value, of kValue all, best first: the one that comes first among the visible rows is the answer.
std::vector<std::size_t> ByPreference(const History& rows, const Feature& feature) {
  const data::Column& column = rows.values.column(feature.column);
  std::vector<std::size_t> order;
  for (std::size_t row = 0; row < rows.num_rows(); ++row) {
    if (feature.aggregate == Aggregate::kValue || !column.IsNull(row)) order.push_back(row);
  }
  if (feature.aggregate == Aggregate::kLast || feature.aggregate == Aggregate::kValue) std::reverse(order.begin(), order.end());
  if (feature.aggregate == Aggregate::kMin || feature.aggregate == Aggregate::kMax) {
    const bool is_min = feature.aggregate == Aggregate::kMin;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return is_min ? LessValue(column, a, b) : LessValue(column, b, a);
    });
  }
  return order;
}

// Rows that some t >= through would choose: better ones than each become visible only after it.
std::vector<std::size_t> Candidates(const History& rows, const Feature& feature, TimeUs through) {
  std::vector<std::size_t> candidates;
  TimeUs earliest = kNever;
  for (const std::size_t row : ByPreference(rows, feature)) {
    const TimeUs from = std::max(through, VisibleFrom(rows.event_time[row], rows.available_at[row], feature.strict));
    if (from >= earliest) continue;
    earliest = from;
    candidates.push_back(row);
    if (from <= through) break;
  }
  return candidates;
}

// How far `through` must go for the rows to be few enough.
TimeUs NeededThrough(const ViewPlan& view, const History& rows, TimeUs through) {
  TimeUs needed = through;
  for (const Feature& feature : SelectingFeatures(view)) {
    const auto candidates = Candidates(rows, feature, through);
    if (candidates.size() <= kPendingMax) continue;
    const std::size_t oldest = candidates[kPendingMax - 1];
    needed = std::max(needed, VisibleFrom(rows.event_time[oldest], rows.available_at[oldest], feature.strict));
  }
  if (std::none_of(view.features.begin(), view.features.end(), Accumulates)) return needed;
  std::vector<TimeUs> pending;
  for (std::size_t row = 0; row < rows.num_rows(); ++row) {
    if (SettlesAt(rows, row) > through) pending.push_back(SettlesAt(rows, row));
  }
  if (pending.size() <= kPendingMax) return needed;
  std::sort(pending.begin(), pending.end());
  return std::max(needed, pending[pending.size() - kPendingMax - 1]);
}

// Adds to the sums the rows that settle in (after, through].
void Settle(const ViewPlan& view, const History& rows, TimeUs after, TimeUs through, LifetimeRecord& record) {
  for (std::size_t i = 0; i < view.features.size(); ++i) {
    if (!Accumulates(view.features[i])) continue;
    Settled& settled = record.settled[i];
    settled.through = through;
    for (std::size_t row = 0; row < rows.num_rows(); ++row) {
      const TimeUs at = SettlesAt(rows, row);
      if (at > after && at <= through) settled.Add(view.features[i], rows.values, row);
    }
  }
}

void DropUnneeded(const ViewPlan& view, LifetimeRecord& record) {
  const bool accumulates = std::any_of(view.features.begin(), view.features.end(), Accumulates);
  std::vector<bool> keep(record.rows.num_rows(), false);
  for (std::size_t row = 0; row < keep.size(); ++row) {
    keep[row] = accumulates && SettlesAt(record.rows, row) > record.through;
  }
  for (const Feature& feature : SelectingFeatures(view)) {
    for (const std::size_t row : Candidates(record.rows, feature, record.through)) keep[row] = true;
  }
  if (std::find(keep.begin(), keep.end(), false) == keep.end()) return;
  History kept;
  kept.values = data::Batch(record.rows.values.schema());
  for (std::size_t row = 0; row < keep.size(); ++row) {
    if (keep[row]) AppendHistoryRow(record.rows, row, kept);
  }
  record.rows = std::move(kept);
}

template <typename Number>
void Put(std::string& out, Number value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  std::string_view rest() const { return rest_; }
  Result<std::string_view> Bytes(std::size_t size) {
    if (size > rest_.size()) return DataLoss("online features: a record ends too early; rebuild the online store");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  template <typename Number>
  Result<Number> One() {
    Number value{};
    std::memcpy(&value, SW_TRY(Bytes(sizeof value)).data(), sizeof value);
    return value;
  }

 private:
  std::string_view rest_;
};

}  // namespace

LifetimeRecord EmptyLifetime(const ViewPlan& view) {
  LifetimeRecord record;
  const data::Schema values = ValuesSchema(view);
  for (const Feature& feature : view.features) record.settled.push_back(Settled::For(feature, values));
  record.rows.values = data::Batch(values);
  return record;
}

void Add(const ViewPlan& view, const History& more, LifetimeRecord& record) {
  Settle(view, more, kAlways, record.through, record);  // late: visible by `through`, and no longer kept one by one
  Merge(record.rows, more);
  const TimeUs through = NeededThrough(view, record.rows, record.through);
  if (through > record.through) Settle(view, record.rows, record.through, through, record);
  record.through = through;
  DropUnneeded(view, record);
}

Result<FeatureValue> EvaluateLifetime(const ViewPlan& view, const LifetimeRecord& record, std::size_t feature, TimeUs t) {
  const bool accumulates = Accumulates(view.features[feature]);
  return Evaluate(record.rows, view.features[feature], t, accumulates ? &record.settled[feature] : nullptr);
}

std::string EncodeLifetime(const ViewPlan& view, const LifetimeRecord& record) {
  std::string out;
  Put(out, kVersion);
  Put(out, kReaderMin);
  Put(out, record.through);
  for (std::size_t i = 0; i < view.features.size(); ++i) {
    if (!Accumulates(view.features[i])) continue;
    for (const AggregateState& state : record.settled[i].states) {
      const std::string bytes = state.Encode();
      Put(out, static_cast<std::uint32_t>(bytes.size()));
      out += bytes;
    }
  }
  return out + EncodeHistory(record.rows);
}

Result<LifetimeRecord> DecodeLifetime(const ViewPlan& view, std::string_view bytes) {
  Reader reader(bytes);
  SW_TRY(reader.One<std::uint8_t>());
  if (SW_TRY(reader.One<std::uint8_t>()) > kVersion) {
    return FailedPrecondition("online features: written by a newer seaworthy; upgrade, or rebuild the online store");
  }
  LifetimeRecord record = EmptyLifetime(view);
  record.through = SW_TRY(reader.One<TimeUs>());
  for (std::size_t i = 0; i < view.features.size(); ++i) {
    if (!Accumulates(view.features[i])) continue;
    Settled& settled = record.settled[i];
    settled.through = record.through;
    for (AggregateState& state : settled.states) {
      const auto size = SW_TRY(reader.One<std::uint32_t>());
      state = SW_TRY(AggregateState::Decode(SW_TRY(reader.Bytes(size)), state));
    }
  }
  SW_TRY(DecodeHistory(reader.rest(), record.rows));
  return record;
}

}  // namespace sw::feature
