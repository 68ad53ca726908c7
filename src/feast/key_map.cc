#include "feast/key_map.h"

#include "base/errors.h"
#include "base/hash.h"
#include "base/random.h"

namespace sw::feast {
namespace {

std::uint64_t HashOf(std::int64_t number) { return base::MixU64(static_cast<std::uint64_t>(number)); }
std::uint64_t HashOf(std::string_view key) { return base::Hash64(key); }

constexpr std::size_t kAhead = 16;  // rows whose place is fetched before it is looked at

}  // namespace

std::string_view KeyMap::KeyAt(std::uint32_t id) const {
  const std::size_t begin = id == 0 ? 0 : ends_[id - 1];
  return std::string_view(bytes_).substr(begin, ends_[id] - begin);
}

// Where the key is, or would be put.
template <typename IsIt>
std::size_t KeyMap::PlaceOf(std::uint64_t hash, IsIt is_it) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t place = hash & mask;
  while (slots_[place] != kNone && !is_it(slots_[place])) place = (place + 1) & mask;
  return place;
}

std::uint32_t KeyMap::FindNumber(std::int64_t number) const {
  return slots_[PlaceOf(HashOf(number), [&](std::uint32_t id) { return numbers_[id] == number; })];
}

std::uint32_t KeyMap::FindBytes(std::string_view key) const {
  return slots_[PlaceOf(HashOf(key), [&](std::uint32_t id) { return KeyAt(id) == key; })];
}

void KeyMap::Rehash(std::size_t places) {
  slots_.assign(places, kNone);
  const auto never = [](std::uint32_t) { return false; };
  for (std::uint32_t id = 0; id < size(); ++id) {
    slots_[PlaceOf(is_numbers_ ? HashOf(numbers_[id]) : HashOf(KeyAt(id)), never)] = id;
  }
}

void KeyMap::ToBytes() {
  if (!is_numbers_) return;
  is_numbers_ = false;
  for (const std::int64_t number : numbers_) {
    bytes_ += data::KeyOfNumber(number);
    ends_.push_back(bytes_.size());
  }
  numbers_.clear();
  Rehash(slots_.size());
}

Result<std::vector<std::uint32_t>> KeyMap::Insert(const data::RawKeys& keys) {
  if (!keys.is_number) ToBytes();
  std::vector<std::uint32_t> ids(keys.size(), kNone);
  for (std::size_t row = 0; row < keys.size(); ++row) {
    if (keys.is_null[row] != 0) continue;
    if (2 * (size() + 1) > slots_.size()) Rehash(2 * slots_.size());
    if (size() >= kNone / 2) return ResourceExhausted("more than {} different keys", size());
    std::size_t place = 0;
    if (is_numbers_) {
      const std::int64_t number = keys.numbers[row];
      place = PlaceOf(HashOf(number), [&](std::uint32_t id) { return numbers_[id] == number; });
      if (slots_[place] == kNone) {
        slots_[place] = static_cast<std::uint32_t>(numbers_.size());
        numbers_.push_back(number);
      }
    } else {
      const std::string made = keys.is_number ? data::KeyOfNumber(keys.numbers[row]) : std::string();
      const std::string_view key = keys.is_number ? std::string_view(made) : keys.Bytes(row);
      place = PlaceOf(HashOf(key), [&](std::uint32_t id) { return KeyAt(id) == key; });
      if (slots_[place] == kNone) {
        slots_[place] = static_cast<std::uint32_t>(ends_.size());
        bytes_ += key;
        ends_.push_back(bytes_.size());
      }
    }
    ids[row] = slots_[place];
  }
  return ids;
}

void KeyMap::Find(const data::RawKeys& keys, std::vector<std::uint32_t>& ids) const {
  ids.assign(keys.size(), kNone);
  if (is_numbers_ && keys.is_number) {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t row = 0; row < keys.size(); ++row) {
      if (row + kAhead < keys.size()) __builtin_prefetch(&slots_[HashOf(keys.numbers[row + kAhead]) & mask]);
      if (keys.is_null[row] == 0) ids[row] = FindNumber(keys.numbers[row]);
    }
    return;
  }
  for (std::size_t row = 0; row < keys.size(); ++row) {
    if (keys.is_null[row] != 0) continue;
    if (!is_numbers_) {
      ids[row] = keys.is_number ? FindBytes(data::KeyOfNumber(keys.numbers[row])) : FindBytes(keys.Bytes(row));
    } else if (const auto number = data::NumberOfKey(keys.Bytes(row))) {
      ids[row] = FindNumber(*number);
    }
  }
}

data::RawKeys KeyMap::Keys() const {
  data::RawKeys keys;
  keys.is_null.assign(size(), 0);
  keys.is_number = is_numbers_;
  keys.numbers = numbers_;
  keys.bytes = bytes_;
  keys.ends = ends_;
  return keys;
}

}  // namespace sw::feast
