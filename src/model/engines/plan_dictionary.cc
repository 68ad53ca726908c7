#include "model/engines/plan_dictionary.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

#include "model/heap_bytes.h"

namespace sw::model {
namespace {

constexpr int kProbesMax = 32;

// Folds the 128-bit product: the mixing step of wyhash.
std::uint64_t Mix(std::uint64_t a, std::uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

constexpr std::uint64_t kSecret0 = 0xa0761d6478bd642fULL;
constexpr std::uint64_t kSecret1 = 0xe7037ed1a0b428dbULL;

std::uint64_t Load(const char* from, std::size_t bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, from, bytes);
  return word;
}

std::uint64_t HashOf(std::string_view text) {
  std::uint64_t hash = kSecret0 ^ text.size();
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left > 8; left -= 8, at += 8) hash = Mix(hash ^ Load(at, 8), kSecret1);
  // The last 1 to 8 bytes; of long texts they overlap the word before.
  const std::uint64_t last = text.size() >= 8 ? Load(at + left - 8, 8) : (left > 0 ? Load(at, left) : 0);
  return Mix(hash ^ last, kSecret1);
}

std::uint64_t HashOf(double number) { return Mix(std::bit_cast<std::uint64_t>(number + 0.0) ^ kSecret0, kSecret1); }

}  // namespace

CategoryIndex::CategoryIndex(const Categories& categories) : texts_(categories.texts), numbers_(categories.numbers) {
  const bool is_text = categories.type == CellType::kText;
  sorted_.resize(categories.size());
  std::iota(sorted_.begin(), sorted_.end(), 0);
  std::ranges::sort(sorted_, [&](std::int32_t a, std::int32_t b) {
    const auto i = static_cast<std::size_t>(a), j = static_cast<std::size_t>(b);
    return is_text ? texts_[i] < texts_[j] : numbers_[i] < numbers_[j];
  });
  slots_.resize(std::bit_ceil(2 * categories.size() + 1));
  mask_ = slots_.size() - 1;
  for (std::size_t i = 0; i < categories.size(); ++i) {
    Insert(is_text ? HashOf(texts_[i]) : HashOf(numbers_[i]), static_cast<std::int32_t>(i));
  }
}

void CategoryIndex::Insert(std::uint64_t hash, std::int32_t category) {
  std::uint64_t at = hash & mask_;
  for (int probes = 0; !is_crowded_ && slots_[at].category != kNone; at = (at + 1) & mask_) {
    is_crowded_ = ++probes > kProbesMax;
  }
  if (!is_crowded_) slots_[at] = {.hash = hash, .category = category};
}

std::size_t CategoryIndex::memory_bytes() const {
  return HeapBytes(texts_) + HeapBytes(numbers_) + HeapBytes(sorted_) + HeapBytes(slots_);
}

std::int32_t CategoryIndex::Find(std::string_view text) const {
  if (is_crowded_) return FindSorted(text);
  const std::uint64_t hash = HashOf(text);
  for (std::uint64_t at = hash & mask_;; at = (at + 1) & mask_) {
    const Slot& slot = slots_[at];
    if (slot.category == kNone) return kNone;
    if (slot.hash == hash && texts_[static_cast<std::size_t>(slot.category)] == text) return slot.category;
  }
}

std::int32_t CategoryIndex::Find(double number) const {
  if (is_crowded_) return FindSorted(number);
  const std::uint64_t hash = HashOf(number);
  for (std::uint64_t at = hash & mask_;; at = (at + 1) & mask_) {
    const Slot& slot = slots_[at];
    if (slot.category == kNone) return kNone;
    if (slot.hash == hash && numbers_[static_cast<std::size_t>(slot.category)] == number) return slot.category;
  }
}

std::int32_t CategoryIndex::FindSorted(std::string_view text) const {
  const auto name = [&](std::int32_t i) -> std::string_view { return texts_[static_cast<std::size_t>(i)]; };
  const auto found = std::ranges::lower_bound(sorted_, text, {}, name);
  return found != sorted_.end() && name(*found) == text ? *found : kNone;
}

std::int32_t CategoryIndex::FindSorted(double number) const {
  const auto value = [&](std::int32_t i) { return numbers_[static_cast<std::size_t>(i)]; };
  const auto found = std::ranges::lower_bound(sorted_, number, {}, value);
  return found != sorted_.end() && value(*found) == number ? *found : kNone;
}

}  // namespace sw::model
