// CategoryIndex: the place of a category among a column's categories. Internal to the pipeline
// engine. Immutable; thread-safe.
//
// A text costs one hash and, nearly always, one comparison. Names that collide on purpose make it a
// binary search, never a long walk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/plan.h"

namespace sw::model {

class CategoryIndex {
 public:
  static constexpr std::int32_t kNone = -1;

  explicit CategoryIndex(const Categories& categories);
  std::int32_t Find(std::string_view text) const;
  std::int32_t Find(double number) const;  // NaN is none
  std::size_t memory_bytes() const;        // beside itself

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::int32_t category = kNone;
  };
  void Insert(std::uint64_t hash, std::int32_t category);
  std::int32_t FindSorted(std::string_view text) const;
  std::int32_t FindSorted(double number) const;

  std::vector<std::string> texts_;   // as given
  std::vector<double> numbers_;
  std::vector<std::int32_t> sorted_;  // places by rising category
  std::vector<Slot> slots_;           // a power of two, at most half full
  std::uint64_t mask_ = 0;
  bool is_crowded_ = false;           // too many collisions: search sorted_
};

}  // namespace sw::model
