// KeyMap: numbers the distinct keys of tables, 0, 1, 2, ... in the order of their coming.
//
//   KeyMap map;
//   const auto ids = map.Insert(keys);                   // of labels, say
//   map.Find(other_keys, [&](std::size_t row, std::uint32_t id) { ... });   // rows whose key was inserted
//
// Integers are kept as such while all keys are. One owner; Find by several threads at once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/raw_table.h"

namespace sw::feast {

class KeyMap {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;
  // A row without a key gets kNone. RESOURCE_EXHAUSTED beyond 2^31 keys.
  Result<std::vector<std::uint32_t>> Insert(const data::RawKeys& keys);
  // Of each row; kNone: it has no key, or one that is not here.
  void Find(const data::RawKeys& keys, std::vector<std::uint32_t>& ids) const;
  std::size_t size() const { return is_numbers_ ? numbers_.size() : ends_.size(); }
  // All keys, in order.
  data::RawKeys Keys() const;

 private:
  void ToBytes();
  void Rehash(std::size_t places);
  std::string_view KeyAt(std::uint32_t id) const;
  template <typename IsIt>
  std::size_t PlaceOf(std::uint64_t hash, IsIt is_it) const;
  std::uint32_t FindNumber(std::int64_t number) const;
  std::uint32_t FindBytes(std::string_view key) const;

  bool is_numbers_ = true;
  std::vector<std::int64_t> numbers_;
  std::string bytes_;
  std::vector<std::size_t> ends_;
  std::vector<std::uint32_t> slots_ = std::vector<std::uint32_t>(1024, kNone);  // a power of two, half empty
};

}  // namespace sw::feast
