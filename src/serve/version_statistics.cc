#include "serve/version_statistics.h"

namespace sw::serve {

VersionCounters VersionCounters::For(base::Counters& counters, const std::string& endpoint, std::int64_t version) {
  const auto get = [&](const char* name, const char* help) -> base::Counter& {
    return counters.Get(name, help, {{"endpoint", endpoint}, {"version", std::to_string(version)}});
  };
  return {.version = version,
          .last_us = get("serve_version_last_answer_us", "When a version last answered, in microseconds since 1970."),
          .requests = get("serve_version_requests_total", "Requests that a version answered, wholly or in part."),
          .rows = get("serve_version_rows_total", "Rows that a version answered."),
          .failed_requests = get("serve_version_failed_requests_total", "Requests that a version, or its endpoint while it was live, did not answer."),
          .input_ns = get("serve_version_input_ns_total", "Nanoseconds of checks, types and features."),
          .queue_ns = get("serve_version_queue_ns_total", "Nanoseconds of waiting for a thread."),
          .score_ns = get("serve_version_score_ns_total", "Nanoseconds of the contract's check and the engine."),
          .output_ns = get("serve_version_output_ns_total", "Nanoseconds from the scores to the answer."),
          .failed_ns = get("serve_version_failed_ns_total", "Nanoseconds of requests that failed.")};
}

void VersionCounters::NoteAnswer(const AnswerTimes& times, TimeUs now) const {
  last_us.Set(now);
  requests.Add();
  rows.Add(times.rows);
  input_ns.Add(times.input_ns);
  queue_ns.Add(times.queue_ns);
  score_ns.Add(times.score_ns);
  output_ns.Add(times.output_ns);
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
          .input_ns = input_ns.Value(),
          .queue_ns = queue_ns.Value(),
          .score_ns = score_ns.Value(),
          .output_ns = output_ns.Value(),
          .failed_ns = failed_ns.Value()};
}

}  // namespace sw::serve
