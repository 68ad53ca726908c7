#include "api/native/jobs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "base/errors.h"

namespace sw::native {
namespace {

// Keeps tasks until a test runs them.
class HeldExecutor final : public base::Executor {
 public:
  Status Submit(Task task) override {
    if (tasks_.size() >= queue_max) return ResourceExhausted("queue is full");
    tasks_.push_back(std::move(task));
    return Ok();
  }
  void RunAll() {
    for (Task& task : std::exchange(tasks_, {})) task();
  }
  std::size_t queue_max = 10'000;

 private:
  std::vector<Task> tasks_;
};

class JobsTest : public testing::Test {
 protected:
  std::string Start(Jobs::Work work) {
    return jobs_.Start(caller_, "train", std::move(work)).value();
  }

  base::ManualClock clock_{1'000'000};
  base::Counters counters_;
  base::IdGenerator ids_{clock_, base::Random(1)};
  HeldExecutor executor_;
  Jobs jobs_{clock_, ids_, executor_, counters_};
  Caller caller_;
};

TEST_F(JobsTest, TellsHowFarItIsAndThenItsResult) {
  std::string during;
  std::string id;
  id = Start([&](JobProgress& progress) -> Result<Json> {
    progress.Set(0.5, "half");
    during = jobs_.Get(caller_, id)->Dump();
    return Json(7);
  });
  EXPECT_EQ(jobs_.Get(caller_, id)->StringOr("state", ""), "running");
  executor_.RunAll();
  EXPECT_THAT(during, testing::HasSubstr(R"("progress":0.5,"message":"half")"));
  const Json done = jobs_.Get(caller_, id).value();
  EXPECT_EQ(done.StringOr("state", ""), "done");
  EXPECT_EQ(done.IntOr("result", 0), 7);
}

TEST_F(JobsTest, AFailureKeepsItsError) {
  const std::string id = Start([](JobProgress&) -> Result<Json> { return DataLoss("torn"); });
  executor_.RunAll();
  const Json job = jobs_.Get(caller_, id).value();
  EXPECT_EQ(job.StringOr("state", ""), "failed");
  EXPECT_EQ(job.Find("error")->StringOr("code", ""), "DATA_LOSS");
}

TEST_F(JobsTest, WhoWaitsIsToldOnceItIsOver) {
  const std::string id = Start([](JobProgress&) -> Result<Json> { return Json(1); });
  std::optional<Result<Json>> told;
  jobs_.Wait(caller_, id, [&](Result<Json> job) { told = std::move(job); });
  EXPECT_FALSE(told);
  executor_.RunAll();
  ASSERT_TRUE(told && told->has_value());
  EXPECT_EQ((*told)->StringOr("state", ""), "done");
  told.reset();
  jobs_.Wait(caller_, id, [&](Result<Json> job) { told = std::move(job); });
  EXPECT_TRUE(told);
}

TEST_F(JobsTest, OnlySoManyMayWait) {
  const std::string id = Start([](JobProgress&) -> Result<Json> { return Json(1); });
  int refused = 0;
  for (std::size_t i = 0; i < Jobs::kWaitersMax + 5; ++i) {
    jobs_.Wait(caller_, id, [&](const Result<Json>& job) { refused += job ? 0 : 1; });
  }
  EXPECT_EQ(refused, 5);
  executor_.RunAll();
}

TEST_F(JobsTest, AnotherWorkspaceSeesNothing) {
  const std::string id = Start([](JobProgress&) -> Result<Json> { return Json(1); });
  Caller other;
  other.workspace = "other";
  EXPECT_EQ(jobs_.Get(other, id).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(jobs_.List(other).empty());
  EXPECT_EQ(jobs_.List(caller_).size(), 1u);
  executor_.RunAll();
}

TEST_F(JobsTest, OldJobsAreForgottenAndAFullQueueRefuses) {
  for (std::size_t i = 0; i < Jobs::kFinishedMax + 3; ++i)
    Start([](JobProgress&) -> Result<Json> { return Json(1); });
  executor_.RunAll();
  EXPECT_EQ(jobs_.List(caller_).size(), Jobs::kFinishedMax);
  executor_.queue_max = 0;
  const auto refused =
      jobs_.Start(caller_, "train", [](JobProgress&) -> Result<Json> { return Json(1); });
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(jobs_.List(caller_).size(), Jobs::kFinishedMax);
}

}  // namespace
}  // namespace sw::native
