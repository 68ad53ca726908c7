#include "serve/blocking_pools.h"

namespace sw::serve {

BlockingPool* BlockingPools::For(const std::string& endpoint) {
  if (!make_) return nullptr;
  const std::lock_guard lock(mutex_);
  const auto [entry, is_new] = of_.emplace(endpoint, 0);
  if (!is_new) return pools_[entry->second].get();
  if (!free_.empty()) {
    entry->second = free_.back();
    free_.pop_back();
  } else if (pools_.size() < kPoolsMax) {
    entry->second = pools_.size();
    pools_.push_back(std::make_unique<BlockingPool>(make_(), limits_, counters_));
  } else {
    entry->second = std::hash<std::string>()(endpoint) % kPoolsMax;
  }
  return pools_[entry->second].get();
}

void BlockingPools::Release(std::string_view endpoint) {
  const std::lock_guard lock(mutex_);
  const auto found = of_.find(endpoint);
  if (found == of_.end()) return;
  const std::size_t pool = found->second;
  of_.erase(found);
  for (const auto& [name, other] : of_) {
    if (other == pool) return;  // shared
  }
  free_.push_back(pool);
}

void BlockingPools::WaitUntilEmpty() {
  std::vector<BlockingPool*> pools;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& pool : pools_) pools.push_back(pool.get());
  }
  for (BlockingPool* pool : pools) {
    pool->admission.WaitUntilEmpty();
    pool->shadows.WaitForEarlier();
  }
}

}  // namespace sw::serve
