// Requests of a model that is slow: they wait for a thread, by priority, and are scored together.
#include <gtest/gtest.h>

#include <future>

#include "base/errors.h"
#include "serve/delay_thread.h"
#include "serve/fakes.h"

namespace sw::serve {
namespace {

class ScoreQueueTest : public testing::Test {
 protected:
  // Every model is slow here.
  void Start(const QueuePolicy& policy, EndpointSnapshot snapshot = LateEndpoint()) {
    Endpoints::Options options = serve_.Options();
    options.scoring = &threads_;
    options.limits.inline_us_max = -1;
    options.later = [this](DurationUs after, base::Executor::Task task) { delayed_.emplace_back(after, std::move(task)); };
    snapshot.queue = policy;
    serve_.Start(options, snapshot);
  }
  void Ask(double delay, Priority priority = Priority::kNormal, std::optional<std::int64_t> version = {}) {
    PredictRequest request{.endpoint = "late", .rows = DelayRows({{"N1", delay}})};
    request.priority = priority;
    request.version = version;
    serve_.endpoints->Predict(std::move(request), [this, delay](Result<PredictResult> result) {
      if (result) {
        EXPECT_EQ(result->scores, std::vector<double>{delay * static_cast<double>(result->versions[0])});
      }
      answers_.push_back(result ? fmt::format("{}", delay) : fmt::format("{}: {}", delay, result.error().message));
      if (on_answer_) on_answer_();
    });
  }
  std::int64_t Batches() { return serve_.Count("serve_batches_total", {{"endpoint", "late"}}); }

  FakeExecutor threads_;
  ServeFixture serve_;
  std::vector<std::pair<DurationUs, base::Executor::Task>> delayed_;
  std::vector<std::string> answers_;
  std::function<void()> on_answer_;
  using Answers = std::vector<std::string>;
};

TEST_F(ScoreQueueTest, WhatWaitsForAThreadIsScoredTogether) {
  Start({});
  for (const double delay : {1, 2, 3, 4, 5}) Ask(delay);
  EXPECT_EQ(answers_, Answers{});
  EXPECT_EQ(threads_.tasks.size(), 5U) << "each has a turn: none waits for a thread that is there";
  EXPECT_TRUE(delayed_.empty()) << "and none waits for another";
  threads_.RunAll();
  EXPECT_EQ(answers_, (Answers{"1", "2", "3", "4", "5"}));
  EXPECT_EQ(Batches(), 1) << "five requests for the price of one";
  std::size_t logged = 0;
  for (const LoggedRows& rows : serve_.Logged("predictions/late")) logged += rows.num_rows();
  EXPECT_EQ(logged, 5U);
  EXPECT_EQ(serve_.endpoints->Statistics("late")[0].requests, 5);
}

TEST_F(ScoreQueueTest, AThreadThatIsFreeTakesARequestAlone) {
  Start({});
  for (const double delay : {1, 2}) {
    Ask(delay);
    threads_.RunAll();
  }
  EXPECT_EQ(Batches(), 2);
}

TEST_F(ScoreQueueTest, WithADelayRequestsWaitForEachOther) {
  Start({.max_delay_us = 2'000});
  Ask(1);
  Ask(2);
  EXPECT_TRUE(threads_.tasks.empty());
  ASSERT_EQ(delayed_.size(), 1U) << "the first of them begins it";
  EXPECT_EQ(delayed_[0].first, 2'000);
  delayed_[0].second();
  threads_.RunAll();
  EXPECT_EQ(answers_, (Answers{"1", "2"}));
  EXPECT_EQ(Batches(), 1);
  Ask(3);
  EXPECT_EQ(delayed_.size(), 2U);
  delayed_[1].second();
  threads_.RunAll();
  EXPECT_EQ(answers_.size(), 3U);
}

TEST_F(ScoreQueueTest, VersionsAreScoredApart) {
  EndpointSnapshot snapshot = LateEndpoint();
  snapshot.arms.push_back(MakeArm(2, 2, ArmMode::kWarm));
  Start({}, snapshot);
  Ask(1);
  Ask(10, Priority::kNormal, 2);
  Ask(3);
  threads_.RunAll();
  EXPECT_EQ(answers_, (Answers{"1", "3", "10"}));
  EXPECT_EQ(Batches(), 2);
}

TEST_F(ScoreQueueTest, TheMoreUrgentGoFirst) {
  Start({});
  Ask(1, Priority::kLow);
  Ask(2);
  Ask(3, Priority::kHigh);
  threads_.RunAll();
  EXPECT_EQ(answers_, (Answers{"3", "2", "1"}));
}

TEST_F(ScoreQueueTest, AFullQueueShedsTheLessUrgentFirst) {
  Start({.queue_max = 2});
  Ask(1, Priority::kLow);
  Ask(2);
  Ask(3);
  EXPECT_EQ(answers_, Answers{"1: limit queue_max: a request of priority low made room for a more urgent one; retry later"});
  Ask(4);
  EXPECT_EQ(answers_.back(), "4: limit queue_max: 2 requests of this endpoint wait; retry later");
  Ask(5, Priority::kHigh);
  EXPECT_EQ(answers_.back(), "3: limit queue_max: a request of priority normal made room for a more urgent one; retry later");
  threads_.RunAll();
  EXPECT_EQ(answers_.size(), 5U);
  EXPECT_EQ(serve_.Count("serve_refused_total", {{"limit", "queue_max"}}), 3);
}

TEST_F(ScoreQueueTest, TheThreadsOwnFullQueueShedsTheLessUrgentFirst) {
  threads_.queue_max = 1;
  Start({});
  Ask(1, Priority::kLow);
  Ask(2, Priority::kLow);
  EXPECT_EQ(answers_, Answers{"2: queue is full: fake"});
  Ask(3, Priority::kHigh);
  EXPECT_EQ(answers_.back(), "1: limit scoring_queue_max: a request of priority low made room for a more urgent one; retry later");
  threads_.RunAll();
  EXPECT_EQ(answers_.back(), "3") << "by the turn of the one that was shed";
  EXPECT_EQ(serve_.Count("serve_refused_total", {{"limit", "scoring_queue_max"}}), 2);
}

TEST_F(ScoreQueueTest, AVersionIsScoredByAsManyThreadsAsItMay) {
  Start({.concurrency_max = 1});
  Ask(1);
  on_answer_ = [this] {
    on_answer_ = {};
    Ask(2);
    threads_.RunAll();  // as another thread would, while this one scores
    EXPECT_EQ(answers_, Answers{"1"});
  };
  threads_.RunAll();
  EXPECT_EQ(answers_, (Answers{"1", "2"}));
}

TEST_F(ScoreQueueTest, NoRequestIsRefusedForAnothersRows) {
  EndpointSnapshot snapshot = LateEndpoint();
  snapshot.policy.actions.fill(ContractAction::kRefuse);
  Start({}, snapshot);
  Ask(1);
  Ask(1'000);
  threads_.RunAll();
  ASSERT_EQ(answers_.size(), 2U);
  EXPECT_EQ(answers_[0], "1");
  EXPECT_TRUE(answers_[1].starts_with("1000: row 0: out_of_range")) << answers_[1];
}

TEST_F(ScoreQueueTest, ThreadsThatGoAwayLeaveNobodyWithoutAnAnswer) {
  Start({});
  Ask(1);
  Ask(2);
  threads_.tasks.clear();
  EXPECT_EQ(answers_, (Answers{"1: the prediction was dropped before its answer; retry", "2: the prediction was dropped before its answer; retry"}));
}

TEST(DelayThread, RunsWhatIsDueInItsOrder) {
  std::vector<int> order;
  std::promise<void> last;
  DelayThread delays;
  delays.After(30'000, [&] {
    order.push_back(2);
    last.set_value();
  });
  delays.After(1'000, [&] { order.push_back(1); });
  last.get_future().wait();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  delays.After(3'600 * base::kSecondUs, [] { FAIL() << "an hour was not over"; });
}

}  // namespace
}  // namespace sw::serve
