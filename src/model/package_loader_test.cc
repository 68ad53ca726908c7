#include "model/package_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/resource.h>
#include <unistd.h>

#include <future>
#include <optional>

#include "base/errors.h"
#include "model/formats/linear.h"
#include "model/map_blobs.h"
#include "model/package_fixture.h"

namespace sw::model {
namespace {

using testing::HasSubstr;

// A thread that counts what it is given.
class CountingThread final : public base::Executor {
 public:
  Status Submit(Task task) override {
    if (is_full) return ResourceExhausted("queue is full: fake");
    ++tasks;
    return pool_.Submit(std::move(task));
  }
  int tasks = 0;
  bool is_full = false;

 private:
  base::ThreadPool pool_{{.name = "loads", .threads = 1}};
};

class PackageLoaderTest : public testing::Test {
 protected:
  std::string Write(const PackageContent& content) { return WritePackage(content, blobs_.Put()).value(); }
  PackageParts Parts() {
    return {.get = [this, get = blobs_.Get()](std::string_view hash) {
              ++reads_;
              return get(hash);
            },
            .size = blobs_.SizeOf()};
  }
  Result<std::shared_ptr<const Package>> Load(PackageLoader& loader, const std::string& id) { return loader.Load(id, Parts(), {}); }

  MapBlobs blobs_;
  int reads_ = 0;
  base::Counters counters_;
  std::uint64_t used_ = 0;
  MemoryBudget budget_{{.bytes_max = 64u << 20, .used = [this] { return used_; }, .holders = {}, .counters = &counters_}};
};

TEST_F(PackageLoaderTest, LoadsAndFreesOnItsThreadAndScoresAsEver) {
  base::ThreadPool thread({.name = "loads", .threads = 1, .nice = 19});
  PackageLoader loader({.thread = &thread, .memory = &budget_});
  const PackageContent content = ClassesContent("xgboost");
  auto package = Load(loader, Write(content)).value();
  std::vector<double> scores(content.golden.expected.size());
  ASSERT_TRUE(package->Score(content.golden.inputs, Output::kPrediction, scores));
  EXPECT_EQ(package->golden_rows(), content.golden.inputs.num_rows());
  package.reset();
  thread.Drain();
  std::promise<int> nice;
  ASSERT_TRUE(thread.Submit([&] { nice.set_value(getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()))); }));
  EXPECT_EQ(nice.get_future().get(), 19);
}

TEST_F(PackageLoaderTest, APackageMayOutliveItsLoaderAndTheThread) {
  std::shared_ptr<const Package> package;
  {
    CountingThread thread;
    PackageLoader loader({.thread = &thread, .memory = &budget_});
    package = Load(loader, Write(ClassesContent("xgboost"))).value();
  }
  EXPECT_GT(package->memory_bytes(), 0U);
  package.reset();  // here: nobody else is left to do it
}

TEST_F(PackageLoaderTest, LeavesItToItsThreadToFreeWhatNobodyHoldsAnyMore) {
  CountingThread thread;
  PackageLoader loader({.thread = &thread});
  auto package = Load(loader, Write(ClassesContent("xgboost"))).value();
  EXPECT_EQ(thread.tasks, 1);
  auto other = package;
  package.reset();
  EXPECT_EQ(thread.tasks, 1);
  other.reset();
  EXPECT_EQ(thread.tasks, 2);
}

TEST_F(PackageLoaderTest, AFullQueueRefusesALoadAndFreesAtOnce) {
  CountingThread thread;
  PackageLoader loader({.thread = &thread});
  const std::string id = Write(ClassesContent("xgboost"));
  auto package = Load(loader, id).value();
  thread.is_full = true;
  package.reset();  // by this thread: a leak check says whether
  EXPECT_EQ(thread.tasks, 1);
  EXPECT_EQ(Load(loader, id).error().code, ErrorCode::kResourceExhausted);
}

TEST_F(PackageLoaderTest, RefusesWhatDoesNotFitBeforeItReadsTheModel) {
  PackageLoader loader({.memory = &budget_});
  const std::string id = Write(ClassesContent("xgboost"));
  used_ = 64u << 20;
  const Error refused = Load(loader, id).error();
  EXPECT_EQ(refused.code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(refused.message, HasSubstr("no room for package " + id.substr(0, 12)));
  EXPECT_LE(reads_, 2);  // the manifest
  used_ = 0;
  EXPECT_TRUE(Load(loader, id));
  EXPECT_EQ(budget_.Use().promised, 0U);
}

TEST_F(PackageLoaderTest, WhatIsIdleIsFreedBeforeItLooksAgain) {
  base::ThreadPool thread({.name = "loads", .threads = 1});
  std::shared_ptr<const Package> idle;
  PackageLoader loader({.thread = &thread, .memory = &budget_, .drop_idle = [&] {
                          used_ -= idle == nullptr ? 0 : 60u << 20;
                          idle.reset();
                        }});
  const std::string id = Write(ClassesContent("xgboost"));
  idle = Load(loader, id).value();
  used_ = 64u << 20;
  EXPECT_TRUE(Load(loader, id));
  EXPECT_EQ(idle, nullptr);
}

TEST_F(PackageLoaderTest, AGraphNeedsWhatItsMembersNeedOneAfterAnother) {
  PackageContent member = ClassesContent("xgboost");
  const std::string id = Write(member);
  const LoadNeed one = NeedOf(id, Parts().get, Parts().size).value();
  EXPECT_GT(one.peak, NeedOfModel("xgboost", member.model.size()).peak);
  PackageContent graph;
  graph.format = "graph";
  graph.model = fmt::format(R"({{"graph": {{"output": "a"}}, "node": {{"a": {{"model": "{}"}}}}}})", id);
  const auto need = NeedOf(Write(graph), Parts().get, Parts().size);
  ASSERT_TRUE(need) << need.error().message;
  EXPECT_GE(need->held, one.held);
  EXPECT_GE(need->peak, one.peak);
}

}  // namespace
}  // namespace sw::model
