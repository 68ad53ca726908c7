#include "model/memory_budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace sw::model {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t kMib = 1u << 20, kGib = 1u << 30;

TEST(LoadNeed, IsJudgedByFormatAndBytes) {
  EXPECT_EQ(NeedOfModel("lightgbm", 10 * kMib), (LoadNeed{.peak = 61 * kMib, .held = 21 * kMib}));
  for (const char* format : {"lightgbm", "xgboost", "catboost", "plan", "onnx", "onnx_trees", "linear", "graph", "none of ours"}) {
    const LoadNeed small = NeedOfModel(format, kMib), large = NeedOfModel(format, 10 * kMib);
    EXPECT_GE(small.peak, 5 * kMib) << format;
    EXPECT_LT(large.held, large.peak) << format;
    EXPECT_EQ((large.peak - small.peak) % (9 * kMib), 0U) << format;
  }
  EXPECT_GT(NeedOfModel("python", 300).held, 100 * kMib);
}

TEST(LoadNeed, OfOneAfterAnotherHoldsTheFirst) {
  const LoadNeed first{.peak = 10, .held = 4}, second{.peak = 7, .held = 2};
  EXPECT_EQ(first.Then(second), (LoadNeed{.peak = 11, .held = 6}));
  EXPECT_EQ(second.Then(first), (LoadNeed{.peak = 12, .held = 6}));
  EXPECT_EQ(LoadNeed{}.Then(first), first);
}

TEST(CheckRoom, AnswersByWhatIsUsedAndPromised) {
  const LoadNeed need{.peak = 100, .held = 50};
  EXPECT_TRUE(CheckRoom("it", need, {.bytes_max = 1000, .used = 900}));
  EXPECT_FALSE(CheckRoom("it", need, {.bytes_max = 1000, .used = 901}));
  EXPECT_TRUE(CheckRoom("it", need, {.bytes_max = 1000, .used = 800, .promised = 100}));
  EXPECT_FALSE(CheckRoom("it", need, {.bytes_max = 1000, .used = 800, .promised = 101}));
  EXPECT_TRUE(CheckRoom("it", need, {.bytes_max = 0, .used = 901}));  // no limit
}

TEST(CheckRoom, SaysWhatIsNeededWhoHasWhatAndWhatToDo) {
  const Status refused = CheckRoom("package 3f2a", {.peak = 600 * kMib, .held = 200 * kMib},
                                   {.bytes_max = 2 * kGib, .used = 1800 * kMib, .promised = 60 * kMib,
                                    .holders = {{"late/2 warm", 300 * kMib}, {"late/3 live", 700 * kMib}}});
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(refused.error().message,
            "no room for package 3f2a: it may take 600.0 MiB while it is loaded and 200.0 MiB after; 1.76 GiB of 2.00 GiB are used "
            "(late/3 live 700.0 MiB, late/2 warm 300.0 MiB, the rest 800.0 MiB), and 60.0 MiB are promised to other loads (limit "
            "memory_bytes_max); remove an endpoint that is not needed, or give the process more memory");
  MemoryUse many{.bytes_max = 10, .used = 10};
  for (std::uint64_t i = 0; i < 20; ++i) many.holders.push_back({std::to_string(i) + " live", i * kMib});
  EXPECT_THAT(CheckRoom("it", {.peak = 1}, many).error().message, AllOf(HasSubstr("12 live"), Not(HasSubstr("11 live"))));
}

TEST(MemoryBytesMax, LeavesAnEighthOrAGibByDefault) {
  EXPECT_EQ(MemoryBytesMax(7, 64 * kGib), 7U);
  EXPECT_EQ(MemoryBytesMax(0, 800 * kMib), 700 * kMib);
  EXPECT_EQ(MemoryBytesMax(0, 64 * kGib), 63 * kGib);
}

class MemoryBudgetTest : public testing::Test {
 protected:
  Result<MemoryBudget::Room> Take(std::uint64_t peak) {
    return budget_.Take("a model", {.peak = peak, .held = peak / 2}, [this] {
      ++asked_;
      used_ -= idle_;
      idle_ = 0;
    });
  }
  std::int64_t Refused() { return counters_.Get("model_refused_total", "", {{"limit", "memory_bytes_max"}}).Value(); }

  std::uint64_t used_ = 500, idle_ = 0;
  int asked_ = 0;
  base::Counters counters_;
  MemoryBudget budget_{{.bytes_max = 1000, .used = [this] { return used_; }, .holders = {}, .counters = &counters_}};
};

TEST_F(MemoryBudgetTest, PromisesRoomUntilALoadIsDone) {
  {
    const auto first = Take(300);
    ASSERT_TRUE(first);
    EXPECT_EQ(budget_.Use().promised, 300U);
    EXPECT_THAT(Take(300).error().message, HasSubstr("promised to other loads"));
    EXPECT_TRUE(Take(200));
  }
  EXPECT_EQ(budget_.Use().promised, 0U);
  EXPECT_TRUE(Take(500));
  EXPECT_EQ(Refused(), 1);
}

TEST_F(MemoryBudgetTest, LetsGoOfWhatIsIdleBeforeItRefuses) {
  idle_ = 200;
  EXPECT_TRUE(Take(400));
  EXPECT_EQ(asked_, 0);  // there was room
  EXPECT_TRUE(Take(650));
  EXPECT_EQ(asked_, 1);
  EXPECT_FALSE(Take(701));
  EXPECT_EQ(Refused(), 1);
}

TEST_F(MemoryBudgetTest, IsAmongTheMetrics) {
  budget_.Note();
  EXPECT_EQ(counters_.Get("model_memory_max_bytes", "").Value(), 1000);
  EXPECT_EQ(counters_.Get("model_memory_used_bytes", "").Value(), 500);
}

}  // namespace
}  // namespace sw::model
