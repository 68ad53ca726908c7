#include "serve/version_statistics.h"

namespace sw::serve {

VersionCounters VersionCounters::For(base::Counters& counters, const std::string& endpoint, std::int64_t version) {
  const auto get = [&](const char* name, const char* help) -> base::Counter& {
    return counters.Get(name, help, {{"endpoint", endpoint}, {"version", std::to_string(version)}});
  };
  const auto stage = [&](const char* name) -> base::LatencyHistogram& {
    return counters.Histogram("serve_version_stage_seconds",
                              "Of answered requests: input (checks, types, features), queue (until a thread took it), score "
                              "(contract and engine), output (log and decisions, until the answer).",
                              {{"endpoint", endpoint}, {"version", std::to_string(version)}, {"stage", name}});
  };
  return {.version = version,
          .last_us = get("serve_version_last_answer_us", "When a version last answered, in microseconds since 1970."),
          .memory_bytes = get("serve_version_memory_bytes", "What a version's package holds in memory, a process of its own included; 0: it is not loaded."),
          .requests = get("serve_version_requests_total", "Requests that a version answered, wholly or in part."),
          .rows = get("serve_version_rows_total", "Rows that a version answered."),
          .failed_requests = get("serve_version_failed_requests_total", "Requests that a version, or its endpoint while it was live, did not answer."),
          .input = stage("input"),
          .queue = stage("queue"),
          .score = stage("score"),
          .output = stage("output"),
          .failed_ns = get("serve_version_failed_ns_total", "Nanoseconds of requests that failed.")};
}

void VersionCounters::NoteAnswer(const AnswerTimes& times, TimeUs now) const {
  last_us.Set(now);
  requests.Add();
  rows.Add(times.rows);
  input.Record(times.input_ns);
  queue.Record(times.queue_ns);
  score.Record(times.score_ns);
  output.Record(times.output_ns);
}

void VersionCounters::NoteFailure(std::int64_t nanoseconds) const {
  failed_requests.Add();
  failed_ns.Add(nanoseconds);
}

VersionStatistics VersionCounters::Read() const {
  return {.version = version,
          .last = last_us.Value(),
          .requests = requests.Value(),
          .rows = rows.Value(),
          .failed_requests = failed_requests.Value(),
          .input_ns = input.SumNs(),
          .queue_ns = queue.SumNs(),
          .score_ns = score.SumNs(),
          .output_ns = output.SumNs(),
          .failed_ns = failed_ns.Value()};
}

}  // namespace sw::serve
