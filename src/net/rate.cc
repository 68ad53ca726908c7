#include "net/rate.h"

#include <algorithm>

namespace sw::net {

double TokenBucket::Refilled(std::int64_t now_ns) const {
  return std::min(burst_, tokens_ + per_second_ * static_cast<double>(now_ns - filled_ns_) * 1e-9);
}

bool TokenBucket::Take(std::int64_t now_ns) {
  if (filled_ns_ != 0) tokens_ = Refilled(now_ns);
  filled_ns_ = now_ns;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

bool TokenBucket::IsFull(std::int64_t now_ns) const { return Refilled(now_ns) >= burst_; }

bool PeerRates::Take(const std::string& peer, std::int64_t now_ns) {
  if (per_second_ <= 0) return true;
  std::lock_guard lock(mutex_);
  auto found = buckets_.find(peer);
  if (found == buckets_.end()) {
    if (buckets_.size() >= kPeersMax) {
      std::erase_if(buckets_, [&](const auto& entry) { return entry.second.IsFull(now_ns); });
    }
    const bool is_full = buckets_.size() >= kPeersMax;
    found = buckets_.try_emplace(is_full ? std::string() : peer, per_second_, std::max(per_second_, 1.0)).first;
  }
  return found->second.Take(now_ns);
}

}  // namespace sw::net
