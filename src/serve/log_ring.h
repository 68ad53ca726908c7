// LogRing: bounded memory between the predictions and the logbook.
//
//   LogRing ring({.rows_max = 50'000}, log, counters);
//   bool logged = ring.Push(std::move(record), LogRing::Priority::kPrediction);  // never blocks
//   SW_TRY(ring.Flush());
//
// A thread of its own writes what was pushed to the PredictionLog, by size and by age. A full ring
// turns records away, counted ("serve_log_dropped_rows_total"). What the log refuses is kept and
// tried again in the same order. A record that somebody waits for is written at once, and synced with
// the others that are waited for by then. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/counters.h"
#include "base/result.h"
#include "serve/interfaces.h"
#include "serve/log_record.h"

namespace sw::serve {

class LogRing {
 public:
  enum class Priority : std::uint8_t { kPrediction, kShadow };  // shadows may fill half of the ring

  struct Options {
    std::size_t rows_max = 50'000;
    std::size_t bytes_max = 128u << 20;
    std::size_t flush_rows = 1'000;         // wakes the thread
    std::int64_t flush_every_ms = 20;       // the oldest record waits about that long
    std::int64_t retry_every_ms = 250;      // after the log refused
    bool has_thread = true;                 // false: only Flush writes
  };
  LogRing(const Options& options, PredictionLog& log, base::Counters& counters);
  ~LogRing();  // flushes; what the log still refuses is lost and counted as dropped

  LogRing(const LogRing&) = delete;
  LogRing& operator=(const LogRing&) = delete;

  // False when there is no room.
  bool Push(LogRecord record, Priority priority);
  // Returns when all that was pushed before the call is in the log, or the log's error.
  Status Flush();
  std::size_t rows() const;  // held now

 private:
  using WhenOnDisk = std::function<void(const Status&)>;
  // Records of one kind, one after the other: a push copies bytes, and allocates nothing.
  struct Queued {
    std::shared_ptr<const LogKind> kind;
    std::string bytes;
  };
  struct Pending {
    std::int64_t sequence = 0;
    std::shared_ptr<const LogKind> kind;
    LoggedRows rows;
    std::size_t bytes = 0;
  };
  std::string& QueueOf(const std::shared_ptr<const LogKind>& kind);
  void Run(const std::stop_token& stop);
  void TakeQueued();
  Status WritePending();
  Status SyncWaiting(const Status& written);

  const Options options_;
  PredictionLog& log_;
  base::Counter& dropped_rows_;
  base::Counter& dropped_shadow_rows_;
  base::Counter& written_rows_;
  base::Counter& errors_;
  base::Counter& held_;

  mutable std::mutex mutex_;  // guards the next seven
  std::condition_variable_any wake_;
  std::vector<Queued> queue_;
  std::vector<WhenOnDisk> queue_waiting_;
  std::vector<std::string> spare_;  // emptied, to be filled again
  std::size_t rows_held_ = 0;
  std::size_t bytes_held_ = 0;
  bool is_urgent_ = false;  // somebody waits for what is queued

  std::mutex flush_mutex_;  // one writer at a time; guards the next three
  std::deque<Pending> pending_;
  std::int64_t next_sequence_ = 1;
  std::vector<WhenOnDisk> waiting_;

  std::jthread thread_;  // last: joins before the rest goes away
};

}  // namespace sw::serve
