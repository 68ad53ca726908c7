#include "trace/exporter.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <iterator>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/errors.h"
#include "net/client.h"
#include "trace/otlp.h"

namespace sw::trace {
namespace {

constexpr std::int64_t kBackoffMaxMs = 10'000;
constexpr std::int64_t kConnectTimeoutMs = 2'000;
constexpr std::int64_t kTimeoutMs = 5'000;
constexpr std::size_t kAnswerBytesMax = 64u << 10;

// What OTLP says may be sent again.
bool MayRetry(int status) { return status == 429 || status == 502 || status == 503 || status == 504; }

std::int64_t RetryAfterMs(const net::Response& response) {
  const std::string_view text = response.headers.Get("retry-after");
  std::int64_t seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return std::clamp<std::int64_t>(seconds, 0, kBackoffMaxMs / 1'000) * 1'000;
}

}  // namespace

SpanExporter::SpanExporter(Options options, base::Counters& counters, base::Logger& log)
    : options_(std::move(options)), log_(log),
      sent_(counters.Get("trace_spans_sent_total", "Spans that the collector has taken.")),
      dropped_queue_(counters.Get("trace_spans_dropped_total", "Spans that were lost.", {{"reason", "queue_full"}})),
      dropped_refused_(counters.Get("trace_spans_dropped_total", "Spans that were lost.", {{"reason", "refused"}})),
      dropped_unreachable_(counters.Get("trace_spans_dropped_total", "Spans that were lost.", {{"reason", "unreachable"}})),
      retries_(counters.Get("trace_retries_total", "Posts to the collector that were tried again.")),
      thread_([this] { Run(); }) {}

SpanExporter::~SpanExporter() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    flush_until_ms_ = base::MonotonicMs() + options_.flush_ms;
  }
  wake_.notify_all();
  thread_.join();
}

void SpanExporter::Add(std::vector<Span> spans) {
  bool is_due = false;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() + spans.size() > options_.queue_max) {
      dropped_queue_.Add(static_cast<std::int64_t>(spans.size()));
      return;
    }
    const std::size_t before = queue_.size();
    std::ranges::move(spans, std::back_inserter(queue_));
    is_due = before < options_.batch_max && queue_.size() >= options_.batch_max;
  }
  if (is_due) wake_.notify_all();
}

std::vector<Span> SpanExporter::TakeBatch(std::unique_lock<std::mutex>& lock) {
  wake_.wait_for(lock, std::chrono::milliseconds(options_.batch_every_ms),
                 [&] { return is_stopping_ || queue_.size() >= options_.batch_max; });
  const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(std::min(queue_.size(), options_.batch_max));
  std::vector<Span> batch(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
  queue_.erase(queue_.begin(), end);
  return batch;
}

void SpanExporter::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const std::vector<Span> batch = TakeBatch(lock);
    if (batch.empty() && is_stopping_) return;
    lock.unlock();
    if (!batch.empty()) Send(batch);
    lock.lock();
  }
}

bool SpanExporter::Pause(std::int64_t ms) {
  std::unique_lock lock(mutex_);
  const auto is_over = [&] { return is_stopping_ && base::MonotonicMs() >= flush_until_ms_; };
  const std::int64_t until_ms = base::MonotonicMs() + ms;
  while (base::MonotonicMs() < until_ms && !is_over()) {
    std::int64_t left_ms = until_ms - base::MonotonicMs();
    if (is_stopping_) left_ms = std::min(left_ms, flush_until_ms_ - base::MonotonicMs());
    wake_.wait_for(lock, std::chrono::milliseconds(std::max<std::int64_t>(left_ms, 1)));
  }
  return !is_over();
}

void SpanExporter::Send(const std::vector<Span>& batch) {
  const std::string body = EncodeTraces(options_.resource, batch);
  const auto spans = static_cast<std::int64_t>(batch.size());
  std::int64_t backoff_ms = options_.backoff_first_ms;
  bool may_go_on = Pause(0);
  for (int attempt = 1; may_go_on; ++attempt) {
    std::int64_t retry_after_ms = 0;
    const Outcome outcome = Try(body, batch.size(), &retry_after_ms);
    if (outcome == Outcome::kSent) return;
    if (outcome == Outcome::kRefused) return dropped_refused_.Add(spans);
    if (attempt >= options_.attempts_max) break;
    may_go_on = Pause(std::max(backoff_ms, retry_after_ms));
    backoff_ms = std::min(2 * backoff_ms, kBackoffMaxMs);
    if (may_go_on) retries_.Add();
  }
  dropped_unreachable_.Add(spans);
}

SpanExporter::Outcome SpanExporter::Try(const std::string& body, std::size_t spans, std::int64_t* retry_after_ms) {
  const Result<net::Response> answer = options_.post(body);
  const int status = answer ? answer->status : 0;
  if (status / 100 == 2) {
    const std::int64_t rejected = std::min(RejectedSpans(answer->body), static_cast<std::int64_t>(spans));
    sent_.Add(static_cast<std::int64_t>(spans) - rejected);
    dropped_refused_.Add(rejected);
    if (std::exchange(is_failing_, false)) log_.Info("the collector takes traces again");
    return Outcome::kSent;
  }
  const std::string why = answer ? net::ErrorOf(*answer).message : answer.error().message;
  if (!std::exchange(is_failing_, true)) log_.Warning("the collector does not take traces", {{"error", why}, {"status", status}});
  if (!answer) return Outcome::kLater;
  *retry_after_ms = RetryAfterMs(*answer);
  return MayRetry(status) ? Outcome::kLater : Outcome::kRefused;
}

Result<SpanExporter::Post> SpanExporter::PostTo(const std::string& url, net::Headers headers, std::string ca_file) {
  net::ClientOptions options;
  options.connect_timeout_ms = kConnectTimeoutMs;
  options.timeout_ms = kTimeoutMs;
  options.response_bytes_max = kAnswerBytesMax;
  headers.Add("Content-Type", "application/json");
  options.headers = std::move(headers);
  options.ca_file = std::move(ca_file);
  auto client = std::make_shared<net::Client>(SW_TRY(net::Client::FromUrl(url, std::move(options))));
  return [client](const std::string& body) {
    return client->Send({.method = net::Method::kPost, .target = "/v1/traces", .body = body});
  };
}

}  // namespace sw::trace
