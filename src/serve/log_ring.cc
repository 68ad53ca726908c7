#include "serve/log_ring.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace sw::serve {
namespace {

constexpr std::size_t kAppendRowsMax = 8'192;
constexpr std::size_t kSpareMax = 4, kSpareBytesMax = 4u << 20;
constexpr const char* kDroppedHelp = "Rows that the full log ring turned away.";

}  // namespace

LogRing::LogRing(const Options& options, PredictionLog& log, base::Counters& counters)
    : options_(options), log_(log),
      dropped_rows_(counters.Get("serve_log_dropped_rows_total", kDroppedHelp, {{"kind", "prediction"}})),
      dropped_shadow_rows_(counters.Get("serve_log_dropped_rows_total", kDroppedHelp, {{"kind", "shadow"}})),
      written_rows_(counters.Get("serve_log_rows_total", "Rows handed to the logbook.")),
      errors_(counters.Get("serve_log_errors_total", "Appends that the logbook refused; they are tried again.")),
      held_(counters.Get("serve_log_rows_held", "Rows in the log ring, not yet in the logbook.")) {
  if (options_.has_thread) thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

LogRing::~LogRing() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
  if (!Flush()) dropped_rows_.Add(static_cast<std::int64_t>(rows()));
}

bool LogRing::Push(LogRecord record, Priority priority) {
  const std::size_t rows = record.rows(), bytes = record.bytes().size();
  const std::size_t part = priority == Priority::kShadow ? 2 : 1;
  const std::lock_guard lock(mutex_);
  if (rows_held_ + rows > options_.rows_max / part || bytes_held_ + bytes > options_.bytes_max / part) {
    (priority == Priority::kShadow ? dropped_shadow_rows_ : dropped_rows_).Add(static_cast<std::int64_t>(rows));
    return false;
  }
  const std::size_t before = rows_held_;
  rows_held_ += rows;
  held_.Set(static_cast<std::int64_t>(rows_held_));
  bytes_held_ += bytes;
  QueueOf(record.kind()) += record.bytes();
  const bool begins_urgency = record.when_on_disk && !std::exchange(is_urgent_, true);
  if (record.when_on_disk) queue_waiting_.push_back(std::move(record.when_on_disk));
  if (before == 0 || begins_urgency || (before < options_.flush_rows && rows_held_ >= options_.flush_rows)) wake_.notify_one();
  return true;
}

// Only the stream's newest may grow: rows stay in the order pushed.
std::string& LogRing::QueueOf(const std::shared_ptr<const LogKind>& kind) {
  for (auto queued = queue_.rbegin(); queued != queue_.rend(); ++queued) {
    if (queued->kind == kind) return queued->bytes;
    if (queued->kind->stream == kind->stream) break;
  }
  queue_.push_back({kind, {}});
  if (!spare_.empty()) {
    queue_.back().bytes = std::move(spare_.back());
    spare_.pop_back();
  }
  return queue_.back().bytes;
}

std::size_t LogRing::rows() const {
  const std::lock_guard lock(mutex_);
  return rows_held_;
}

Status LogRing::Flush() {
  const std::lock_guard writer(flush_mutex_);
  TakeQueued();
  const Status written = WritePending();
  return waiting_.empty() ? written : SyncWaiting(written);
}

// One sync for all that wait. A record that is tried again later is not waited for any longer.
Status LogRing::SyncWaiting(const Status& written) {
  Status synced = written ? log_.Sync() : written;
  if (written && !synced) {
    errors_.Add();
    synced = std::unexpected(std::move(synced).error().Within("syncing the logbook"));
  }
  for (auto& when_on_disk : waiting_) when_on_disk(synced);
  waiting_.clear();
  return synced;
}

void LogRing::TakeQueued() {
  std::vector<Queued> taken;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(queue_);
    std::ranges::move(queue_waiting_, std::back_inserter(waiting_));
    queue_waiting_.clear();
    is_urgent_ = false;
  }
  for (Queued& queued : taken) {
    for (LoggedRows& rows : RowsOf(*queued.kind, queued.bytes, kAppendRowsMax)) {
      pending_.push_back({next_sequence_++, queued.kind, std::move(rows), 0});
    }
    pending_.back().bytes = queued.bytes.size();  // given back with the last of what was taken
    queued.bytes.clear();
    const std::lock_guard lock(mutex_);
    if (spare_.size() < kSpareMax && queued.bytes.capacity() <= kSpareBytesMax) spare_.push_back(std::move(queued.bytes));
  }
}

// Stops at the first refusal: what is behind it must not overtake it.
Status LogRing::WritePending() {
  while (!pending_.empty()) {
    const Pending& next = pending_.front();
    if (Status status = log_.Append(next.kind->stream, next.sequence, next.rows); !status) {
      errors_.Add();
      return std::unexpected(std::move(status).error().Within("writing " + next.kind->stream));
    }
    written_rows_.Add(static_cast<std::int64_t>(next.rows.num_rows()));
    {
      const std::lock_guard lock(mutex_);
      rows_held_ -= next.rows.num_rows();
      held_.Set(static_cast<std::int64_t>(rows_held_));
      bytes_held_ -= next.bytes;
    }
    pending_.pop_front();
  }
  return Ok();
}

void LogRing::Run(const std::stop_token& stop) {
  const auto every = std::chrono::milliseconds(options_.flush_every_ms);
  const auto retry = std::chrono::milliseconds(options_.retry_every_ms);
  bool refused = false;
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (refused) wake_.wait_for(lock, stop, retry, [] { return false; });
      wake_.wait(lock, stop, [this] { return rows_held_ > 0; });  // an idle server does not wake up
      wake_.wait_for(lock, stop, every, [this] { return is_urgent_ || rows_held_ >= options_.flush_rows; });
    }
    refused = !Flush();  // counted there; the rows stay
  }
}

}  // namespace sw::serve
