// VersionStatistics: what a version of an endpoint did since the process began: how often, and where the time
// went. Also under /metrics, as serve_version_...
//
//   VersionCounters counters = VersionCounters::For(all, "late", 3);
//   counters.NoteAnswer({.rows = 2, .input_ns = 900, ...}, now);
//   VersionStatistics so_far = counters.Read();
//
// The counters are thread-safe: a few atomics a request. A reader may see some of a request before the rest.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/counters.h"

namespace sw::serve {

// Of one answered request.
struct AnswerTimes {
  std::int64_t rows = 0;       // that the version scored
  std::int64_t input_ns = 0;   // checks, types, features
  std::int64_t queue_ns = 0;   // until a thread took it
  std::int64_t score_ns = 0;   // contract and engine
  std::int64_t output_ns = 0;  // log and decisions, until it was answered
};

struct VersionStatistics {
  std::int64_t version = 0;
  TimeUs last = 0;  // answer; 0: none yet
  std::int64_t requests = 0, rows = 0, failed_requests = 0;  // `requests` are those answered
  std::int64_t input_ns = 0, queue_ns = 0, score_ns = 0, output_ns = 0, failed_ns = 0;
  std::int64_t answered_ns() const { return input_ns + queue_ns + score_ns + output_ns; }
};

struct VersionCounters {
  static VersionCounters For(base::Counters& counters, const std::string& endpoint, std::int64_t version);
  void NoteAnswer(const AnswerTimes& times, TimeUs now) const;
  // Of a request for this version, or for the endpoint while this was its live one.
  void NoteFailure(std::int64_t nanoseconds) const;
  VersionStatistics Read() const;

  std::int64_t version;
  base::Counter& last_us;
  base::Counter& memory_bytes;
  base::Counter& requests;
  base::Counter& rows;
  base::Counter& failed_requests;
  base::LatencyHistogram& input;
  base::LatencyHistogram& queue;
  base::LatencyHistogram& score;
  base::LatencyHistogram& output;
  base::Counter& failed_ns;
};

}  // namespace sw::serve
