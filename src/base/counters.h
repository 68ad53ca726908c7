// Counters, gauges and latency histograms, printed under /metrics in Prometheus' text format.
//
// app constructs one Counters and hands it down; a room asks once for what it needs and keeps the
// reference. Names begin with the room: "net_connections_total". Thread-safe; adding is one atomic.
//
//   Counter& refused = counters.Get("serve_refused_total", "Requests refused.", {{"limit", "queue"}});
//   refused.Add();
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sw::base {

class Counter {
 public:
  void Add(std::int64_t amount = 1) { value_.fetch_add(amount, std::memory_order_relaxed); }
  void Set(std::int64_t value) { value_.store(value, std::memory_order_relaxed); }
  std::int64_t Value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// Log-spaced buckets from 1 microsecond to about 67 seconds, four a doubling.
class LatencyHistogram {
 public:
  static constexpr std::size_t kBuckets = 4 * 26 + 1;
  void Record(std::int64_t nanoseconds);
  double QuantileSeconds(double q) const;  // upper edge of the bucket; 0 when empty
  std::int64_t Count() const;
  std::int64_t SumNs() const { return sum_ns_.Value(); }
  double SumSeconds() const;
  std::int64_t BucketCount(std::size_t bucket) const { return buckets_[bucket].Value(); }
  static double BucketUpperSeconds(std::size_t bucket);

 private:
  std::array<Counter, kBuckets> buckets_;
  Counter sum_ns_;
};

using Labels = std::vector<std::pair<std::string, std::string>>;

class Counters {
 public:
  // The same name and labels give the same object. A name that ends in _total is a counter, any
  // other a gauge.
  Counter& Get(std::string_view name, std::string_view help, const Labels& labels = {});
  LatencyHistogram& Histogram(std::string_view name, std::string_view help, const Labels& labels = {});
  std::string PrometheusText() const;  // version 0.0.4
  std::string OpenMetricsText() const;  // version 1.0.0, without its end

 private:
  std::string Text(bool is_open_metrics) const;
  struct Family {
    std::string help;
    std::map<std::string, std::unique_ptr<Counter>> counters;  // by rendered labels
    std::map<std::string, std::unique_ptr<LatencyHistogram>> histograms;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Family> families_;
};

}  // namespace sw::base
