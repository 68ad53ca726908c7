#include "model/engines/run_watch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <optional>
#include <vector>

namespace sw::model {
namespace {

using std::chrono::milliseconds;

TEST(RunWatchTest, ACallThatEndsInTimeIsNotStopped) {
  RunWatch watch(std::chrono::hours(1));
  const RunWatch::Call call(watch, [] { ADD_FAILURE() << "stopped"; });
  EXPECT_FALSE(call.is_stopped());
}

TEST(RunWatchTest, ALateCallIsStoppedOnceAndAloneKnowsIt) {
  RunWatch watch(milliseconds(20));
  std::promise<void> stopped;
  std::atomic<int> times = 0;
  const RunWatch::Call late(watch, [&] {
    if (times++ == 0) stopped.set_value();
  });
  stopped.get_future().wait();
  EXPECT_TRUE(late.is_stopped());
  std::promise<void> again;
  const RunWatch::Call later(watch, [&] { again.set_value(); });
  EXPECT_FALSE(later.is_stopped());
  again.get_future().wait();  // the thread has looked many times since
  EXPECT_EQ(times, 1);
}

TEST(RunWatchTest, AThreadThatSleepsIsWokenByACall) {
  RunWatch watch(milliseconds(1));  // sleeps after 64 looks of 125 us
  for (int i = 0; i < 3; ++i) {
    std::promise<void> stopped;
    const RunWatch::Call call(watch, [&] { stopped.set_value(); });
    stopped.get_future().wait();
    std::promise<void> never;
    EXPECT_EQ(never.get_future().wait_for(milliseconds(30)), std::future_status::timeout);
  }
}

TEST(RunWatchTest, ManyThreadsCallAtOnce) {
  RunWatch watch(milliseconds(5));
  std::vector<std::jthread> threads;
  std::atomic<int> stopped = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        const RunWatch::Call call(watch, [&] { ++stopped; });
        if (i % 500 == 499) {
          while (!call.is_stopped()) std::this_thread::yield();
        }
      }
    });
  }
  threads.clear();
  EXPECT_GE(stopped, 16);
}

}  // namespace
}  // namespace sw::model
