#include "serve/log_ring.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace sw::serve {
namespace {

constexpr std::size_t kAppendRowsMax = 8'192;
constexpr std::size_t kValueBytes = 9;      // of a number and its null flag
constexpr std::size_t kRecordBytes = 1'024;  // of the containers around them
constexpr const char* kDroppedHelp = "Rows that the full log ring turned away.";

std::size_t BatchBytes(const data::Batch& batch) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < batch.num_columns(); ++i) {
    const data::Column& column = batch.column(i);
    bytes += column.size() * kValueBytes;
    if (column.type() != data::Type::kString) continue;
    for (std::size_t row = 0; row < column.size(); ++row) bytes += column.String(row).size();
  }
  return bytes;
}

std::size_t RecordBytes(const LogRecord& record) {
  std::size_t bytes = kRecordBytes + BatchBytes(record.lead);
  if (record.inputs != nullptr) bytes += BatchBytes(*record.inputs);
  // An endpoint without a service shares one batch for both.
  if (record.features != nullptr && record.features != record.inputs) bytes += BatchBytes(*record.features);
  for (const std::string& id : record.ids) bytes += id.size();
  return bytes;
}

// The three parts of a record, with the prefix of their columns' names.
struct Part {
  const data::Batch* batch;
  std::string_view prefix;
};
std::vector<Part> PartsOf(const LogRecord& record) {
  std::vector<Part> parts{{&record.lead, ""}};
  if (record.inputs != nullptr) parts.push_back({record.inputs.get(), "in."});
  if (record.features != nullptr) parts.push_back({record.features.get(), "x."});
  return parts;
}

bool SameColumns(const LogRecord& a, const LogRecord& b) {
  const std::vector<Part> ours = PartsOf(a), theirs = PartsOf(b);
  return std::ranges::equal(ours, theirs, [](const Part& x, const Part& y) {
    return x.prefix == y.prefix && (x.batch == y.batch || x.batch->schema() == y.batch->schema());
  });
}

data::Batch EmptyColumns(const LogRecord& record) {
  data::Schema schema;
  for (const Part& part : PartsOf(record)) {
    for (const data::Field& field : part.batch->schema().fields) {
      schema.fields.push_back({std::string(part.prefix) + field.name, field.type, field.nullable});
    }
  }
  return data::Batch(std::move(schema));
}

void AppendRecord(const LogRecord& record, LoggedRows& rows) {
  rows.event_time.insert(rows.event_time.end(), record.ids.size(), record.event_time);
  rows.id.insert(rows.id.end(), record.ids.begin(), record.ids.end());
  std::size_t column = 0;
  for (const Part& part : PartsOf(record)) {
    for (std::size_t i = 0; i < part.batch->num_columns(); ++i) {
      rows.columns.column(column++).AppendAll(part.batch->column(i));
    }
  }
}

}  // namespace

std::vector<StreamRows> MergeRecords(const std::vector<LogRecord>& records, std::size_t rows_max) {
  std::vector<StreamRows> merged;
  std::vector<const LogRecord*> first;  // of each of `merged`
  for (const LogRecord& record : records) {
    // Only the stream's newest group may grow: rows stay in the order pushed.
    std::size_t at = merged.size();
    while (at > 0 && merged[at - 1].stream != record.stream) --at;
    const bool fits = at > 0 && SameColumns(*first[at - 1], record) &&
                      merged[at - 1].rows.num_rows() + record.ids.size() <= rows_max;
    if (!fits) {
      merged.push_back({record.stream, {{}, {}, EmptyColumns(record)}});
      first.push_back(&record);
      at = merged.size();
    }
    AppendRecord(record, merged[at - 1].rows);
  }
  return merged;
}

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
  const std::size_t rows = record.ids.size(), bytes = RecordBytes(record);
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
  const bool begins_urgency = record.when_on_disk && !std::exchange(is_urgent_, true);
  queue_.push_back({std::move(record), bytes});
  if (before == 0 || begins_urgency || (before < options_.flush_rows && rows_held_ >= options_.flush_rows)) wake_.notify_one();
  return true;
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
    is_urgent_ = false;
  }
  std::vector<LogRecord> records;
  std::size_t bytes = 0;
  for (Queued& queued : taken) {
    bytes += queued.bytes;
    if (queued.record.when_on_disk) waiting_.push_back(std::move(queued.record.when_on_disk));
    records.push_back(std::move(queued.record));
  }
  std::vector<StreamRows> merged = MergeRecords(records, kAppendRowsMax);
  for (StreamRows& rows : merged) pending_.push_back({next_sequence_++, std::move(rows), 0});
  if (!pending_.empty()) pending_.back().bytes += bytes;  // given back with the last of what was taken
}

// Stops at the first refusal: what is behind it must not overtake it.
Status LogRing::WritePending() {
  while (!pending_.empty()) {
    const Pending& next = pending_.front();
    if (Status status = log_.Append(next.rows.stream, next.sequence, next.rows.rows); !status) {
      errors_.Add();
      return std::unexpected(std::move(status).error().Within("writing " + next.rows.stream));
    }
    written_rows_.Add(static_cast<std::int64_t>(next.rows.rows.num_rows()));
    {
      const std::lock_guard lock(mutex_);
      rows_held_ -= next.rows.rows.num_rows();
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
