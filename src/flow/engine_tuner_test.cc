#include "flow/engine_tuner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "base/errors.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/random.h"
#include "flow/flow_world.h"

namespace sw::flow {
namespace {

// Runs what it was given when it is told to; refuses all while it is full.
class HeldExecutor final : public base::Executor {
 public:
  Status Submit(Task task) override {
    if (is_full) return ResourceExhausted("queue is full");
    tasks.push_back(std::move(task));
    return Ok();
  }
  bool RunOne() {
    if (tasks.empty()) return false;
    Task task = std::move(tasks.front());
    tasks.pop_front();
    task();
    return true;
  }
  void RunAll() {
    while (RunOne()) {
    }
  }
  std::deque<Task> tasks;
  bool is_full = false;
};

// A data folder with the packages of a model of trees and of a constant.
class EngineTunerTest : public testing::Test {
 protected:
  ~EngineTunerTest() override {
    executor_.is_full = false;
    executor_.RunAll();
  }
  EngineTuner& Open(const std::string& cpu = "this CPU") {
    tuner_ = EngineTuner::Open({.catalog = &data_->catalog(), .executor = &executor_, .clock = &clock_, .log = &log_,
                                .counters = &counters_, .cpu = cpu}).value();
    return *tuner_;
  }
  // A process of its own would load another instance.
  std::shared_ptr<const model::Package> Load(const std::string& format, const std::string& bytes) {
    model::PackageContent content;
    content.format = format;
    content.model = bytes;
    content.inputs = model::MakeEngine(format, bytes).value()->inputs();
    const std::string id = model::WritePackage(content, [&](std::string_view part) { return data_->blobs().Put(part); }).value();
    return model::LoadPackage(id, [&](std::string_view hash) { return data_->blobs().ReadAll(hash); }).value();
  }
  std::shared_ptr<const model::Package> LoadTrees() {
    return Load("lightgbm", base::ReadFile(std::string(SW_SOURCE_DIR) + "/src/model/testdata/binary.txt").value());
  }
  std::int64_t timed() { return counters_.Get("flow_engines_timed_total", "").Value(); }
  static std::vector<double> ScoresOf(const model::Package& package) {
    base::Random random(5);
    data::Batch rows;
    for (const std::string& name : package.content().inputs) {
      data::Column column(data::Type::kFloat64);
      for (int i = 0; i < 500; ++i) column.AppendDouble(4 * random.NextDouble() - 2);
      rows.AddColumn({name, data::Type::kFloat64}, std::move(column));
    }
    std::vector<double> scores(rows.num_rows());
    package.Score(rows, scores).value();
    return scores;
  }

  store::TempFolder folder_;
  base::ManualClock clock_{base::ParseTime("2013-06-01").value()};
  base::Counters counters_;
  base::Logger log_ = base::Logger::Null(clock_);
  std::unique_ptr<store::DataFolder> data_ = store::DataFolder::Open(folder_ / "data", clock_, counters_, "test").value();
  HeldExecutor executor_;
  std::unique_ptr<EngineTuner> tuner_;
};

TEST_F(EngineTunerTest, TimesAPublishedEngineAndTheNextProcessTakesTheChoiceOver) {
  const auto first = LoadTrees();
  const std::vector<double> before = ScoresOf(*first);
  Open().TakeOver(*first);
  tuner_->TuneLater(first);
  EXPECT_EQ(tuner_->Describe(*first)->StringOr("chosen", ""), "default rule") << "publication waits for nothing";
  EXPECT_FALSE(tuner_->Describe(*first)->Has("timed"));

  executor_.RunAll();
  const Json timed_now = tuner_->Describe(*first).value();
  EXPECT_EQ(timed_now.StringOr("chosen", ""), "timed");
  EXPECT_EQ(timed_now.StringOr("timed", ""), "2013-06-01T00:00:00Z");
  EXPECT_EQ(timed_now.StringOr("cpu", ""), "this CPU");
  EXPECT_EQ(timed(), 1);

  clock_.AdvanceTo(clock_.Now() + base::kHourUs).value();
  const auto next = LoadTrees();
  Open().TakeOver(*next);
  tuner_->TuneLater(next);
  executor_.RunAll();
  const Json cached = tuner_->Describe(*next).value();
  EXPECT_EQ(cached.StringOr("chosen", ""), "cached");
  EXPECT_EQ(cached.StringOr("timed", ""), "2013-06-01T00:00:00Z");
  EXPECT_EQ(cached.Find("ns_a_row")->Dump(), timed_now.Find("ns_a_row")->Dump());
  EXPECT_EQ(timed(), 1) << "it is not timed again";
  EXPECT_EQ(ScoresOf(*first), before);
  EXPECT_EQ(ScoresOf(*next), before);
}

TEST_F(EngineTunerTest, SaysWhatIsExactAndWhatIsVerified) {
  const Json trees = Open().Describe(*LoadTrees()).value();
  EXPECT_EQ(trees.StringOr("engine", ""), "forest");
  EXPECT_EQ(trees.StringOr("exactness", ""), "exact");
  EXPECT_FALSE(trees.BoolOr("verified", true));
  EXPECT_EQ(trees.StringOr("unverified", ""), "it has no golden rows");
  EXPECT_EQ(trees.IntOr("golden_rows", -1), 0);
}

TEST_F(EngineTunerTest, OnAnotherCpuItIsTimedAnew) {
  Open("CPU A").TuneLater(LoadTrees());
  executor_.RunAll();
  EXPECT_EQ(timed(), 0) << "nobody held the package any more";
  const auto first = LoadTrees(), second = LoadTrees(), third = LoadTrees();
  tuner_->TuneLater(first);
  executor_.RunAll();
  Open("CPU B").TakeOver(*second);
  EXPECT_EQ(second->engine().tuning(), model::Tuning::kDefaultRule);
  tuner_->TuneLater(second);
  executor_.RunAll();
  EXPECT_EQ(timed(), 2);
  Open("CPU A").TakeOver(*third);
  EXPECT_EQ(third->engine().tuning(), model::Tuning::kCached);
}

TEST_F(EngineTunerTest, AChoiceOfAnotherBuildIsIgnoredAndReplaced) {
  const auto first = LoadTrees(), second = LoadTrees(), third = LoadTrees();
  Open().TuneLater(first);
  executor_.RunAll();
  data_->catalog().Write([](store::CatalogTransaction& tx) -> Status {
    SW_TRY(tx.Execute("UPDATE flow_engine_choices SET choice = ?", {std::string(R"({"choice_version":0,"one_row":"abacus"})")}));
    return Ok();
  }).value();
  tuner_->TakeOver(*second);
  EXPECT_EQ(second->engine().tuning(), model::Tuning::kDefaultRule);
  tuner_->TuneLater(second);
  executor_.RunAll();
  EXPECT_EQ(second->engine().tuning(), model::Tuning::kTimed);
  EXPECT_EQ(timed(), 2);
  tuner_->TakeOver(*third);
  EXPECT_EQ(third->engine().tuning(), model::Tuning::kCached);
}

TEST_F(EngineTunerTest, OneAtATimeAndOtherWorkGoesBetween) {
  const auto first = LoadTrees(), second = LoadTrees();
  Open().TuneLater(first);
  tuner_->TuneLater(second);
  EXPECT_EQ(executor_.tasks.size(), 1U);
  ASSERT_TRUE(executor_.RunOne());
  EXPECT_EQ(first->engine().tuning(), model::Tuning::kTimed);
  EXPECT_EQ(second->engine().tuning(), model::Tuning::kDefaultRule);
  EXPECT_EQ(executor_.tasks.size(), 1U);
  executor_.RunAll();
  EXPECT_EQ(second->engine().tuning(), model::Tuning::kCached) << "of the same package, timed a moment before";
  EXPECT_EQ(timed(), 1);
}

TEST_F(EngineTunerTest, WhereTheExecutorIsFullTheDefaultRuleStandsUntilTheNextPublication) {
  const auto first = LoadTrees();
  executor_.is_full = true;
  Open().TuneLater(first);
  EXPECT_EQ(first->engine().tuning(), model::Tuning::kDefaultRule);
  executor_.is_full = false;
  tuner_->TuneLater(first);
  executor_.RunAll();
  EXPECT_EQ(first->engine().tuning(), model::Tuning::kTimed);
}

TEST_F(EngineTunerTest, QueuesNoMoreThanItsLimit) {
  const auto package = LoadTrees();
  Open();
  for (std::size_t i = 0; i < EngineTuner::kWaitingMax + 3; ++i) tuner_->TuneLater(package);
  EXPECT_EQ(counters_.Get("flow_refused_total", "", {{"limit", "engines_waiting_max"}}).Value(), 3);
  executor_.RunAll();
  EXPECT_EQ(timed(), 1);
}

TEST_F(EngineTunerTest, AnEngineWithOneWayIsLeftAlone) {
  const auto constant = Load("linear", R"({"kind": "linear", "terms": [], "intercept": 0.5, "transform": "identity"})");
  Open().TuneLater(constant);
  EXPECT_TRUE(executor_.tasks.empty());
  const Json engine = tuner_->Describe(*constant).value();
  EXPECT_EQ(engine.StringOr("chosen", ""), "only way");
  EXPECT_EQ(engine.StringOr("exactness", ""), "bounded");
  EXPECT_FALSE(engine.Has("timed"));
}

TEST_F(EngineTunerTest, EndsOnceNothingIsTimedAnyMore) {
  std::vector<std::shared_ptr<const model::Package>> packages;
  for (int i = 0; i < 5; ++i) packages.push_back(LoadTrees());
  const auto tuned = [&] {
    return std::ranges::count_if(packages, [](const auto& each) { return each->engine().tuning() != model::Tuning::kDefaultRule; });
  };
  base::ThreadPool pool({.name = "tuning", .threads = 1, .nice = 10});
  auto tuner = EngineTuner::Open({.catalog = &data_->catalog(), .executor = &pool, .clock = &clock_, .log = &log_,
                                  .counters = &counters_, .cpu = "this CPU"}).value();
  for (const auto& package : packages) tuner->TuneLater(package);
  tuner.reset();
  const auto at_the_end = tuned();
  pool.Drain();
  EXPECT_EQ(tuned(), at_the_end);
}

TEST_F(EngineTunerTest, LoadedPackagesTakeOverWhatWasChosenMeanwhile) {
  const auto served = LoadTrees();
  Packages packages(data_->blobs(), {.tuner = &Open()});
  const auto kept = packages.Get(served->id()).value();
  EXPECT_EQ(kept->engine().tuning(), model::Tuning::kDefaultRule);
  tuner_->TuneLater(served);
  executor_.RunAll();
  EXPECT_EQ(packages.Get(served->id()).value(), kept);
  EXPECT_EQ(kept->engine().tuning(), model::Tuning::kCached);
}

TEST(DescribeEngine, IsOfThePackageAsServedElseOfOneLoadedForIt) {
  FlowWorld world;
  const std::int64_t version = world.AddVersion(1);
  const std::string id = world.registry().Get({}, "late", version)->package_id;
  EXPECT_EQ(world.flow().DescribeEngine(id)->StringOr("engine", ""), "plain");

  const auto served = Packages(world.data().blobs()).Get(id).value();
  world.serving().served[std::string(64, 'a')] = served;  // there is no such blob
  EXPECT_TRUE(world.flow().DescribeEngine(std::string(64, 'a')));
  const auto absent = world.flow().DescribeEngine(std::string(64, 'b'));
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace sw::flow
