// NewestSlots: what labels see of a view whose every feature is of one newest row (last and value, without a window), from rows
// in any order, of which none is kept.
//
//   NewestSlots slots(view, keys, moments);
//   SW_TRY(slots.Add(rows, false));                                   // from several threads
//   for (std::size_t part = 0; part < ClusteredRows::kParts; ++part) slots.Settle(part);
//   FeatureValue value = slots.Value(label, feature);
//
// Each (key, moment) of the labels is a slot. A row goes to the first slot from which it is visible on, if it is the newest
// there; a running maximum over a key's slots then gives what each moment sees. Rows of one event time have no order here:
// where such a pair decides a value, HasTies() says so, and the caller joins another way.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/batch.h"
#include "feature/history.h"
#include "feature/plan.h"

namespace sw::feature {

class NewestSlots {
 public:
  static bool Suits(const ViewPlan& view);

  // `keys` are the labels' columns of the view's keys, and live as long as this.
  NewestSlots(const ViewPlan& view, const std::vector<const data::Column*>& keys, const std::vector<TimeUs>& moments);

  // Rows as GroupRows takes them; a tie is not looked at. Thread-safe.
  Status Add(const SourceRows& rows, bool ignore_availability);
  // Of the keys whose hash is in the part (ClusteredRows::PartOf): after all rows, once, by any thread.
  void Settle(std::size_t part);
  bool HasTies() const { return has_ties_; }

  // After Settle. Of a label without a key: as of one without rows.
  FeatureValue Value(std::size_t label, std::size_t feature) const;
  // Whether a row of the label's key had happened by its moment, and whether one was visible.
  bool HasHappened(std::size_t label) const;
  bool IsSeen(std::size_t label) const;

 private:
  static constexpr std::size_t kLocks = 1'024;
  static constexpr std::size_t kAhead = 32;  // rows that are looked up together
  static constexpr std::uint32_t kNoSlot = UINT32_MAX;

  struct Key {
    std::uint64_t hash = 0;
    std::string text;
    std::uint32_t first = 0, end = 0;  // of its slots, by moment
    TimeUs first_event = kNever, first_seen = kNever;  // of all its rows
  };
  // What features of one column share.
  struct Newest {
    std::size_t column = 0;    // of the view
    bool takes_nulls = false;  // value does, last does not
    bool is_strict = false;
    std::vector<std::string> texts;  // a slot each, where the column is of texts
  };
  // The newest row of a slot, for a Newest.
  struct Cell {
    TimeUs event_time = kAlways;  // none
    std::uint64_t bits = 0;
    bool is_null = true, is_tied = false;
  };

  void MakeSlots(const std::vector<const data::Column*>& keys);
  void MakeTable();
  void AddNewest(const Feature& feature);
  Key* Find(std::uint64_t hash, std::string_view text);
  // A row on its way to its slots.
  struct Ahead {
    std::size_t row = 0;
    std::uint64_t hash = 0;
    std::string text = {};
    RowTimes times = {};
    Key* key = nullptr;
    std::uint32_t slot = kNoSlot, strict_slot = kNoSlot;
  };
  std::uint32_t SlotFor(const Key& key, const RowTimes& times, bool is_strict) const;
  void AddAhead(std::span<Ahead> rows, const std::vector<const data::Column*>& values);
  void AddRow(const Ahead& ahead, const std::vector<const data::Column*>& values);
  void Take(std::size_t slot, std::size_t newest, TimeUs time, const data::Column& values, std::size_t row);
  void TakeSlot(std::size_t from, std::size_t to);
  Cell& CellOf(std::size_t slot, std::size_t newest) { return cells_[slot * newest_.size() + newest]; }

  const ViewPlan& view_;
  const std::vector<TimeUs>& moments_;
  std::vector<Key> keys_;                // by hash
  std::vector<std::uint32_t> table_;     // open addressing: a key's number and 1, or 0
  std::vector<TimeUs> slot_moment_;
  std::vector<std::uint32_t> slot_of_, key_of_;  // by label
  std::vector<Newest> newest_;
  std::vector<Cell> cells_;              // of a slot beside each other: a row then touches few lines of memory
  std::vector<std::size_t> newest_of_;   // by feature
  bool has_strict_ = false, has_usual_ = false;  // among them
  std::array<std::mutex, kLocks> locks_; // of keys, by their hash
  std::atomic<bool> has_ties_{false};
};

}  // namespace sw::feature
