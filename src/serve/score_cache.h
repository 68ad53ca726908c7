// ScoreCache: the scores of rows that were scored lately, by version and the row's values.
//
//   cache.Put(key, scores);
//   if (cache.Take(key, scores)) ...
//
// Bounded by rows, each of at most kKeyBytesMax. What was not asked for since the hand came by last goes first
// (the clock algorithm). Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sw::serve {

class ScoreCache {
 public:
  static constexpr std::size_t kKeyBytesMax = 4'096;

  ScoreCache(std::size_t rows_max, std::size_t outputs) : rows_max_(rows_max), outputs_(outputs) {}

  // False when there is no such row; `scores` has one an output.
  bool Take(std::string_view key, std::span<double> scores);
  void Put(std::string_view key, std::span<const double> scores);
  std::size_t rows() const;

 private:
  struct Slot {
    std::string key;
    bool is_used = false;  // since the hand came by
  };
  std::size_t FreeSlot();

  const std::size_t rows_max_, outputs_;
  mutable std::mutex mutex_;  // guards those below
  std::unordered_map<std::string_view, std::size_t> slot_of_;  // of the slot's own key
  std::vector<Slot> slots_;      // never more than rows_max_
  std::vector<double> scores_;   // a slot's, one after the other
  std::size_t hand_ = 0;
};

}  // namespace sw::serve
