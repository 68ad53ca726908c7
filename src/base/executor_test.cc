#include "base/executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>

namespace sw::base {
namespace {

TEST(ThreadPool, FullQueueRefusesAndCounts) {
  Counter refused;
  std::latch started(1);
  std::promise<void> release;
  ThreadPool pool({.name = "score", .threads = 1, .queue_max = 1, .refused = &refused});
  ASSERT_TRUE(pool.Submit([&] {
    started.count_down();
    release.get_future().wait();
  }));
  started.wait();
  ASSERT_TRUE(pool.Submit([] {}));
  const Status third = pool.Submit([] {});
  EXPECT_EQ(third.error().code, ErrorCode::kResourceExhausted);
  EXPECT_NE(third.error().message.find("score"), std::string::npos);
  EXPECT_EQ(refused.Value(), 1);
  release.set_value();
  pool.Drain();
  EXPECT_TRUE(pool.Submit([] {}));
}

TEST(ThreadPool, DestructorFinishesWhatIsQueued) {
  std::atomic<int> done = 0;
  {
    ThreadPool pool({.threads = 3, .nice = 5});
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(pool.Submit([&] { ++done; }));
  }
  EXPECT_EQ(done, 500);
}

TEST(ThreadPool, DrainWaitsForRunningTasks) {
  std::atomic<int> done = 0;
  ThreadPool pool({.threads = 2});
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(pool.Submit([&] { ++done; }));
  pool.Drain();
  EXPECT_EQ(done, 100);
}

}  // namespace
}  // namespace sw::base
