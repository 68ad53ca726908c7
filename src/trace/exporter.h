// SpanExporter: a thread that posts finished spans to a collector, off every other path.
//
//   SpanExporter exporter({.url = "http://127.0.0.1:4318", .resource = {{"service.name", "seaworthy"}}}, counters, log);
//   exporter.Add(std::move(span));
//
// A full queue drops what is added, and counts it; a collector that is not there costs its retries and
// then the batch. Thread-safe; the destructor sends what is left, for a limited time.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/counters.h"
#include "base/log.h"
#include "base/result.h"
#include "net/http.h"
#include "trace/span.h"

namespace sw::trace {

class SpanExporter {
 public:
  // Sends one body; a transport's error may be tried again.
  using Post = std::move_only_function<Result<net::Response>(const std::string& body)>;
  struct Options {
    Post post = {};                        // see PostTo
    std::vector<Attribute> resource = {};
    std::size_t queue_max = 8'192;         // spans that wait
    std::size_t batch_max = 512;
    std::int64_t batch_every_ms = 1'000;   // of fewer spans
    int attempts_max = 6;                  // of a batch
    std::int64_t backoff_first_ms = 500;   // doubles, to ten seconds at most
    std::int64_t flush_ms = 5'000;         // to send what is left at the end
  };
  SpanExporter(Options options, base::Counters& counters, base::Logger& log);
  ~SpanExporter();
  SpanExporter(const SpanExporter&) = delete;
  SpanExporter& operator=(const SpanExporter&) = delete;

  void Add(std::vector<Span> spans);

  // Of a collector at http://HOST:PORT or https://HOST:PORT, whose path /v1/traces takes the posts. The operator
  // chose it: any address will do. `ca_file`: as net::ClientOptions'.
  static Result<Post> PostTo(const std::string& url, net::Headers headers, std::string ca_file = {});

 private:
  enum class Outcome : std::uint8_t { kSent, kLater, kRefused };
  void Run();
  std::vector<Span> TakeBatch(std::unique_lock<std::mutex>& lock);
  void Send(const std::vector<Span>& batch);
  Outcome Try(const std::string& body, std::size_t spans, std::int64_t* retry_after_ms);
  // False: the time to flush is over.
  bool Pause(std::int64_t ms);

  Options options_;
  base::Logger& log_;
  base::Counter& sent_;
  base::Counter& dropped_queue_;
  base::Counter& dropped_refused_;
  base::Counter& dropped_unreachable_;
  base::Counter& retries_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Span> queue_;         // guarded by mutex_
  bool is_stopping_ = false;        // guarded by mutex_
  std::int64_t flush_until_ms_ = 0; // guarded by mutex_; once it is stopping
  bool is_failing_ = false;         // its thread's: the log was told
  std::thread thread_;
};

}  // namespace sw::trace
