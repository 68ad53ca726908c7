#include "track/tracker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "store/temp_folder.h"

namespace sw::track {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <typename T>
ErrorCode CodeOf(const Result<T>& result) {
  return result ? ErrorCode::kInternal : result.error().code;
}

class TrackerTest : public testing::Test {
 protected:
  TrackerTest() { Reopen(); }
  void Reopen() {
    tracker_.reset();
    catalog_.reset();
    catalog_ =
        store::OpenSqliteCatalog({.path = folder_ / "catalog.sqlite", .clock = &clock_}).value();
    tracker_ = Tracker::Open(*catalog_, clock_, ids_).value();
  }
  std::string Start(const char* experiment = "late", const char* name = "") {
    return tracker_->Start(caller_, {.experiment = experiment, .name = name}).value().id;
  }
  track::Run Get(const std::string& run) { return tracker_->Get(caller_, run).value(); }

  store::TempFolder folder_;
  base::ManualClock clock_{1'370'000'000'000'000};
  base::IdGenerator ids_{clock_, base::Random(1)};
  Caller caller_;
  std::unique_ptr<store::Catalog> catalog_;
  std::unique_ptr<Tracker> tracker_;
};

TEST_F(TrackerTest, ARunKeepsAllThatWasLoggedOverARestart) {
  const track::Run started =
      tracker_->Start(caller_, {.experiment = "late", .name = "june", .tags = {{"who", "ann"}}})
          .value();
  ASSERT_TRUE(tracker_->LogParams(caller_, started.id, {{"rounds", "100"}, {"empty", ""}}));
  ASSERT_TRUE(tracker_->LogMetrics(caller_, started.id, {{.key = "auc", .value = 0.77}}));
  const std::string blob(64, 'f');
  ASSERT_TRUE(tracker_->AddArtifact(caller_, started.id,
                                    {.path = "model/trees.txt", .blob = blob, .bytes = 7}));
  clock_.AdvanceTo(clock_.Now() + 5).value();
  ASSERT_TRUE(tracker_->Finish(caller_, started.id, RunStatus::kFinished));
  Reopen();
  const track::Run run = Get(started.id);
  EXPECT_EQ(run.name, "june");
  EXPECT_EQ(run.status, RunStatus::kFinished);
  EXPECT_EQ(run.ended, run.started + 5);
  EXPECT_EQ(run.principal, "local");
  EXPECT_THAT(run.params, ElementsAre(Pair("empty", ""), Pair("rounds", "100")));
  EXPECT_THAT(run.tags, ElementsAre(Pair("who", "ann")));
  EXPECT_THAT(run.metrics, ElementsAre(Pair("auc", 0.77)));
  ASSERT_EQ(run.artifacts.size(), 1u);
  EXPECT_EQ(run.artifacts[0].path, "model/trees.txt");
  EXPECT_THAT(tracker_->Blobs().value(), ElementsAre(blob));
}

TEST_F(TrackerTest, AParamIsWrittenOnce) {
  const std::string run = Start();
  ASSERT_TRUE(tracker_->LogParams(caller_, run, {{"a", "1"}}));
  EXPECT_TRUE(tracker_->LogParams(caller_, run, {{"a", "1"}}));
  const Status changed = tracker_->LogParams(caller_, run, {{"0", "new"}, {"a", "2"}});
  ASSERT_EQ(CodeOf(changed), ErrorCode::kInvalidArgument);
  EXPECT_THAT(changed.error().message, HasSubstr("param a of run"));
  EXPECT_THAT(Get(run).params, ElementsAre(Pair("a", "1")));  // nothing of the refused call
}

TEST_F(TrackerTest, TheNewestMetricIsThatOfTheLargestStepThenTime) {
  const std::string run = Start();
  ASSERT_TRUE(tracker_->LogMetrics(caller_, run,
                                   {{.key = "loss", .value = 1, .step = 5, .time = 10},
                                    {.key = "loss", .value = 2, .step = 4, .time = 20},
                                    {.key = "loss", .value = 3, .step = 5, .time = 9}}));
  EXPECT_EQ(Get(run).metrics.at("loss"), 1);
  ASSERT_TRUE(
      tracker_->LogMetrics(caller_, run, {{.key = "loss", .value = 4, .step = 5, .time = 10}}));
  EXPECT_EQ(Get(run).metrics.at("loss"), 4);
  std::vector<double> values;
  const std::vector<Metric> history = tracker_->History(caller_, run, "loss").value();
  for (const Metric& metric : history) values.push_back(metric.value);
  EXPECT_THAT(values, ElementsAre(2, 3, 1, 4));
}

TEST_F(TrackerTest, NumbersThatAreNotFiniteAreKept) {
  const std::string run = Start();
  ASSERT_TRUE(tracker_->LogMetrics(caller_, run,
                                   {{.key = "nan", .value = std::nan("")},
                                    {.key = "up", .value = kInfinity},
                                    {.key = "down", .value = -kInfinity}}));
  Reopen();
  const track::Run read = Get(run);
  EXPECT_TRUE(std::isnan(read.metrics.at("nan")));
  EXPECT_EQ(read.metrics.at("up"), kInfinity);
  EXPECT_EQ(read.metrics.at("down"), -kInfinity);
  EXPECT_TRUE(std::isnan(tracker_->History(caller_, run, "nan")->at(0).value));
  EXPECT_THAT(RunToJson(read).Dump(), HasSubstr(R"("nan":"NaN")"));
}

TEST_F(TrackerTest, ARunThatEndedTakesTagsOnly) {
  const std::string run = Start();
  EXPECT_EQ(CodeOf(tracker_->Finish(caller_, run, RunStatus::kRunning)),
            ErrorCode::kInvalidArgument);
  ASSERT_TRUE(tracker_->Finish(caller_, run, RunStatus::kFailed));
  EXPECT_EQ(CodeOf(tracker_->LogParams(caller_, run, {{"a", "1"}})),
            ErrorCode::kFailedPrecondition);
  EXPECT_EQ(CodeOf(tracker_->LogMetrics(caller_, run, {{.key = "a"}})),
            ErrorCode::kFailedPrecondition);
  EXPECT_EQ(CodeOf(tracker_->Finish(caller_, run, RunStatus::kFinished)),
            ErrorCode::kFailedPrecondition);
  EXPECT_TRUE(tracker_->SetTags(caller_, run, {{"verdict", "bad seed"}}));
  EXPECT_TRUE(tracker_->SetTags(caller_, run, {{"verdict", "bad data"}}));
  EXPECT_THAT(Get(run).tags, ElementsAre(Pair("verdict", "bad data")));
}

TEST_F(TrackerTest, RefusesWhatIsTooLargeOrNoName) {
  const std::string run = Start();
  const std::string long_key(kKeyBytesMax + 1, 'k');
  const std::string long_value(kValueBytesMax + 1, 'v');
  EXPECT_EQ(CodeOf(tracker_->LogParams(caller_, run, {{"", "1"}})), ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(tracker_->LogParams(caller_, run, {{long_key, "1"}})),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(tracker_->LogParams(caller_, run, {{"a", long_value}})),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(tracker_->SetTags(caller_, run, {{std::string("a\0b", 3), "1"}})),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(tracker_->LogMetrics(
                caller_, run, std::vector<Metric>(kBatchRowsMax + 1, Metric{.key = "a"}))),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(CodeOf(tracker_->Start(caller_, {.experiment = long_key})),
            ErrorCode::kInvalidArgument);
  const std::string blob(64, 'f');
  for (const char* path : {"", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".", "a\\b"}) {
    EXPECT_EQ(CodeOf(tracker_->AddArtifact(caller_, run, {.path = path, .blob = blob})),
              ErrorCode::kInvalidArgument)
        << path;
  }
  EXPECT_EQ(CodeOf(tracker_->AddArtifact(caller_, run, {.path = "a", .blob = "beef"})),
            ErrorCode::kInvalidArgument);
}

TEST_F(TrackerTest, RunsComeInPagesNewestFirst) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(Start(i == 2 ? "other" : "late"));
  const RunPage first = tracker_->Runs(caller_, "late", {}, 3).value();
  ASSERT_EQ(first.runs.size(), 3u);
  EXPECT_EQ(first.runs[0].id, ids[4]);
  const RunPage second = tracker_->Runs(caller_, "late", first.next, 3).value();
  ASSERT_EQ(second.runs.size(), 1u);
  EXPECT_EQ(second.runs[0].id, ids[0]);
  EXPECT_EQ(second.next, "");
  EXPECT_EQ(tracker_->Runs(caller_, "")->runs.size(), 5u);
  const auto experiments = tracker_->Experiments(caller_).value();
  ASSERT_EQ(experiments.size(), 2u);
  EXPECT_EQ(experiments[0].name, "late");
  EXPECT_EQ(experiments[0].runs, 4);
}

TEST_F(TrackerTest, ACallerSeesItsOwnWorkspaceOnly) {
  const std::string run = Start();
  Caller eve;
  eve.workspace = "elsewhere";
  EXPECT_EQ(CodeOf(tracker_->Get(eve, run)), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(tracker_->History(eve, run, "auc")), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(tracker_->LogParams(eve, run, {{"a", "1"}})), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(tracker_->SetTags(eve, run, {{"a", "1"}})), ErrorCode::kNotFound);
  EXPECT_EQ(CodeOf(tracker_->Finish(eve, run, RunStatus::kKilled)), ErrorCode::kNotFound);
  EXPECT_TRUE(tracker_->Runs(eve, "")->runs.empty());
  EXPECT_TRUE(tracker_->Experiments(eve)->empty());
  EXPECT_EQ(CodeOf(tracker_->Get(caller_, "no such run")), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace sw::track
