#include "trace/exporter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <future>
#include <memory>

#include "base/errors.h"
#include "base/json.h"

namespace sw::trace {
namespace {

// A collector that answers what it is told to, the last answer for ever.
class ExporterTest : public testing::Test {
 protected:
  void Start(SpanExporter::Options options = {}) {
    if (options.batch_every_ms == 1'000) options.batch_every_ms = 1;
    options.backoff_first_ms = 1;
    options.post = [this](const std::string& body) -> Result<net::Response> {
      const std::lock_guard lock(mutex_);
      const Json json = Json::Parse(body).value();
      const Json& scope = json.Find("resourceSpans")->AsArray()[0].Find("scopeSpans")->AsArray()[0];
      posts_.push_back(scope.Find("spans")->size());
      posted_.notify_all();
      const int status = answers_.front();
      if (answers_.size() > 1) answers_.pop_front();
      if (status == 0) return Unavailable("nobody there");
      return net::Response{status, {}, body_};
    };
    exporter_ = std::make_unique<SpanExporter>(std::move(options), counters_, log_);
  }
  void Stop() { exporter_.reset(); }
  std::vector<std::size_t> WaitForPosts(std::size_t count) {
    std::unique_lock lock(mutex_);
    posted_.wait_for(lock, std::chrono::seconds(10), [&] { return posts_.size() >= count; });
    return posts_;
  }
  std::int64_t Sent() { return counters_.Get("trace_spans_sent_total", "").Value(); }
  std::int64_t Dropped(const char* reason) { return counters_.Get("trace_spans_dropped_total", "", {{"reason", reason}}).Value(); }

  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<int> answers_ = {200};   // guarded by mutex_
  std::string body_ = "{}";
  std::vector<std::size_t> posts_;    // guarded by mutex_
  base::SystemClock clock_;
  base::Counters counters_;
  base::Logger log_ = base::Logger::Null(clock_);
  std::unique_ptr<SpanExporter> exporter_;
};

TEST_F(ExporterTest, SpansAreSentInBatches) {
  Start({.batch_max = 2, .batch_every_ms = 60'000});
  exporter_->Add(std::vector<Span>(3));
  EXPECT_EQ(WaitForPosts(1)[0], 2u);
  Stop();
  EXPECT_EQ(WaitForPosts(2), (std::vector<std::size_t>{2, 1}));
  EXPECT_EQ(Sent(), 3);
}

TEST_F(ExporterTest, AFullQueueDropsAndCounts) {
  Start({.queue_max = 3, .batch_every_ms = 60'000});
  exporter_->Add(std::vector<Span>(2));
  exporter_->Add(std::vector<Span>(2));
  exporter_->Add(std::vector<Span>(1));
  Stop();
  EXPECT_EQ(Dropped("queue_full"), 2);
  EXPECT_EQ(Sent(), 3);
}

TEST_F(ExporterTest, ACollectorThatIsBusyOrAwayIsAskedAgain) {
  answers_ = {0, 503, 429, 502, 200};
  Start();
  exporter_->Add(std::vector<Span>(1));
  EXPECT_EQ(WaitForPosts(5).size(), 5u);
  Stop();
  EXPECT_EQ(Sent(), 1);
  EXPECT_EQ(counters_.Get("trace_retries_total", "").Value(), 4);
}

TEST_F(ExporterTest, ABatchIsGivenUpAfterItsAttempts) {
  answers_ = {503};
  Start({.attempts_max = 3});
  exporter_->Add(std::vector<Span>(2));
  EXPECT_EQ(WaitForPosts(3).size(), 3u);
  Stop();
  EXPECT_EQ(posts_.size(), 3u);
  EXPECT_EQ(Dropped("unreachable"), 2);
}

TEST_F(ExporterTest, WhatTheCollectorRefusesIsNotSentAgain) {
  answers_ = {400};
  Start();
  exporter_->Add(std::vector<Span>(2));
  WaitForPosts(1);
  Stop();
  EXPECT_EQ(posts_.size(), 1u);
  EXPECT_EQ(Dropped("refused"), 2);
  EXPECT_EQ(Sent(), 0);
}

TEST_F(ExporterTest, APartialSuccessCountsWhatWasRejected) {
  body_ = R"({"partialSuccess":{"rejectedSpans":"1"}})";
  Start();
  exporter_->Add(std::vector<Span>(3));
  WaitForPosts(1);
  Stop();
  EXPECT_EQ(Dropped("refused"), 1);
  EXPECT_EQ(Sent(), 2);
}

TEST_F(ExporterTest, TheEndWaitsForADeadCollectorOnlySoLong) {
  answers_ = {0};
  Start({.attempts_max = 1'000'000, .flush_ms = 50});
  exporter_->Add(std::vector<Span>(4));
  WaitForPosts(1);
  const auto begin = std::chrono::steady_clock::now();
  Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_EQ(Dropped("unreachable"), 4);
}

TEST(PostTo, AnAddressThatIsNoneIsRefused) {
  EXPECT_FALSE(SpanExporter::PostTo("http://", {}));
  EXPECT_FALSE(SpanExporter::PostTo("http://host:99999", {}));
  EXPECT_FALSE(SpanExporter::PostTo("http://host/v1/traces", {}));
  EXPECT_TRUE(SpanExporter::PostTo("http://host:4318", {}));
  EXPECT_TRUE(SpanExporter::PostTo("https://host:4318/", {}));
}

}  // namespace
}  // namespace sw::trace
