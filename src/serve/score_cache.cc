#include "serve/score_cache.h"

#include <algorithm>

namespace sw::serve {

bool ScoreCache::Take(std::string_view key, std::span<double> scores) {
  const std::lock_guard lock(mutex_);
  const auto found = slot_of_.find(key);
  if (found == slot_of_.end()) return false;
  slots_[found->second].is_used = true;
  std::copy_n(scores_.begin() + static_cast<std::ptrdiff_t>(found->second * outputs_), outputs_, scores.begin());
  return true;
}

void ScoreCache::Put(std::string_view key, std::span<const double> scores) {
  if (key.size() > kKeyBytesMax) return;
  const std::lock_guard lock(mutex_);
  if (slot_of_.contains(key)) return;
  const std::size_t slot = FreeSlot();
  slots_[slot].key = key;
  slots_[slot].is_used = false;
  slot_of_.emplace(slots_[slot].key, slot);
  std::ranges::copy(scores, scores_.begin() + static_cast<std::ptrdiff_t>(slot * outputs_));
}

std::size_t ScoreCache::rows() const {
  const std::lock_guard lock(mutex_);
  return slots_.size();
}

// With mutex_ held.
std::size_t ScoreCache::FreeSlot() {
  if (slots_.size() < rows_max_) {
    if (slots_.size() == slots_.capacity()) {  // a short key moves with its slot
      slots_.reserve(std::min(rows_max_, std::max<std::size_t>(64, 2 * slots_.size())));
      slot_of_.clear();
      for (std::size_t slot = 0; slot < slots_.size(); ++slot) slot_of_.emplace(slots_[slot].key, slot);
    }
    slots_.emplace_back();
    scores_.resize(slots_.size() * outputs_);
    return slots_.size() - 1;
  }
  while (slots_[hand_].is_used) {
    slots_[hand_].is_used = false;
    hand_ = (hand_ + 1) % rows_max_;
  }
  const std::size_t slot = hand_;
  hand_ = (hand_ + 1) % rows_max_;
  slot_of_.erase(slots_[slot].key);
  return slot;
}

}  // namespace sw::serve
