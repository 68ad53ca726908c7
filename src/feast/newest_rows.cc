#include "feast/newest_rows.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <map>
#include <numeric>
#include <span>

#include "base/errors.h"
#include "base/hash.h"
#include "feast/key_map.h"

namespace sw::feast {
namespace {

using Limits = std::numeric_limits<std::int64_t>;
constexpr std::uint32_t kNoTie = 0xffffffff;
constexpr std::int64_t kNsPerUs = 1'000;
constexpr std::size_t kAhead = 16;
constexpr std::size_t kTiesAtOnce = 65'536;

std::int64_t Minus(std::int64_t a, std::int64_t b) {
  std::int64_t difference = 0;
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return a < 0 ? Limits::min() : Limits::max();
}

// The newest row seen so far, and a chain of those that are as new.
struct Best {
  std::int64_t event = Limits::min();
  std::int64_t created = Limits::min();
  std::int64_t row = -1;
  std::uint32_t tie = kNoTie;
};

// What one thread found.
class Found {
 public:
  explicit Found(std::size_t places, std::size_t ties_max) : best_(places), ties_max_(ties_max) {}

  void Resize(std::size_t places) { best_.resize(places); }
  std::vector<Best>& best() { return best_; }
  void Prefetch(std::size_t place) const { __builtin_prefetch(&best_[place], 1); }

  Status Offer(std::size_t place, std::int64_t event, std::int64_t created, std::int64_t row) {
    Best& best = best_[place];
    if (best.row >= 0) {
      if (event < best.event || (event == best.event && created < best.created)) return Ok();
      if (event == best.event && created == best.created) return AddTie(best, row);
      FreeTies(best);
    }
    best.event = event;
    best.created = created;
    best.row = row;
    return Ok();
  }

  // Takes what another thread found.
  Status Merge(Found& other, std::size_t place, std::size_t into) {
    const Best& theirs = other.best_[place];
    if (theirs.row < 0) return Ok();
    SW_TRY(Offer(into, theirs.event, theirs.created, theirs.row));
    const Best& ours = best_[into];
    if (ours.event != theirs.event || ours.created != theirs.created) return Ok();
    for (std::uint32_t tie = theirs.tie; tie != kNoTie; tie = other.ties_[tie].next) SW_TRY(Offer(into, theirs.event, theirs.created, other.ties_[tie].row));
    return Ok();
  }

  // Of each place that has ties, leaves the row with the greatest content.
  Status Decide(const EventTable& table, std::size_t threads) {
    std::vector<std::pair<std::int64_t, std::uint32_t>> tied;  // row, place
    for (std::size_t place = 0; place < best_.size(); ++place) {
      if (best_[place].tie == kNoTie) continue;
      tied.emplace_back(best_[place].row, static_cast<std::uint32_t>(place));
      for (std::uint32_t tie = best_[place].tie; tie != kNoTie; tie = ties_[tie].next) tied.emplace_back(ties_[tie].row, static_cast<std::uint32_t>(place));
    }
    std::ranges::sort(tied);
    std::map<std::uint32_t, std::pair<std::uint64_t, std::uint64_t>> greatest;
    for (std::size_t begin = 0; begin < tied.size(); begin += kTiesAtOnce) {
      SW_TRY(DecideSome(table, threads, std::span(tied).subspan(begin, std::min(kTiesAtOnce, tied.size() - begin)), greatest));
    }
    return Ok();
  }

 private:
  struct Tie {
    std::int64_t row = 0;
    std::uint32_t next = kNoTie;
  };

  Status AddTie(Best& best, std::int64_t row) {
    std::uint32_t at = free_;
    if (at != kNoTie) {
      free_ = ties_[at].next;
    } else {
      if (ties_.size() >= ties_max_) return ResourceExhausted("limit ties_max: more than {} rows have the event time and the created time of another; give them a created time", ties_max_);
      at = static_cast<std::uint32_t>(ties_.size());
      ties_.emplace_back();
    }
    ties_[at] = {row, best.tie};
    best.tie = at;
    return Ok();
  }

  void FreeTies(Best& best) {
    while (best.tie != kNoTie) {
      const std::uint32_t next = ties_[best.tie].next;
      ties_[best.tie].next = free_;
      free_ = best.tie;
      best.tie = next;
    }
  }

  Status DecideSome(const EventTable& table, std::size_t threads, std::span<const std::pair<std::int64_t, std::uint32_t>> tied,
                    std::map<std::uint32_t, std::pair<std::uint64_t, std::uint64_t>>& greatest) {
    std::vector<std::int64_t> rows;
    for (const auto& [row, place] : tied) rows.push_back(row);
    const auto repeats = std::ranges::unique(rows);
    rows.erase(repeats.begin(), repeats.end());
    const data::RawTable values = SW_TRY(table.files.Gather(table.content, rows, threads));
    std::string content;
    for (std::size_t i = 0, at = 0; i < tied.size(); ++i) {
      if (i == 0 || tied[i].first != tied[i - 1].first) {
        content.clear();
        at = static_cast<std::size_t>(std::ranges::lower_bound(rows, tied[i].first) - rows.begin());
        for (std::size_t column = 0; column < values.columns().size(); ++column) SW_TRY(values.AppendContent(at, column, content));
      }
      const std::pair hash{base::Hash64(content), base::Hash64(content, 1)};
      const auto [known, is_new] = greatest.try_emplace(tied[i].second, hash);
      if (!is_new && hash <= known->second) continue;
      known->second = hash;
      best_[tied[i].second].row = tied[i].first;
    }
    return Ok();
  }

  std::vector<Best> best_;
  std::vector<Tie> ties_;
  std::uint32_t free_ = kNoTie;
  std::size_t ties_max_;
};

// Keys and times of one block of the table.
struct Block {
  std::int64_t first_row = 0;
  data::RawKeys keys;
  data::RawTimes event;
  data::RawTimes created;  // empty: none

  std::size_t size() const { return event.values.size(); }
  bool HasTime(std::size_t row) const { return event.is_null[row] == 0; }
  std::int64_t Created(std::size_t row) const { return created.values.empty() || created.is_null[row] != 0 ? Limits::min() : created.values[row]; }
  bool HasCreated(std::size_t row) const { return !created.values.empty() && created.is_null[row] == 0; }
};

Result<Block> BlockOf(const EventTable& table, const data::RawTable& rows, data::TimeUnit unit, std::int64_t first_row) {
  Block block{.first_row = first_row, .keys = {}, .event = {}, .created = {}};
  block.event = SW_TRY(rows.Times(SW_TRY(rows.Index(table.event_time, "the table")), unit));
  if (!table.created.empty() && rows.Has(table.created)) block.created = SW_TRY(rows.Times(SW_TRY(rows.Index(table.created, "the table")), unit));
  std::vector<std::size_t> keys;
  for (const std::string& key : table.keys) keys.push_back(SW_TRY(rows.Index(key, "the table")));
  if (!keys.empty()) block.keys = SW_TRY(rows.Keys(keys));
  return block;
}

std::vector<std::string> ReadColumns(const EventTable& table) {
  std::vector<std::string> columns = table.keys;
  columns.push_back(table.event_time);
  if (!table.created.empty()) columns.push_back(table.created);
  return columns;
}

using Skip = std::function<bool(TimeUs least, TimeUs greatest)>;
using Take = std::function<Status(std::size_t thread, const Block& block)>;

// Each block of the table; parts that `skip` says are of no use by their times are not read.
Status ForEachBlock(const EventTable& table, data::TimeUnit unit, std::size_t threads, const Skip& skip, const Take& take) {
  const std::vector<std::string> columns = ReadColumns(table);
  const auto& parts = table.files.parts();
  std::atomic<std::size_t> next{0};
  return data::OnThreads(std::min(threads, std::max<std::size_t>(1, parts.size())), [&](std::size_t thread) -> Status {
    for (std::size_t number = next++; number < parts.size(); number = next++) {
      const auto times = table.files.TimeRange(number, table.event_time);
      if (times && skip(times->first, times->second)) continue;
      const auto blocks = SW_TRY(table.files.Read(number, columns));
      auto first_row = static_cast<std::int64_t>(parts[number].first_row);
      while (const auto rows = SW_TRY(blocks->Next())) {
        SW_TRY(take(thread, SW_TRY(BlockOf(table, *rows, unit, first_row))));
        first_row += static_cast<std::int64_t>(rows->num_rows());
      }
    }
    return Ok();
  });
}

// Labels by key, then by moment: a place for each different moment of a key.
class Places {
 public:
  Places(const EventTable& table, const Labels& labels) : has_keys_(!table.keys.empty()), labels_(labels) {}

  Status Make() {
    const std::size_t count = labels_.moments.values.size();
    std::vector<std::uint32_t> ids(count, 0);
    if (has_keys_) ids = SW_TRY(map_.Insert(labels_.keys));
    if (count >= kNoTie) return ResourceExhausted("more than {} labels", kNoTie);
    begin_.assign((has_keys_ ? map_.size() : 1) + 1, 0);
    std::vector<std::size_t> counts(begin_.size() + 1, 0);
    std::vector<std::uint32_t> order;
    for (std::size_t label = 0; label < count; ++label) {
      if (labels_.moments.is_null[label] != 0) ids[label] = KeyMap::kNone;
      if (ids[label] != KeyMap::kNone) ++counts[ids[label] + 1];
    }
    std::partial_sum(counts.begin(), counts.end(), counts.begin());
    order.resize(counts.back());
    auto next = counts;
    for (std::size_t label = 0; label < count; ++label) {
      if (ids[label] != KeyMap::kNone) order[next[ids[label]]++] = static_cast<std::uint32_t>(label);
    }
    place_of_.assign(count, kNoTie);
    for (std::size_t id = 0; id + 1 < begin_.size(); ++id) {
      std::sort(order.begin() + static_cast<std::ptrdiff_t>(counts[id]), order.begin() + static_cast<std::ptrdiff_t>(counts[id + 1]),
                [&](std::uint32_t a, std::uint32_t b) { return labels_.moments.values[a] < labels_.moments.values[b]; });
      for (std::size_t i = counts[id]; i < counts[id + 1]; ++i) {
        const std::int64_t moment = labels_.moments.values[order[i]];
        if (i == counts[id] || moment != moments_.back()) moments_.push_back(moment);
        place_of_[order[i]] = static_cast<std::uint32_t>(moments_.size() - 1);
      }
      begin_[id + 1] = moments_.size();
    }
    return Ok();
  }

  std::size_t size() const { return moments_.size(); }
  bool has_keys() const { return has_keys_; }
  void FindKeys(const Block& block, std::vector<std::uint32_t>& ids) const {
    if (has_keys_) return map_.Find(block.keys, ids);
    ids.assign(block.size(), 0);
  }
  void Prefetch(std::uint32_t id) const { __builtin_prefetch(&begin_[id]); }
  void PrefetchMoments(std::uint32_t id) const { __builtin_prefetch(moments_.data() + begin_[id]); }
  // The first place of the key whose moment is not before `time`; none: no label could see the row.
  std::optional<std::size_t> PlaceOf(std::uint32_t id, std::int64_t time) const {
    const auto begin = moments_.begin() + static_cast<std::ptrdiff_t>(begin_[id]);
    const auto end = moments_.begin() + static_cast<std::ptrdiff_t>(begin_[id + 1]);
    const auto at = std::lower_bound(begin, end, time);
    if (at == end) return std::nullopt;
    return static_cast<std::size_t>(at - moments_.begin());
  }
  std::pair<std::int64_t, std::int64_t> Range() const {
    if (moments_.empty()) return {Limits::max(), Limits::min()};
    const auto [least, greatest] = std::ranges::minmax_element(moments_);
    return {*least, *greatest};
  }

  // What each label sees, of what is new at each place: the newest of the places up to its own.
  std::vector<std::int64_t> Rows(std::vector<Best>& best, std::int64_t ttl) const {
    for (std::size_t id = 0; id + 1 < begin_.size(); ++id) {
      for (std::size_t place = begin_[id] + 1; place < begin_[id + 1]; ++place) {
        const Best& before = best[place - 1];
        const bool is_newer = before.row >= 0 && (best[place].row < 0 || std::pair(before.event, before.created) > std::pair(best[place].event, best[place].created));
        if (is_newer) best[place] = before;
      }
    }
    std::vector<std::int64_t> rows(place_of_.size(), -1);
    for (std::size_t label = 0; label < rows.size(); ++label) {
      if (place_of_[label] == kNoTie) continue;
      const Best& seen = best[place_of_[label]];
      const bool is_too_old = ttl > 0 && seen.event < Minus(moments_[place_of_[label]], ttl);
      if (seen.row >= 0 && !is_too_old) rows[label] = seen.row;
    }
    return rows;
  }

 private:
  bool has_keys_;
  const Labels& labels_;
  KeyMap map_;
  std::vector<std::size_t> begin_;       // of each key's places, and the end
  std::vector<std::int64_t> moments_;    // of each place
  std::vector<std::uint32_t> place_of_;  // of each label
};

Status OfferBlock(const Block& block, const Places& places, bool by_created, Found& found) {
  thread_local std::vector<std::uint32_t> ids;
  places.FindKeys(block, ids);
  std::array<std::pair<std::size_t, std::size_t>, 64> offers;  // row, place
  std::size_t waiting = 0;
  const auto flush = [&]() -> Status {
    for (std::size_t i = 0; i < waiting; ++i) {
      const auto [row, place] = offers[i];
      SW_TRY(found.Offer(place, block.event.values[row], block.Created(row), block.first_row + static_cast<std::int64_t>(row)));
    }
    waiting = 0;
    return Ok();
  };
  for (std::size_t row = 0; row < block.size(); ++row) {
    if (row + 2 * kAhead < block.size() && ids[row + 2 * kAhead] != KeyMap::kNone) places.Prefetch(ids[row + 2 * kAhead]);
    if (row + kAhead < block.size() && ids[row + kAhead] != KeyMap::kNone) places.PrefetchMoments(ids[row + kAhead]);
    if (ids[row] == KeyMap::kNone || !block.HasTime(row)) continue;
    std::int64_t visible = block.event.values[row];
    if (by_created) {
      if (!block.HasCreated(row)) continue;
      visible = std::max(visible, block.Created(row));
    }
    const auto place = places.PlaceOf(ids[row], visible);
    if (!place) continue;
    found.Prefetch(*place);
    offers[waiting++] = {row, *place};
    if (waiting == offers.size()) SW_TRY(flush());
  }
  return flush();
}

}  // namespace

std::int64_t InUnit(std::int64_t us, data::TimeUnit unit) {
  if (unit == data::TimeUnit::kMicroseconds) return us;
  std::int64_t ns = 0;
  if (!__builtin_mul_overflow(us, kNsPerUs, &ns)) return ns;
  return us < 0 ? Limits::min() : Limits::max();
}

data::TimeUnit UnitOf(const EventTable& table) {
  const bool has_nanos = std::ranges::any_of(table.files.no_rows().columns(), [&](const data::RawColumn& column) {
    return column.is_nanos && (column.name == table.event_time || column.name == table.created);
  });
  return has_nanos ? data::TimeUnit::kNanoseconds : data::TimeUnit::kMicroseconds;
}

Result<std::vector<std::int64_t>> NewestRows(const EventTable& table, const Labels& labels, const NewestOptions& options) {
  Places places(table, labels);
  SW_TRY(places.Make());
  const bool by_created = options.by_created && !table.created.empty();
  const std::int64_t ttl = InUnit(options.ttl, labels.unit);
  const std::int64_t unit = labels.unit == data::TimeUnit::kNanoseconds ? kNsPerUs : 1;
  const auto [least, greatest] = places.Range();
  const auto skip = [&, first = least, last = greatest](TimeUs part_least, TimeUs part_greatest) {
    if (first > last) return true;
    const std::int64_t first_us = first / unit - 1, last_us = last / unit;
    return part_least > last_us || (ttl > 0 && part_greatest < Minus(Minus(first_us, options.ttl), 1));
  };
  std::vector<Found> found;
  for (std::size_t thread = 0; thread < std::max<std::size_t>(1, options.threads); ++thread) found.emplace_back(places.size(), options.ties_max);
  SW_TRY(ForEachBlock(table, labels.unit, found.size(), skip,
                      [&](std::size_t thread, const Block& block) { return OfferBlock(block, places, by_created, found[thread]); }));
  for (std::size_t thread = 1; thread < found.size(); ++thread) {
    for (std::size_t place = 0; place < places.size(); ++place) SW_TRY(found[0].Merge(found[thread], place, place));
  }
  SW_TRY(found[0].Decide(table, options.threads));
  return places.Rows(found[0].best(), ttl);
}

Result<std::vector<std::int64_t>> NewestOfEachKey(const EventTable& table, const TimeRange& range, data::TimeUnit unit, const NewestOptions& options) {
  struct OfThread {
    KeyMap map;
    Found found;
  };
  std::vector<OfThread> found;
  for (std::size_t thread = 0; thread < std::max<std::size_t>(1, options.threads); ++thread) found.push_back({KeyMap(), Found(0, options.ties_max)});
  const auto never = [](TimeUs, TimeUs) { return false; };
  SW_TRY(ForEachBlock(table, unit, found.size(), never, [&](std::size_t thread, const Block& block) -> Status {
    OfThread& own = found[thread];
    std::vector<std::uint32_t> ids(block.size(), 0);
    if (!table.keys.empty()) ids = SW_TRY(own.map.Insert(block.keys));
    own.found.Resize(table.keys.empty() ? 1 : own.map.size());
    for (std::size_t row = 0; row < block.size(); ++row) {
      const std::int64_t event = block.event.values[row];
      if (ids[row] == KeyMap::kNone || !block.HasTime(row) || event < range.from || event > range.to) continue;
      SW_TRY(own.found.Offer(ids[row], event, block.Created(row), block.first_row + static_cast<std::int64_t>(row)));
    }
    return Ok();
  }));
  for (std::size_t thread = 1; thread < found.size(); ++thread) {
    OfThread& theirs = found[thread];
    std::vector<std::uint32_t> ids(theirs.found.best().size(), 0);
    if (!table.keys.empty()) ids = SW_TRY(found[0].map.Insert(theirs.map.Keys()));
    found[0].found.Resize(table.keys.empty() ? 1 : found[0].map.size());
    for (std::size_t place = 0; place < ids.size(); ++place) SW_TRY(found[0].found.Merge(theirs.found, place, ids[place]));
  }
  SW_TRY(found[0].found.Decide(table, options.threads));
  std::vector<std::int64_t> rows;
  for (const Best& best : found[0].found.best()) {
    if (best.row >= 0) rows.push_back(best.row);
  }
  std::ranges::sort(rows);
  return rows;
}

Result<std::vector<std::int64_t>> RowsInRange(const EventTable& table, const TimeRange& range, data::TimeUnit unit) {
  struct Timed {
    std::int64_t event, created, row;
    auto operator<=>(const Timed&) const = default;
  };
  std::vector<Timed> found;
  EventTable times = table;
  times.keys.clear();
  SW_TRY(ForEachBlock(times, unit, 1, [](TimeUs, TimeUs) { return false; }, [&](std::size_t, const Block& block) -> Status {
    for (std::size_t row = 0; row < block.size(); ++row) {
      const std::int64_t event = block.event.values[row];
      if (!block.HasTime(row) || event < range.from || event > range.to) continue;
      found.push_back({event, block.Created(row), block.first_row + static_cast<std::int64_t>(row)});
    }
    return Ok();
  }));
  std::ranges::sort(found);
  std::vector<std::int64_t> rows;
  rows.reserve(found.size());
  for (const Timed& each : found) rows.push_back(each.row);
  return rows;
}

}  // namespace sw::feast
