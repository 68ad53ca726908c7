// Rates: how often a peer may do something. TokenBucket: one owner; PeerRates: thread-safe.
//
//   TokenBucket pings(10, 100);              // ten a second, a hundred at once
//   if (!pings.Take(now_ns)) ...
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

namespace sw::net {

class TokenBucket {
 public:
  TokenBucket(double per_second, double burst) : per_second_(per_second), burst_(burst), tokens_(burst) {}
  bool Take(std::int64_t now_ns);
  bool IsFull(std::int64_t now_ns) const;

 private:
  double Refilled(std::int64_t now_ns) const;
  double per_second_;
  double burst_;
  double tokens_;
  std::int64_t filled_ns_ = 0;
};

// A bucket for each address. Bounded: of more addresses than kPeersMax, idle ones are forgotten, and
// when none is, the rest share one.
class PeerRates {
 public:
  static constexpr std::size_t kPeersMax = 65'536;
  void Configure(double per_second) { per_second_ = per_second; }  // 0: no limit; before the first Take
  bool Take(const std::string& peer, std::int64_t now_ns);

 private:
  double per_second_ = 0;
  std::mutex mutex_;
  std::unordered_map<std::string, TokenBucket> buckets_;
};

}  // namespace sw::net
