// LiveEndpoint: a published snapshot with what the prediction path would otherwise look up.
//
// Immutable but for counters, the queue, the cache, the columns of features and the measured cost of a row. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/counters.h"
#include "data/schema.h"
#include "serve/blocking_pools.h"
#include "serve/contract_check.h"
#include "serve/endpoint.h"
#include "serve/log_record.h"
#include "serve/published.h"
#include "serve/score_cache.h"
#include "serve/score_queue.h"
#include "serve/version_statistics.h"

namespace sw::serve {

struct EndpointCounters {
  base::Counter& requests;
  base::Counter& live_rows;
  base::Counter& canary_rows;
  base::Counter& pinned_rows;
  base::Counter& shadow_rows;        // scored after a response: shadows and pairs
  base::Counter& canary_failures;    // rows that the live arm answered because the canary could not
  base::Counter& unit_missing_rows;  // split by prediction id instead
  base::Counter& ignored_columns;
  base::Counter& censored_queue;     // pairs: the shadow queue was full
  base::Counter& censored_log;       // pairs: the log ring was full
  base::Counter& censored_score;     // pairs: the arm could not score
  base::Counter& cache_hits;
  base::Counter& cache_misses;
  base::LatencyHistogram& latency;
  ViolationCounters violations;
  static EndpointCounters For(base::Counters& counters, const std::string& endpoint);
};

struct LiveEndpoint {
  // `checked` has its outputs. `own_or_null` outlives this; where an arm may block.
  LiveEndpoint(EndpointSnapshot checked, base::Counters& all_counters, BlockingPool* own_or_null);

  // What a prediction with these features is logged as.
  std::shared_ptr<const LogKind> PredictionsKind(const data::Schema& features, const data::Schema& read) const;
  void NoteMemory() const;    // in the versions' gauges
  void NoteUnloaded() const;  // sets them to 0
  void MeasureCost(std::int64_t nanoseconds, std::size_t rows) const;
  ScoreCache* cache() const { return cache_.get(); }  // nullptr: none
  ScoreQueue& queue() const { return queue_; }

  const EndpointSnapshot snapshot;
  const Arm& live;
  const std::uint64_t split_seed;
  const bool has_canary;
  const bool refuses_any;
  BlockingPool* const own;   // nullptr: none
  const bool answers_block;  // an arm that answers may wait for another process
  const std::shared_ptr<const LogKind> shadow_kind;
  const EndpointCounters counters;
  const std::vector<VersionCounters> versions;  // in the order of the arms
  mutable std::atomic<std::int64_t> row_cost_ns{0};  // a moving average

 private:
  mutable ScoreQueue queue_;
  const std::unique_ptr<ScoreCache> cache_;
  mutable Published<LogKind> predictions_kind_;  // of the newest features: a service may be defined anew
};

}  // namespace sw::serve
