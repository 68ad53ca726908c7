#include "feature/newest_slots.h"

#include <algorithm>
#include <bit>

#include "base/errors.h"
#include "feature/clustered_rows.h"

namespace sw::feature {
namespace {

std::uint64_t BitsOf(const data::Column& column, std::size_t row) {
  return column.type() == data::Type::kFloat64 ? std::bit_cast<std::uint64_t>(column.Double(row)) : static_cast<std::uint64_t>(column.Int(row));
}

}  // namespace

bool NewestSlots::Suits(const ViewPlan& view) {
  return !view.is_static && std::ranges::all_of(view.features, [](const Feature& feature) {
    return feature.window == 0 && (feature.aggregate == Aggregate::kLast || feature.aggregate == Aggregate::kValue);
  });
}

NewestSlots::NewestSlots(const ViewPlan& view, const std::vector<const data::Column*>& keys, const std::vector<TimeUs>& moments)
    : view_(view), moments_(moments) {
  MakeSlots(keys);
  MakeTable();
  for (const Feature& feature : view_.features) AddNewest(feature);
  cells_.resize(slot_moment_.size() * newest_.size());
}

void NewestSlots::MakeSlots(const std::vector<const data::Column*>& keys) {
  struct Label {
    std::uint64_t hash = 0;
    std::uint32_t row = 0;
  };
  const std::size_t rows = moments_.size();
  slot_of_.assign(rows, kNoSlot);
  key_of_.assign(rows, 0);
  std::vector<Label> labels;
  labels.reserve(rows);
  for (std::size_t row = 0; row < rows; ++row) {
    if (const auto key = EntityKey(keys, row)) labels.push_back({ClusteredRows::HashOf(*key), static_cast<std::uint32_t>(row)});
  }
  std::ranges::sort(labels, [&](const Label& a, const Label& b) { return a.hash != b.hash ? a.hash < b.hash : moments_[a.row] < moments_[b.row]; });
  for (std::size_t begin = 0; begin < labels.size();) {
    std::size_t end = begin;
    while (end < labels.size() && labels[end].hash == labels[begin].hash) ++end;
    // Keys of one hash are nearly always one key; otherwise each takes its labels in turn.
    std::vector<Label> rest(labels.begin() + static_cast<std::ptrdiff_t>(begin), labels.begin() + static_cast<std::ptrdiff_t>(end));
    while (!rest.empty()) {
      Key key{.hash = rest[0].hash, .text = *EntityKey(keys, rest[0].row), .first = static_cast<std::uint32_t>(slot_moment_.size())};
      std::vector<Label> others;
      for (const Label& label : rest) {
        if (*EntityKey(keys, label.row) != key.text) {
          others.push_back(label);
          continue;
        }
        if (slot_moment_.size() == key.first || slot_moment_.back() != moments_[label.row]) slot_moment_.push_back(moments_[label.row]);
        slot_of_[label.row] = static_cast<std::uint32_t>(slot_moment_.size() - 1);
        key_of_[label.row] = static_cast<std::uint32_t>(keys_.size());
      }
      key.end = static_cast<std::uint32_t>(slot_moment_.size());
      keys_.push_back(std::move(key));
      rest = std::move(others);
    }
    begin = end;
  }
}

void NewestSlots::MakeTable() {
  table_.assign(std::bit_ceil(2 * keys_.size() + 1), 0);
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    std::size_t at = keys_[i].hash & (table_.size() - 1);
    while (table_[at] != 0) at = (at + 1) & (table_.size() - 1);
    table_[at] = static_cast<std::uint32_t>(i + 1);
  }
}

NewestSlots::Key* NewestSlots::Find(std::uint64_t hash, std::string_view text) {
  for (std::size_t at = hash & (table_.size() - 1); table_[at] != 0; at = (at + 1) & (table_.size() - 1)) {
    Key& key = keys_[table_[at] - 1];
    if (key.hash == hash && key.text == text) return &key;
  }
  return nullptr;
}

void NewestSlots::AddNewest(const Feature& feature) {
  const bool takes_nulls = feature.aggregate == Aggregate::kValue;
  const auto is_it = [&](const Newest& newest) {
    return newest.column == feature.column && newest.takes_nulls == takes_nulls && newest.is_strict == feature.strict;
  };
  const auto known = std::ranges::find_if(newest_, is_it);
  newest_of_.push_back(static_cast<std::size_t>(known - newest_.begin()));
  if (known != newest_.end()) return;
  Newest& newest = newest_.emplace_back();
  newest.column = feature.column;
  newest.takes_nulls = takes_nulls;
  newest.is_strict = feature.strict;
  (feature.strict ? has_strict_ : has_usual_) = true;
  if (view_.columns[feature.column].type == data::Type::kString) newest.texts.resize(slot_moment_.size());
}

void NewestSlots::Take(std::size_t slot, std::size_t newest, TimeUs time, const data::Column& values, std::size_t row) {
  Cell& cell = CellOf(slot, newest);
  if (time < cell.event_time) return;
  if (time == cell.event_time) {
    cell.is_tied = true;
    return;
  }
  cell = {.event_time = time, .is_null = values.IsNull(row), .is_tied = false};
  if (cell.is_null) return;
  values.type() == data::Type::kString ? void(newest_[newest].texts[slot] = values.String(row)) : void(cell.bits = BitsOf(values, row));
}

void NewestSlots::TakeSlot(std::size_t from, std::size_t to) {
  for (std::size_t i = 0; i < newest_.size(); ++i) {
    const Cell& before = CellOf(from, i);
    Cell& cell = CellOf(to, i);
    if (before.event_time == kAlways || before.event_time < cell.event_time) continue;
    if (before.event_time == cell.event_time) {
      cell.is_tied = true;
      continue;
    }
    cell = before;
    if (!newest_[i].texts.empty()) newest_[i].texts[to] = newest_[i].texts[from];
  }
}

// The first slot from which the row is visible on; kNoSlot: none of the labels sees it.
std::uint32_t NewestSlots::SlotFor(const Key& key, const RowTimes& times, bool is_strict) const {
  const auto begin = slot_moment_.begin() + key.first, end = slot_moment_.begin() + key.end;
  const auto slot = std::lower_bound(begin, end, VisibleFrom(times.event_time, times.available_at, is_strict));
  if (slot == end) return kNoSlot;
  const auto number = static_cast<std::uint32_t>(slot - slot_moment_.begin());
  const Cell* const cells = &cells_[number * newest_.size()];
  __builtin_prefetch(cells);
  __builtin_prefetch(cells + newest_.size() - 1);
  return number;
}

void NewestSlots::AddRow(const Ahead& ahead, const std::vector<const data::Column*>& values) {
  const std::lock_guard lock(locks_[ahead.hash % kLocks]);
  Key& key = *ahead.key;
  key.first_event = std::min(key.first_event, ahead.times.event_time);
  key.first_seen = std::min(key.first_seen, std::max(ahead.times.event_time, ahead.times.available_at));
  for (std::size_t i = 0; i < newest_.size(); ++i) {
    const Newest& newest = newest_[i];
    const std::uint32_t slot = newest.is_strict ? ahead.strict_slot : ahead.slot;
    const data::Column& column = *values[newest.column];
    if (slot != kNoSlot && (newest.takes_nulls || !column.IsNull(ahead.row))) Take(slot, i, ahead.times.event_time, column, ahead.row);
  }
}

Status NewestSlots::Add(const SourceRows& rows, bool ignore_availability) {
  for (const data::Field& key : view_.keys) {
    if (rows.columns.Find(key.name) == nullptr) return Ok();
  }
  std::vector<data::Column> converted;  // that the rows lack, or have in another type
  converted.reserve(view_.columns.size());
  std::vector<const data::Column*> values;
  for (const data::Field& field : view_.columns) {
    const data::Column* const found = rows.columns.Find(field.name);
    if (found == nullptr || found->type() != field.type) converted.push_back(SW_TRY(ViewColumn(field, rows)));
    values.push_back(found == nullptr || found->type() != field.type ? &converted.back() : found);
  }
  const auto keys = SW_TRY(KeyColumns(view_, rows.columns, "source " + view_.source));
  std::array<Ahead, kAhead> ahead;
  for (std::size_t begin = 0; begin < rows.num_rows(); begin += kAhead) {
    std::size_t count = 0;
    for (std::size_t row = begin; row < std::min(begin + kAhead, rows.num_rows()); ++row) {
      const RowTimes times = TimesOf(view_, rows, row, ignore_availability);
      auto text = EntityKey(keys, row);
      if (!text || times.available_at == kNever) continue;
      const std::uint64_t hash = ClusteredRows::HashOf(*text);
      __builtin_prefetch(&table_[hash & (table_.size() - 1)]);
      ahead[count++] = {.row = row, .hash = hash, .text = *std::move(text), .times = times};
    }
    AddAhead(std::span(ahead).first(count), values);
  }
  return Ok();
}

// Step by step for all of them, so that memory answers for one while the next are looked up.
void NewestSlots::AddAhead(std::span<Ahead> rows, const std::vector<const data::Column*>& values) {
  for (const Ahead& row : rows) {
    if (const std::uint32_t number = table_[row.hash & (table_.size() - 1)]; number != 0) __builtin_prefetch(&keys_[number - 1]);
  }
  for (Ahead& row : rows) {
    row.key = Find(row.hash, row.text);
    if (row.key == nullptr) continue;
    __builtin_prefetch(&slot_moment_[row.key->first]);
    __builtin_prefetch(&slot_moment_[row.key->end - 1]);
  }
  for (Ahead& row : rows) {
    if (row.key == nullptr) continue;
    if (has_usual_) row.slot = SlotFor(*row.key, row.times, false);
    if (has_strict_) row.strict_slot = SlotFor(*row.key, row.times, true);
  }
  for (const Ahead& row : rows) {
    if (row.key != nullptr) AddRow(row, values);
  }
}

void NewestSlots::Settle(std::size_t part) {
  const auto before = [](const Key& key, std::size_t of) { return ClusteredRows::PartOf(key.hash) < of; };
  const auto begin = std::lower_bound(keys_.begin(), keys_.end(), part, before);
  const auto end = std::lower_bound(begin, keys_.end(), part + 1, before);
  for (auto key = begin; key != end; ++key) {
    for (std::size_t slot = key->first + 1; slot < key->end; ++slot) TakeSlot(slot - 1, slot);
    const auto cells = std::span(cells_).subspan(key->first * newest_.size(), (key->end - key->first) * newest_.size());
    if (std::ranges::any_of(cells, &Cell::is_tied)) has_ties_ = true;
  }
}

FeatureValue NewestSlots::Value(std::size_t label, std::size_t feature) const {
  const std::size_t number = newest_of_[feature];
  const Newest& newest = newest_[number];
  const std::uint32_t slot = slot_of_[label];
  if (slot == kNoSlot) return {};
  const Cell& cell = cells_[slot * newest_.size() + number];
  if (cell.event_time == kAlways || cell.is_null) return {};
  const DurationUs ttl = view_.features[feature].ttl;
  if (ttl != 0 && cell.event_time < WindowStart(moments_[label], ttl)) return {};
  if (!newest.texts.empty()) return newest.texts[slot];
  if (view_.columns[newest.column].type == data::Type::kFloat64) return std::bit_cast<double>(cell.bits);
  return static_cast<std::int64_t>(cell.bits);
}

bool NewestSlots::HasHappened(std::size_t label) const {
  return slot_of_[label] != kNoSlot && keys_[key_of_[label]].first_event <= moments_[label];
}

bool NewestSlots::IsSeen(std::size_t label) const {
  return slot_of_[label] != kNoSlot && keys_[key_of_[label]].first_seen <= moments_[label];
}

}  // namespace sw::feature
